//! The adapters against the contract's suite, any sequence of operations against a model, and what only a file or
//! a server can suffer.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking, as a test does")]

mod feed;
mod memory;
mod model;
mod redis;
mod sqlite;
