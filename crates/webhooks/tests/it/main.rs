//! Webhooks against receivers on the loopback, on a store in memory and a clock that moves by hand.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod breaking_store;
mod crashes;
mod delivering;
mod failing;
mod failover;
mod managing;
mod original;
mod receiver;
mod world;
