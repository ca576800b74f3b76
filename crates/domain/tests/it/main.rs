//! The domain from outside: the fold, the agent loop, requests.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop right there")]

mod agent;
mod change;
mod definition;
mod fork;
mod gate;
mod model;
mod request;
mod status;
mod workflow;
