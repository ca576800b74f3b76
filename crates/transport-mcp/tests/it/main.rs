//! The MCP server from outside: raw JSON-RPC over HTTP and over pipes, and a client.

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
