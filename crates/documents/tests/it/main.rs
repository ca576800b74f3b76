//! Documents driven through their public surface.

mod markdown;
mod parse;
mod sample;
mod verify;
