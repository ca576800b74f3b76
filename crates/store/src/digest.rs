//! The address of bytes, without holding up the runtime.

use bytes::Bytes;
use mcp_orchestrator_domain::Digest;
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use crate::StoreError;

/// Bytes from which hashing is done on a thread that may block.
const HASH_ASIDE: usize = 256 * 1024;

/// SHA-256 of some bytes. Dropping the future lets the work end unheard.
pub(crate) async fn hash(bytes: &Bytes) -> Result<Digest, StoreError> {
    let digest = |bytes: &Bytes| Digest::new(Sha256::digest(bytes).into());
    if bytes.len() < HASH_ASIDE {
        return Ok(digest(bytes));
    }
    let bytes = bytes.clone();
    let hashing = spawn_blocking(move || digest(&bytes));
    hashing.await.map_err(|error| StoreError::Unavailable(format!("hashing did not end: {error}")))
}
