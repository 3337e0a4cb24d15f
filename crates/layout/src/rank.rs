//! Chooses a layer for each cell: every link leads to a deeper layer.
//!
//! Longest path from the top, then cells with more ways out than in move down to their
//! successors, which shortens more edges than it lengthens. Cells without links stand in a
//! layer of their own below the rest, where a large block of them pushes nothing apart.

use crate::adjacency::Adjacency;

/// The layer of each vertex of an acyclic graph, counted from 0.
pub(crate) fn rank(count: usize, links: &[(u32, u32)]) -> Vec<u32> {
    let (after, before) = Adjacency::both(count, links);
    let order = topological(count, &after, &before);
    let mut rank = vec![0_u32; count];
    for &vertex in &order {
        let above = before
            .of(vertex)
            .iter()
            .map(|&other| rank[other as usize] + 1);
        rank[vertex as usize] = above.max().unwrap_or(0);
    }
    for &vertex in order.iter().rev() {
        let lowest = after
            .of(vertex)
            .iter()
            .map(|&other| rank[other as usize] - 1)
            .min();
        if let Some(lowest) = lowest
            && after.of(vertex).len() > before.of(vertex).len()
        {
            rank[vertex as usize] = lowest;
        }
    }
    if let Some(deepest) = links.iter().map(|&(_, to)| rank[to as usize]).max() {
        for vertex in 0..count as u32 {
            if after.of(vertex).is_empty() && before.of(vertex).is_empty() {
                rank[vertex as usize] = deepest + 1;
            }
        }
    }
    rank
}

/// Every vertex after its predecessors, following one branch to its end before the next.
pub(crate) fn topological(count: usize, after: &Adjacency, before: &Adjacency) -> Vec<u32> {
    let mut unmet: Vec<usize> = (0..count as u32)
        .map(|vertex| before.of(vertex).len())
        .collect();
    let mut ready: Vec<u32> = (0..count as u32)
        .rev()
        .filter(|&vertex| unmet[vertex as usize] == 0)
        .collect();
    let mut order = Vec::with_capacity(count);
    while let Some(vertex) = ready.pop() {
        order.push(vertex);
        for &other in after.of(vertex).iter().rev() {
            unmet[other as usize] -= 1;
            if unmet[other as usize] == 0 {
                ready.push(other);
            }
        }
    }
    order
}
