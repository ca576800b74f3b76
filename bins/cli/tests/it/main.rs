//! The binary from outside: each test has a home of its own, and no network.

mod ending;
mod help;
mod machine;
mod refusals;
mod research;
mod setup;
mod verifying;
