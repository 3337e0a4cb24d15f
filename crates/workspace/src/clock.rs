//! The time as a port, so that tests can give another.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use stepwell_model::Timestamp;

/// A future of a port.
pub type Ask<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The time of day.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Ends at that time at the latest; it may end earlier.
    fn sleep_until(&self, at: Timestamp) -> Ask<()>;
}

/// The clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }

    fn sleep_until(&self, at: Timestamp) -> Ask<()> {
        let wait = at.as_millis().saturating_sub(self.now().as_millis());
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        Box::pin(tokio::time::sleep(wait))
    }
}
