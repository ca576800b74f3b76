//! The server as a process: started, asked, stopped, killed, started again.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop right there")]

mod chaos;
mod client;
mod crash;
mod draining;
mod hook;
mod linked;
mod process;
mod redis;
mod replicas;
mod starting;
mod stdio;
