//! The mini-batches that are neither done nor given up: what a worker is sent to get their items.
//!
//! They are planned as far ahead as little memory allows, so that the number of all of them, and
//! with it the time that is left, is known early. Invariant: the cost is that of the open ones.

use std::collections::HashMap;

use crate::plan::Cut;

/// How much may be held before no more is planned than the workers need.
const AHEAD_BYTES: usize = 16 << 20;

/// What one costs apart from its body, here and in the scheduler.
const OVERHEAD_BYTES: usize = 256;

struct Batch {
    cut: Cut,
    digest: u64,
}

/// The mini-batches of one step, by number.
#[derive(Default)]
pub(super) struct OpenBatches {
    batches: HashMap<u64, Batch>,
    bytes: usize,
}

impl OpenBatches {
    /// Whether there is memory to plan further ahead.
    pub(super) const fn has_room(&self) -> bool {
        self.bytes < AHEAD_BYTES
    }

    pub(super) fn insert(&mut self, batch: u64, cut: Cut, digest: u64) {
        self.bytes += cost(&cut);
        self.batches.insert(batch, Batch { cut, digest });
    }

    /// What a worker is sent for one.
    pub(super) fn body(&self, batch: u64) -> Option<&[u8]> {
        Some(&self.batches.get(&batch)?.cut.body)
    }

    /// Lets go of one, and returns its digest.
    pub(super) fn remove(&mut self, batch: u64) -> Option<u64> {
        let Batch { cut, digest } = self.batches.remove(&batch)?;
        self.bytes -= cost(&cut);
        Some(digest)
    }
}

const fn cost(cut: &Cut) -> usize {
    cut.body.capacity() + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(size: usize) -> Cut {
        let (body, items) = (vec![b'x'; size], Some(1));
        Cut { body, items }
    }

    #[test]
    fn there_is_room_until_much_is_held_and_again_when_it_is_gone() {
        let mut held = OpenBatches::default();
        for batch in 0..16 {
            assert!(held.has_room());
            held.insert(batch, cut(1 << 20), batch * 7);
        }
        assert!(!held.has_room());
        assert_eq!(held.body(3).map(<[u8]>::len), Some(1 << 20));
        assert_eq!((held.remove(3), held.remove(3)), (Some(21), None));
        assert!(held.has_room() && held.body(3).is_none());
    }
}
