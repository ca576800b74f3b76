//! From SQLite's errors to the contract's. Owns the mapping; every message names the file.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::StoreError;

/// Why a piece of work on a connection failed: nothing of it may stay.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite refused.
    Sqlite(rusqlite::Error),
    /// We refused.
    Store(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// The contract's error.
    pub(super) fn into_store_error(self, path: &Path) -> StoreError {
        match self {
            Self::Sqlite(error) => store_error(&error, path),
            Self::Store(error) => error,
        }
    }

    /// What it says if the file is damaged: its pages cannot be read, or hold what they should not.
    pub(super) fn damage(&self) -> Option<String> {
        let Self::Sqlite(error) = self else { return None };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) | None => Some(error.to_string()),
            Some(_) => None,
        }
    }

    /// Whether another connection held the file too long: trying each part alone would only wait again.
    pub(super) fn is_locked(&self) -> bool {
        match self {
            Self::Sqlite(error) => is_locked(error),
            Self::Store(_) => false,
        }
    }
}

/// Whether another connection holds the file.
pub(super) fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// What the caller is told.
pub(super) fn store_error(error: &rusqlite::Error, path: &Path) -> StoreError {
    let said = format!("{}: {error}", path.display());
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(said),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked(said),
        Some(_) => StoreError::Unavailable(said),
        // Without a code the value read was not what the column should hold.
        None => StoreError::Unreadable(said),
    }
}
