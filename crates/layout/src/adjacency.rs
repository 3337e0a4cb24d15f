//! Neighbour lists of a graph in two flat arrays.
//!
//! Built once from a list of pairs and then only read; a list keeps the order of its pairs.

/// For each vertex, the vertices its pairs lead to.
#[derive(Debug, Clone)]
pub(crate) struct Adjacency {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Adjacency {
    /// The neighbours of `count` vertices: `b` becomes a neighbour of `a` for each pair `(a, b)`.
    pub(crate) fn new(count: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0_u32; count + 1];
        for (from, _) in pairs.clone() {
            starts[from as usize + 1] += 1;
        }
        for vertex in 0..count {
            starts[vertex + 1] += starts[vertex];
        }
        let mut next = starts.clone();
        let mut items = vec![0; starts[count] as usize];
        for (from, to) in pairs {
            let slot = &mut next[from as usize];
            items[*slot as usize] = to;
            *slot += 1;
        }
        Self { starts, items }
    }

    /// The lists of successors and of predecessors.
    pub(crate) fn both(count: usize, links: &[(u32, u32)]) -> (Self, Self) {
        let after = Self::new(count, links.iter().copied());
        let before = Self::new(count, links.iter().map(|&(from, to)| (to, from)));
        (after, before)
    }

    /// The neighbours of one vertex.
    pub(crate) fn of(&self, vertex: u32) -> &[u32] {
        let vertex = vertex as usize;
        &self.items[self.starts[vertex] as usize..self.starts[vertex + 1] as usize]
    }

    /// Sorts each vertex's neighbours by `key`; equal keys keep their order.
    pub(crate) fn sort_by_key(&mut self, key: impl Fn(u32) -> u32) {
        for bounds in self.starts.windows(2) {
            self.items[bounds[0] as usize..bounds[1] as usize].sort_by_key(|&item| key(item));
        }
    }
}
