//! The adapters against the contract's suite, any sequence of operations against a model, and what only a file can
//! suffer.

mod memory;
mod model;
mod sqlite;
