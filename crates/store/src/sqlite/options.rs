//! What an operator may choose about a SQLite store.

use std::{fmt, time::Duration};

use crate::{Now, clock};

/// Choices with good defaults.
///
/// ```
/// # use std::time::Duration;
/// use mcp_orchestrator_store::SqliteOptions;
///
/// let options = SqliteOptions::new().with_busy_timeout(Duration::from_secs(2)).with_bytes_max(1 << 30);
/// # let _ = options;
/// ```
#[derive(Clone)]
pub struct SqliteOptions {
    pub(super) now: Now,
    pub(super) busy_timeout: Duration,
    pub(super) bytes_max: Option<u64>,
    pub(super) as_is: bool,
}

impl SqliteOptions {
    /// The machine's clock, five seconds of patience, no limit but the disk's.
    #[must_use]
    pub fn new() -> Self {
        Self { now: clock::system(), busy_timeout: Duration::from_secs(5), bytes_max: None, as_is: false }
    }

    /// Another clock for leases, epochs and expiry. All processes that share the file must agree on it.
    #[must_use]
    pub fn with_now(mut self, now: Now) -> Self {
        self.now = now;
        self
    }

    /// How long to wait for another process that is writing before [`StoreError::Locked`](crate::StoreError::Locked).
    #[must_use]
    pub const fn with_busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.busy_timeout = busy_timeout;
        self
    }

    /// The size the file may grow to, in bytes, the log beside it not counted; then
    /// [`StoreError::Full`](crate::StoreError::Full).
    #[must_use]
    pub const fn with_bytes_max(mut self, bytes_max: u64) -> Self {
        self.bytes_max = Some(bytes_max);
        self
    }

    /// Leaves the file and its tables as they are: one that is missing or empty is not made a store, and one of an older
    /// version is not brought up but refused with [`StoreError::Outdated`](crate::StoreError::Outdated). For who only
    /// looks; the operations of the store that is opened write all the same.
    #[must_use]
    pub const fn as_is(mut self) -> Self {
        self.as_is = true;
        self
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("busy_timeout", &self.busy_timeout)
            .field("bytes_max", &self.bytes_max)
            .field("as_is", &self.as_is)
            .finish_non_exhaustive()
    }
}
