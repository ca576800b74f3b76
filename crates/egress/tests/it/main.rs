//! The client against a server on the loopback that sends given bytes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod client;
mod guard;
mod server;
mod sse;
