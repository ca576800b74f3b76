//! The store's clock: one function, so that tests can turn it by hand. Leases and epochs know no other time.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use mcp_orchestrator_domain::{Timestamp, millis};

/// Tells the time. Called often and under locks: it must be quick and must not call the store.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
pub(crate) fn system() -> Now {
    Arc::new(|| Timestamp::from_millis(millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())))
}
