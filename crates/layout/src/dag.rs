//! The drawable part of a drawing: its edges without those that make no sense.
//!
//! Dropped are edges with an end that is not there, from a step to itself, repeating another
//! edge (data wins over order), and those that close a cycle. What remains is acyclic.

use crate::adjacency::Adjacency;
use crate::drawing::Drawing;

/// The acyclic links of a drawing.
pub(crate) struct Dag {
    /// How many steps there are.
    pub(crate) count: usize,
    /// From and to, no pair twice, in the order of the drawing's edges.
    pub(crate) links: Vec<(u32, u32)>,
    /// For each link, the edge it stands for.
    pub(crate) edges: Vec<u32>,
}

impl Dag {
    /// Keeps what can be drawn.
    pub(crate) fn of(drawing: &Drawing) -> Self {
        let count = drawing.nodes.len();
        let mut edges = distinct(drawing, count);
        let link = |edge: &u32| {
            let edge = &drawing.edges[*edge as usize];
            (edge.from, edge.to)
        };
        let mut links: Vec<_> = edges.iter().map(link).collect();
        let closing = closing_links(count, &links);
        if closing.contains(&true) {
            let mut keep = closing.iter().map(|closes| !closes);
            edges.retain(|_| keep.next().unwrap_or(true));
            links = edges.iter().map(link).collect();
        }
        Self {
            count,
            links,
            edges,
        }
    }
}

/// The edges between two different, existing steps; one for each pair.
fn distinct(drawing: &Drawing, count: usize) -> Vec<u32> {
    let key = |edge: &u32| {
        let found = &drawing.edges[*edge as usize];
        (found.from, found.to, found.kind, *edge)
    };
    let mut edges: Vec<u32> = (0..drawing.edges.len() as u32)
        .filter(|edge| {
            let (from, to, ..) = key(edge);
            from != to && (from.max(to) as usize) < count
        })
        .collect();
    edges.sort_unstable_by_key(key);
    edges.dedup_by_key(|edge| {
        let (from, to, ..) = key(edge);
        (from, to)
    });
    edges.sort_unstable();
    edges
}

/// Marks each link that leads back to a vertex on the path of a depth-first walk.
fn closing_links(count: usize, links: &[(u32, u32)]) -> Vec<bool> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        OnPath,
        Done,
    }
    let numbered = links
        .iter()
        .enumerate()
        .map(|(number, &(from, _))| (from, number as u32));
    let leaving = Adjacency::new(count, numbered);
    let mut marks = vec![Mark::New; count];
    let mut closing = vec![false; links.len()];
    let mut path: Vec<(u32, usize)> = Vec::new();
    for start in 0..count as u32 {
        if marks[start as usize] != Mark::New {
            continue;
        }
        marks[start as usize] = Mark::OnPath;
        path.push((start, 0));
        while let Some((vertex, next)) = path.last_mut() {
            let Some(&link) = leaving.of(*vertex).get(*next) else {
                marks[*vertex as usize] = Mark::Done;
                path.pop();
                continue;
            };
            *next += 1;
            let to = links[link as usize].1;
            match marks[to as usize] {
                Mark::New => {
                    marks[to as usize] = Mark::OnPath;
                    path.push((to, 0));
                }
                Mark::OnPath => closing[link as usize] = true,
                Mark::Done => {}
            }
        }
    }
    closing
}
