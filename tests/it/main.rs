//! The library stack from outside, in process.

mod engine;
mod layering;
mod tidy;
