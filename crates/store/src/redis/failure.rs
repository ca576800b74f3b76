//! From Redis's errors to the contract's. Owns the mapping; every message names the server, none a secret.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::StoreError;

/// What the caller is told.
pub(super) fn store_error(error: &RedisError, location: &str) -> StoreError {
    let said = said(error, location);
    match (error.kind(), error.code()) {
        (_, Some("OOM")) => StoreError::Full(said),
        (ErrorKind::UnexpectedReturnType | ErrorKind::Parse, _) => StoreError::Unreadable(said),
        (_, _) => StoreError::Unavailable(said),
    }
}

/// Whether the connection is no longer worth having: it is gone, or leads to a server that takes no writes.
pub(super) fn is_lost(error: &RedisError) -> bool {
    error.is_connection_dropped()
        || error.is_unrecoverable_error()
        || matches!(
            error.kind(),
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown | ServerErrorKind::Moved)
        )
}

pub(super) fn said(error: &RedisError, location: &str) -> String {
    if error.is_timeout() {
        return format!("{location}: no answer in time");
    }
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::Moved) => {
            format!("{location}: it is one node of a cluster and has not our slot; name the node that has it")
        }
        _ => format!("{location}: {error}"),
    }
}
