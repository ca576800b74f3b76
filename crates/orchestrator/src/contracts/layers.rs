//! Layers around a [`Provider`](crate::Provider) that make a service's bad moments bearable: each is a provider around a
//! provider, and each is usable alone.
//!
//! Around the providers of an orchestrator put a [`Governor`], which waits, and a [`CircuitBreaker`]. Trying again and
//! asking another provider are the engine's own: see `Builder::with_fallback`.
//!
//! ```
//! use std::sync::Arc;
//! use mcp_orchestrator::{MemoryStore, Orchestrator, Provider, Store, layers::{Governor, GovernorLimits, StoreLimits}};
//!
//! fn built(service: impl Provider) -> Result<Orchestrator, mcp_orchestrator::Error> {
//!     let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
//!     let limits = GovernorLimits { requests_per_minute: Some(300), ..GovernorLimits::default() };
//!     let governor = Governor::new(service, limits).with_shared(Arc::new(StoreLimits::new(Arc::clone(&store))));
//!     Orchestrator::builder_shared(store).with_provider(governor).build()
//! }
//! ```

pub use crate::limits::StoreLimits;
pub use mcp_orchestrator_providers::layers::{
    BreakerLimits, Cache, CacheLimits, CircuitBreaker, Fallback, Governor, GovernorLimits, HEALTH_LIMIT, Health, Retry,
    RetryLimits, SharedBucket, SharedLimits, SharedTurn, another_may_answer, health_of,
};
