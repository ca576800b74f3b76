//! Documents driven through their public surface.
#![expect(clippy::unwrap_used, reason = "in helpers of tests too a failure is a panic that says where")]

mod cost;
mod markdown;
mod parse;
mod sample;
mod verify;
