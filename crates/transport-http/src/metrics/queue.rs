//! How many workflows wait in the store's queue, looked at now and then. Owns how often: a scrape every second does not become
//! a count every second.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How old the last look may be.
const FRESH: Duration = Duration::from_secs(5);

/// The last look.
#[derive(Debug, Default)]
pub(crate) struct QueueLength(Mutex<Option<(Instant, Option<u64>)>>);

impl QueueLength {
    /// The length as it was seen last, by `look` if that was a while ago. `None`: the store did not say. Several at once may
    /// look, which does no harm.
    pub(crate) async fn sampled(&self, look: impl Future<Output = Option<u64>>) -> Option<u64> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, length)) = last.filter(|(at, _)| at.elapsed() < FRESH) {
            return length;
        }
        let length = look.await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), length));
        length
    }
}
