//! The doubles and checks of tests, tested themselves.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop right there")]

mod history;
mod proxy;
