//! The adapters against the contract's suite, and what only a file can suffer.

mod memory;
mod sqlite;
