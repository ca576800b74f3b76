//! Test doubles and conformance suites of `mcp-orchestrator`.

#[cfg(feature = "chaos")]
pub mod chaos;
mod fault_proxy;
pub mod history;
mod luck;
#[cfg(feature = "engine")]
mod manual_clock;
mod model_server;
pub mod provider_suite;
mod redis_server;
#[cfg(feature = "engine")]
mod scripted_provider;
pub mod shared_limits;
pub mod store_suite;
mod tapped_store;

pub use fault_proxy::FaultProxy;
pub use luck::Luck;
#[cfg(feature = "engine")]
pub use manual_clock::ManualClock;
pub use model_server::{Behaviour, ModelRequest, ModelServer};
pub use redis_server::RedisServer;
#[cfg(feature = "engine")]
pub use scripted_provider::{Act, Asked, ScriptedProvider, obliging};
pub use tapped_store::{StoreCall, Tap, TappedStore};
