//! Orders the vertices of each layer so that few edges cross.
//!
//! A link over several layers is led through a bend in each layer between, so that cards make
//! room for it. Layers are swept down and up a fixed number of times, each vertex moving to the
//! mean place of its neighbours, and the best order met is kept. Both the bends and the sweeps
//! are rationed: a graph of 100,000 steps gets a plainer picture, not a longer wait.

use std::collections::HashMap;
use std::ops::Range;

use crate::adjacency::Adjacency;

/// How many bends a picture may have before its longest links are drawn straight.
const BENDS_MAX: usize = 200_000;

/// A graph whose links lead from each layer to the next; cells come first, then bends.
pub(crate) struct Layered {
    /// How many of the vertices are cells.
    pub(crate) cells: usize,
    /// The vertices of each layer, from left to right.
    pub(crate) layers: Vec<Vec<u32>>,
    /// For each vertex, its neighbours in the layer above.
    pub(crate) up: Adjacency,
    /// For each vertex, its neighbours in the layer below.
    pub(crate) down: Adjacency,
    /// The bends of each link that has some, from top to bottom.
    bends: HashMap<(u32, u32), Range<u32>>,
}

impl Layered {
    /// Layers the cells, leads long links through bends and orders every layer.
    pub(crate) fn new(rank: &[u32], links: &[(u32, u32)]) -> Self {
        let cells = rank.len();
        let mut layer_of = rank.to_vec();
        let mut bends = HashMap::new();
        let mut segments = Vec::with_capacity(links.len());
        for (from, to) in shortest_first(rank, links) {
            let between = rank[from as usize] + 1..rank[to as usize];
            if layer_of.len() - cells + between.len() > BENDS_MAX {
                break;
            }
            let first = layer_of.len() as u32;
            layer_of.extend(between);
            let last = layer_of.len() as u32;
            let mut above = from;
            for bend in first..last {
                segments.push((above, bend));
                above = bend;
            }
            segments.push((above, to));
            if first < last {
                bends.insert((from, to), first..last);
            }
        }
        let (down, up) = Adjacency::both(layer_of.len(), &segments);
        let depth = layer_of
            .iter()
            .max()
            .map_or(0, |&deepest| deepest as usize + 1);
        let mut layers = vec![Vec::new(); depth];
        for vertex in walk(layer_of.len(), &down, &up) {
            layers[layer_of[vertex as usize] as usize].push(vertex);
        }
        let mut layered = Self {
            cells,
            layers,
            up,
            down,
            bends,
        };
        layered.uncross(segments.len());
        layered
    }

    /// How many cells and bends there are.
    pub(crate) fn count(&self) -> usize {
        self.layers.iter().map(Vec::len).sum()
    }

    /// The bends of a link of two cells, from top to bottom.
    pub(crate) fn bends(&self, from: u32, to: u32) -> Range<u32> {
        self.bends.get(&(from, to)).cloned().unwrap_or_default()
    }

    /// Whether a vertex is a bend of a long link.
    pub(crate) fn is_bend(&self, vertex: u32) -> bool {
        vertex as usize >= self.cells
    }

    /// The place of each vertex in its layer.
    pub(crate) fn places(layers: &[Vec<u32>], count: usize) -> Vec<u32> {
        let mut places = vec![0; count];
        for layer in layers {
            for (place, &vertex) in layer.iter().enumerate() {
                places[vertex as usize] = place as u32;
            }
        }
        places
    }

    fn uncross(&mut self, segments: usize) {
        let count = self.count();
        let mut best = self.crossings(count);
        let mut layers = self.layers.clone();
        for sweep in 0..sweeps(count + segments) {
            if best == 0 {
                break;
            }
            let mut places = Self::places(&layers, count);
            let depth = layers.len();
            for step in 1..depth {
                let (layer, toward) = match sweep % 2 {
                    0 => (step, &self.up),
                    _ => (depth - 1 - step, &self.down),
                };
                sort_by_mean(&mut layers[layer], toward, &mut places);
            }
            std::mem::swap(&mut self.layers, &mut layers);
            let crossings = self.crossings(count);
            if crossings < best {
                best = crossings;
                layers.clone_from(&self.layers);
            } else {
                std::mem::swap(&mut self.layers, &mut layers);
            }
        }
    }

    /// How many pairs of segments cross.
    fn crossings(&self, count: usize) -> u64 {
        let places = Self::places(&self.layers, count);
        let mut total = 0;
        let mut ends = Vec::new();
        for pair in self.layers.windows(2) {
            ends.clear();
            for &vertex in &pair[0] {
                let first = ends.len();
                ends.extend(
                    self.down
                        .of(vertex)
                        .iter()
                        .map(|&other| places[other as usize]),
                );
                ends[first..].sort_unstable();
            }
            total += inversions(&ends, pair[1].len());
        }
        total
    }
}

/// The links by the number of layers they span.
fn shortest_first(rank: &[u32], links: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut sorted = links.to_vec();
    sorted.sort_by_key(|&(from, to)| rank[to as usize] - rank[from as usize]);
    sorted
}

/// How often to sweep a graph of so many vertices and segments.
fn sweeps(size: usize) -> usize {
    match size {
        0..=10_000 => 24,
        10_001..=100_000 => 8,
        100_001..=500_000 => 2,
        _ => 0,
    }
}

/// Every vertex once, neighbours soon after each other: trees come out without a crossing.
fn walk(count: usize, down: &Adjacency, up: &Adjacency) -> Vec<u32> {
    let mut seen = vec![false; count];
    let mut order = Vec::with_capacity(count);
    let tops = (0..count as u32).filter(|&vertex| up.of(vertex).is_empty());
    let mut ahead = Vec::new();
    for top in tops {
        ahead.push(top);
        while let Some(vertex) = ahead.pop() {
            if std::mem::replace(&mut seen[vertex as usize], true) {
                continue;
            }
            order.push(vertex);
            ahead.extend(down.of(vertex).iter().rev());
        }
    }
    order
}

/// Moves each vertex to the mean place of its neighbours; one without neighbours stays.
fn sort_by_mean(layer: &mut [u32], toward: &Adjacency, places: &mut [u32]) {
    let mut keyed: Vec<(f64, u32)> = layer
        .iter()
        .map(|&vertex| {
            let others = toward.of(vertex);
            let sum: f64 = others
                .iter()
                .map(|&other| f64::from(places[other as usize]))
                .sum();
            let mean = match others.len() {
                0 => f64::from(places[vertex as usize]),
                count => sum / count as f64,
            };
            (mean, vertex)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (place, &(_, vertex)) in keyed.iter().enumerate() {
        layer[place] = vertex;
        places[vertex as usize] = place as u32;
    }
}

/// How many pairs of `ends` are out of order; each end is less than `width`.
fn inversions(ends: &[u32], width: usize) -> u64 {
    let mut tree = vec![0_u32; width + 1];
    let mut total = 0;
    for (before, &end) in ends.iter().enumerate() {
        let mut not_after = 0_u64;
        let mut node = end as usize + 1;
        while node > 0 {
            not_after += u64::from(tree[node]);
            node &= node - 1;
        }
        total += before as u64 - not_after;
        let mut node = end as usize + 1;
        while node <= width {
            tree[node] += 1;
            node += node & node.wrapping_neg();
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_that_can_be_drawn_without_crossings_is() {
        // Two interleaved ladders, given in the order that crosses most.
        let rank = [0, 0, 1, 1, 2, 2];
        let links = [(0, 3), (1, 2), (2, 4), (3, 5), (0, 5), (1, 4)];
        let layered = Layered::new(&rank, &links);
        assert_eq!(layered.crossings(layered.count()), 0);
    }

    #[test]
    fn crossings_are_counted_once_for_each_pair() {
        assert_eq!(inversions(&[2, 1, 0], 3), 3);
        assert_eq!(inversions(&[0, 0, 1, 1], 2), 0);
        assert_eq!(inversions(&[0, 1, 0, 1], 2), 1);
    }
}
