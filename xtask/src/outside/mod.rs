//! Suites and clients of others against the server: what is not ours judges what is. They come from npm and PyPI, are kept
//! under `target/outside`, and are no part of the gate. Each suite has its file; what they share is in `install`, `process`,
//! `server` and `tally`.

pub(crate) mod conformance;
pub(crate) mod inspector;
mod install;
mod process;
pub(crate) mod python_sdk;
pub(crate) mod schemathesis;
mod server;
mod tally;
