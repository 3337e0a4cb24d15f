//! Gathers steps that stand in the same place of the graph, so that wide fans stay readable.
//!
//! Siblings are steps with the same predecessors and the same successors: the tries of a search,
//! the parts of a split, steps with no edges at all. Enough of them become one cell, which is
//! laid out as a grid or listed on one rail. Folding keeps the graph acyclic, because a way from
//! one sibling to another would have to pass a common successor and come back.

use std::collections::HashMap;

use crate::adjacency::Adjacency;
use crate::dag::Dag;

/// The graph of cells: each one step, or a group of siblings.
pub(crate) struct Cells {
    /// The steps of each cell, in the order of the drawing.
    pub(crate) members: Vec<Vec<u32>>,
    /// The cell of each step.
    pub(crate) cell_of: Vec<u32>,
    /// From and to, no pair twice.
    pub(crate) links: Vec<(u32, u32)>,
}

/// Gathers siblings into one cell where there are at least `siblings_min`.
pub(crate) fn fold(dag: &Dag, siblings_min: usize) -> Cells {
    let (after, before) = sorted_neighbours(dag);
    let key = |step: u32| (before.of(step), after.of(step));
    let mut sizes: HashMap<_, usize> = HashMap::new();
    for step in 0..dag.count as u32 {
        *sizes.entry(key(step)).or_default() += 1;
    }
    let mut groups = HashMap::new();
    let mut members: Vec<Vec<u32>> = Vec::new();
    let mut cell_of = Vec::with_capacity(dag.count);
    for step in 0..dag.count as u32 {
        let fresh = members.len() as u32;
        let cell = match sizes[&key(step)] >= siblings_min {
            true => *groups.entry(key(step)).or_insert(fresh),
            false => fresh,
        };
        if cell == fresh {
            members.push(Vec::new());
        }
        members[cell as usize].push(step);
        cell_of.push(cell);
    }
    let links = cell_links(dag, &members, &cell_of);
    Cells {
        members,
        cell_of,
        links,
    }
}

fn sorted_neighbours(dag: &Dag) -> (Adjacency, Adjacency) {
    let (mut after, mut before) = Adjacency::both(dag.count, &dag.links);
    after.sort_by_key(|step| step);
    before.sort_by_key(|step| step);
    (after, before)
}

/// A link of two cells is there once, for the pair of their first members.
fn cell_links(dag: &Dag, members: &[Vec<u32>], cell_of: &[u32]) -> Vec<(u32, u32)> {
    let cell_led_by = |step: u32| {
        let cell = cell_of[step as usize];
        (members[cell as usize][0] == step).then_some(cell)
    };
    let links = dag.links.iter();
    links
        .filter_map(|&(from, to)| Some((cell_led_by(from)?, cell_led_by(to)?)))
        .collect()
}
