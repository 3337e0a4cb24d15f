//! One piece of blocking work for each of many files, on as many threads as there are cores.
//!
//! Little work is done on the caller's thread: starting a step writes a file or two, and starting
//! threads for them would take longer than the files.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::Result;

const FEW_ITEMS: usize = 32;
const FEW_BYTES: u64 = 8 * 1024 * 1024;

/// `work` on each item, the results in the order of the items.
///
/// `bytes` is how much the items weigh together. After a failure no new item is begun; of several
/// failures, that of the first item is returned.
pub(crate) fn map<T, R>(
    items: &[T],
    bytes: u64,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>>
where
    T: Sync,
    R: Send,
{
    let threads = threads(items.len(), bytes);
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let worker = || {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let result = work(item);
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            done.push((index, result));
        }
        done
    };
    let mut done: Vec<_> = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        handles
            .into_iter()
            .flat_map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn threads(items: usize, bytes: u64) -> usize {
    if items <= FEW_ITEMS && bytes <= FEW_BYTES {
        return 1;
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    cores.min(items)
}
