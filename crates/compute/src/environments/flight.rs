//! Work that is done once, however many ask for it at the same moment.
//!
//! It knows nothing of environments. Invariant: at any moment at most one task of this process
//! works on a key; all who asked meanwhile get what it found, while a failure is not kept for
//! those who ask later, since the world may have mended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use stepwell_model::Failure;
use tokio::sync::OnceCell;

type Flight<T> = OnceCell<Result<T, Failure>>;

/// Results by key.
#[derive(Debug)]
pub(super) struct Flights<T>(Mutex<HashMap<String, Arc<Flight<T>>>>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Flights<T> {
    /// The result for `key`: a kept one that is still `usable`, that of the work under way, or
    /// that of `work`. When the task that works is dropped, one that waits starts it again.
    pub(super) async fn join<W>(
        &self,
        key: &str,
        usable: impl FnOnce(&T) -> bool,
        work: impl FnOnce() -> W,
    ) -> Result<T, Failure>
    where
        W: Future<Output = Result<T, Failure>>,
    {
        let flight = self.enter(key, usable);
        flight.get_or_init(work).await.clone()
    }

    fn enter(&self, key: &str, usable: impl FnOnce(&T) -> bool) -> Arc<Flight<T>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(key) {
            let serves = match flight.get() {
                None => true,
                Some(result) => result.as_ref().is_ok_and(usable),
            };
            if serves {
                return Arc::clone(flight);
            }
        }
        let flight = Arc::<Flight<T>>::default();
        flights.insert(key.to_owned(), Arc::clone(&flight));
        flight
    }
}

#[cfg(test)]
mod tests {
    use stepwell_model::FailureKind;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn those_who_ask_together_share_a_failure_and_later_ones_try_again() {
        let flights = Flights::<u32>::default();
        let gate = Notify::new();
        let fail = async || {
            gate.notified().await;
            Err(Failure::new(FailureKind::Environment, "no luck"))
        };
        let never = async || -> Result<u32, Failure> { panic!("the work is under way") };
        let (first, second, ()) = tokio::join!(
            flights.join("key", |_| true, fail),
            flights.join("key", |_| true, never),
            async { gate.notify_one() },
        );
        assert!(first.is_err());
        assert_eq!(first, second);
        assert_eq!(flights.join("key", |_| true, async || Ok(1)).await, Ok(1));
        assert_eq!(flights.join("key", |_| true, async || Ok(2)).await, Ok(1));
        assert_eq!(flights.join("key", |_| false, async || Ok(3)).await, Ok(3));
    }
}
