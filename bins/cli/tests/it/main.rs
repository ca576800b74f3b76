//! The binary from outside: each test has a home of its own, and no network.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop right there")]

mod canned;
mod crash;
mod db;
mod ending;
mod forking;
mod help;
mod images;
mod install;
mod machine;
mod output;
mod refusals;
mod remote;
mod remote_life;
mod remote_trouble;
mod research;
mod served;
mod setup;
mod verifying;
mod web;
mod written;
