//! Suites and clients of others against the server: what is not ours judges what is. They come from npm and PyPI, are kept
//! under `target/outside`, and are no part of the gate. Each suite has its file; what they share is in `install`, `process`,
//! `server` and `tally`. `replicas` is the deployment of `deploy` with Redis and nginx, and our own walk through it; `providers`
//! is the other side, where we are the client.

pub(crate) mod conformance;
pub(crate) mod inspector;
mod install;
mod process;
pub(crate) mod providers;
pub(crate) mod python_sdk;
pub(crate) mod replicas;
pub(crate) mod schemathesis;
mod server;
mod tally;
