//! Layers around a provider that make a service's bad moments bearable. Each is a [`Provider`](crate::Provider) around a
//! provider, and each is usable alone.
//!
//! | layer | what it does | in an orchestrator |
//! |---|---|---|
//! | [`Governor`] | keeps to rates, concurrency and pauses by waiting, first come, first served | yes |
//! | [`CircuitBreaker`] | leaves a service that fails alone, until one request shows that it is back | yes |
//! | [`Retry`] | asks again within a deadline | no: the engine does |
//! | [`Fallback`] | asks the next provider | no: `Builder::with_fallback` |
//! | [`Cache`] | answers what was asked before from memory | seldom of use: prompts differ |
//!
//! Put the breaker around the governor, so that an open circuit makes nobody wait in a line, and both inside retries.
//!
//! ```
//! use std::sync::Arc;
//! use mcp_orchestrator_providers::{Provider, layers::*};
//!
//! fn steady(service: impl Provider) -> Retry {
//!     let governor = Governor::new(service, GovernorLimits { requests_per_minute: Some(300), ..GovernorLimits::default() });
//!     let breaker = CircuitBreaker::new(governor, BreakerLimits::default());
//!     Retry::new(breaker, RetryLimits::default())
//! }
//! ```
//!
//! [`health_of`] asks a provider whether it is there, within a limit.

mod breaker;
mod bucket;
mod cache;
mod circuit;
mod entrance;
mod fallback;
mod governor;
mod health;
mod lane;
mod line;
mod pace;
mod retry;
mod shared;
mod sink;

pub use breaker::{BreakerLimits, CircuitBreaker};
pub use cache::{Cache, CacheLimits};
pub use fallback::{Fallback, another_may_answer};
pub use governor::{Governor, GovernorLimits};
pub use health::{HEALTH_LIMIT, Health, health_of};
pub use retry::{Retry, RetryLimits};
pub use shared::{SharedBucket, SharedLimits, SharedTurn};
