//! Why an operation of a store failed. Owns the variants a caller branches on.

use mcp_orchestrator_domain::Seq;

/// Why an append was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Somebody else has appended: read, fold and decide again. Whether what the writer knows is still there, it sees then.
    #[error("the log is at {head}, not where the writer believed")]
    Conflict {
        /// Where the log is.
        head: Seq,
    },
    /// The lease is lost: abort everything of this workflow.
    #[error("the lease is lost")]
    Fenced,
    /// The store has lost records it had acknowledged (a failover): the log ends before the position the writer knows, or
    /// the record there is another one by its lineage, or a blob an owner names is gone. An owner that still has them appends them again, where the log ends in
    /// a record it knows; everybody else reads, folds and decides again.
    #[error("the log is at {head} and lacks what it had acknowledged")]
    Regressed {
        /// Where the log is.
        head: Seq,
    },
    /// The workflow has ended.
    #[error("the workflow has ended")]
    Terminal,
    /// No such workflow.
    #[error("no such workflow")]
    Unknown,
    /// The records are too large for this store.
    #[error("the records have {bytes} bytes, more than {bytes_max}")]
    TooLarge {
        /// How large.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The store did not do it; nothing was written, or (after a time-out) perhaps everything: repeat with the same
    /// `append_id`.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The id is taken.
    #[error("a workflow with this id exists")]
    Exists,
    /// There is a file of this name, and it stays as it is.
    #[error("there is a file {0} already")]
    Taken(String),
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another request")]
    IdempotencyMismatch,
    /// The queue is as long as the caller allows it to be. Nothing was written; try again when it is shorter.
    #[error("the queue is full: {queued} workflows wait, {queue_max} may")]
    QueueFull {
        /// How many wait, at least.
        queued: u64,
        /// How many the caller allowed.
        queue_max: u64,
    },
    /// Another version is stored.
    #[error("the record has version {found}")]
    VersionConflict {
        /// The version found.
        found: u64,
    },
    /// The disk or the store is full. What was acknowledged is safe.
    #[error("the store is full: {0}")]
    Full(String),
    /// It was given nothing to write.
    #[error("there is no record to write")]
    Empty,
    /// The value is too large for this store.
    #[error("the value has {bytes} bytes, more than {bytes_max}")]
    TooLarge {
        /// How large.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Another process holds the store longer than it may.
    #[error("the store is locked: {0}")]
    Locked(String),
    /// It cannot be reached, opened or read.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// It holds something this version cannot read.
    #[error("the store holds what this version cannot read: {0}")]
    Unreadable(String),
    /// It is of an older version, and was opened to stay as it is. Opening it otherwise brings it up.
    #[error("{location} has schema version {found} and was to stay as it is; this program works on version {expected}")]
    Outdated {
        /// Which store.
        location: String,
        /// Its version.
        found: u64,
        /// The version this program brings stores up to.
        expected: u64,
    },
}
