//! Server-sent events. Owns how a stream looks on the wire, when it says nothing but that it lives, and how it ends; what
//! happens in a workflow and where a reader stands are `streaming`'s.

mod frame;
mod place;
mod readers;
mod source;
mod stream;
mod watched;

pub(crate) use frame::Style;
pub(crate) use place::Place;
pub(crate) use readers::Readers;
pub(crate) use source::source;
pub(crate) use stream::{SseStream, answer};
pub(crate) use watched::{Watched, Watching};
