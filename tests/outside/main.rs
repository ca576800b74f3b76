//! The four open contracts, each implemented outside: what they need is public, and what breaks them stays theirs.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop right there")]

mod lying;
mod names;
mod parts;
mod provider;
mod store;
mod strategy;
mod together;
mod tool;
