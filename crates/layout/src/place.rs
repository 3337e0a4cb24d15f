//! Chooses the horizontal place of every vertex, keeping the order of each layer.
//!
//! The method of Brandes and Köpf: vertices are aligned with their median neighbours in four
//! ways (up or down, leaning left or right), each way is packed as tightly as the cards allow,
//! and a vertex stands at the mean of the middle two places. Order statistics of packings that
//! keep a distance keep it too, so cards never overlap.

use std::collections::HashSet;

use crate::adjacency::Adjacency;
use crate::order::Layered;

const CARD_GAP: f64 = 36.0;
const BEND_CARD_GAP: f64 = 24.0;
const BEND_GAP: f64 = 14.0;

/// The horizontal centre of every vertex; the leftmost border is at 0.
pub(crate) fn place(layered: &Layered, width_of: &[f64]) -> Vec<f64> {
    let crossing = segments_crossing_bends(layered);
    let mut ways = Vec::with_capacity(4);
    for upward in [false, true] {
        for mirrored in [false, true] {
            let mut layers = layered.layers.clone();
            if upward {
                layers.reverse();
            }
            if mirrored {
                layers.iter_mut().for_each(|layer| layer.reverse());
            }
            let way = Way {
                layered,
                layers,
                upward,
                crossing: &crossing,
                width_of,
            };
            let mut xs = way.pack(&way.align());
            if mirrored {
                xs.iter_mut().for_each(|x| *x = -*x);
            }
            ways.push((xs, mirrored));
        }
    }
    settle(ways, width_of)
}

/// One of the four ways to align.
struct Way<'a> {
    layered: &'a Layered,
    layers: Vec<Vec<u32>>,
    upward: bool,
    crossing: &'a HashSet<(u32, u32)>,
    width_of: &'a [f64],
}

impl Way<'_> {
    /// For each vertex, the first vertex of the vertical line it stands in.
    fn align(&self) -> Vec<u32> {
        let count = self.width_of.len();
        let places = Layered::places(&self.layers, count);
        let mut toward = match self.upward {
            true => self.layered.down.clone(),
            false => self.layered.up.clone(),
        };
        toward.sort_by_key(|vertex| places[vertex as usize]);
        let mut root: Vec<u32> = (0..count as u32).collect();
        for layer in self.layers.iter().skip(1) {
            let mut free_from = 0;
            for &vertex in layer {
                let others = toward.of(vertex);
                let Some(last) = others.len().checked_sub(1) else {
                    continue;
                };
                let medians = &others[last / 2..=others.len() / 2];
                let aligned = medians.iter().find(|&&other| {
                    places[other as usize] >= free_from && !self.is_crossing(vertex, other)
                });
                if let Some(&other) = aligned {
                    root[vertex as usize] = root[other as usize];
                    free_from = places[other as usize] + 1;
                }
            }
        }
        root
    }

    fn is_crossing(&self, vertex: u32, other: u32) -> bool {
        let segment = if self.upward {
            (vertex, other)
        } else {
            (other, vertex)
        };
        !self.crossing.is_empty() && self.crossing.contains(&segment)
    }

    /// The centre of each vertex, its line packed against its neighbours.
    fn pack(&self, root: &[u32]) -> Vec<f64> {
        let line = |vertex: u32| root[vertex as usize];
        let pairs = self.layers.iter().flat_map(|layer| layer.windows(2));
        let gaps: Vec<Gap> = pairs
            .map(|pair| Gap {
                left: line(pair[0]),
                right: line(pair[1]),
                distance: self.distance(pair[0], pair[1]),
            })
            .collect();
        let xs = pack_lines(root.len(), &gaps);
        root.iter().map(|&line| xs[line as usize]).collect()
    }

    /// The least distance of the centres of two neighbours in a layer.
    fn distance(&self, left: u32, right: u32) -> f64 {
        let gap = match (self.layered.is_bend(left), self.layered.is_bend(right)) {
            (false, false) => CARD_GAP,
            (true, true) => BEND_GAP,
            _ => BEND_CARD_GAP,
        };
        f64::midpoint(self.width_of[left as usize], self.width_of[right as usize]) + gap
    }
}

/// Two lines with a layer where they are neighbours.
struct Gap {
    left: u32,
    right: u32,
    distance: f64,
}

/// Places the lines as far left as they go, then each as near to its right neighbours as it can
/// be.
fn pack_lines(count: usize, gaps: &[Gap]) -> Vec<f64> {
    let numbered = gaps
        .iter()
        .enumerate()
        .map(|(number, gap)| (gap.left, number as u32));
    let rightward = Adjacency::new(count, numbered);
    let mut unmet = vec![0_u32; count];
    gaps.iter().for_each(|gap| unmet[gap.right as usize] += 1);
    let mut order: Vec<u32> = (0..count as u32)
        .filter(|&line| unmet[line as usize] == 0)
        .collect();
    let mut xs = vec![0.0_f64; count];
    let mut next = 0;
    while let Some(&line) = order.get(next) {
        next += 1;
        for &number in rightward.of(line) {
            let gap = &gaps[number as usize];
            let right = gap.right as usize;
            xs[right] = xs[right].max(xs[line as usize] + gap.distance);
            unmet[right] -= 1;
            if unmet[right] == 0 {
                order.push(gap.right);
            }
        }
    }
    for &line in order.iter().rev() {
        let limits = rightward.of(line).iter().map(|&number| {
            let gap = &gaps[number as usize];
            xs[gap.right as usize] - gap.distance
        });
        if let Some(limit) = limits.min_by(f64::total_cmp) {
            xs[line as usize] = limit;
        }
    }
    xs
}

/// Segments that cross a segment between two bends: those must give way, for a long edge to run
/// straight.
fn segments_crossing_bends(layered: &Layered) -> HashSet<(u32, u32)> {
    let mut crossing = HashSet::new();
    let count = layered.count();
    let places = Layered::places(&layered.layers, count);
    let place = |vertex: u32| places[vertex as usize];
    for pair in layered.layers.windows(2) {
        let (upper, lower) = (&pair[0], &pair[1]);
        let mut scanned = 0;
        let mut left_bound = 0;
        for (at, &vertex) in lower.iter().enumerate() {
            let straight = layered
                .up
                .of(vertex)
                .first()
                .filter(|&&other| layered.is_bend(vertex) && layered.is_bend(other));
            if straight.is_none() && at + 1 < lower.len() {
                continue;
            }
            let right_bound = straight.map_or(upper.len() as u32, |&other| place(other));
            for &inner in &lower[scanned..=at] {
                for &other in layered.up.of(inner) {
                    let outside = place(other) < left_bound || place(other) > right_bound;
                    let both_bends = layered.is_bend(inner) && layered.is_bend(other);
                    if outside && !both_bends {
                        crossing.insert((other, inner));
                    }
                }
            }
            scanned = at + 1;
            left_bound = right_bound;
        }
    }
    crossing
}

/// Lays the four ways over the narrowest one and takes the middle.
fn settle(mut ways: Vec<(Vec<f64>, bool)>, width_of: &[f64]) -> Vec<f64> {
    let bounds = |xs: &[f64]| {
        let borders = xs.iter().zip(width_of);
        borders.fold((f64::MAX, f64::MIN), |(left, right), (x, width)| {
            (left.min(x - width / 2.0), right.max(x + width / 2.0))
        })
    };
    let narrowest = ways
        .iter()
        .map(|(xs, _)| bounds(xs))
        .min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))
        .unwrap_or_default();
    for (xs, mirrored) in &mut ways {
        let (left, right) = bounds(xs);
        let shift = if *mirrored {
            narrowest.1 - right
        } else {
            narrowest.0 - left
        };
        xs.iter_mut().for_each(|x| *x += shift);
    }
    let mut middle: Vec<f64> = (0..width_of.len())
        .map(|vertex| {
            let mut xs: Vec<f64> = ways.iter().map(|(xs, _)| xs[vertex]).collect();
            xs.sort_by(f64::total_cmp);
            f64::midpoint(xs[1], xs[2])
        })
        .collect();
    let (left, _) = bounds(&middle);
    middle.iter_mut().for_each(|x| *x -= left);
    middle
}
