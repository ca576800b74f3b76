//! Test doubles and conformance suites of `mcp-orchestrator`.

#[cfg(feature = "engine")]
mod manual_clock;
#[cfg(feature = "engine")]
mod scripted_provider;
pub mod store_suite;

#[cfg(feature = "engine")]
pub use manual_clock::ManualClock;
#[cfg(feature = "engine")]
pub use scripted_provider::{Act, Asked, ScriptedProvider, obliging};
