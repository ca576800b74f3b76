//! The library stack from outside, in process.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop right there")]

mod crash;
mod engine;
mod guarantees;
mod layering;
mod pages;
mod schema;
mod simulation;
mod tidy;
