//! The MCP server from outside: raw JSON-RPC over HTTP and over pipes, and a client.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking, as a test does")]

mod wire;
mod world;

mod extra;
mod http;
mod input;
mod lanes;
mod listing;
mod resources;
mod stdio;
mod tasks;
mod traps;
