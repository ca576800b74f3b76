//! The Gemini wire: `:streamGenerateContent` as Google has it. Owns how requests and answers look on it, and the address of a
//! model; sending is `http`'s.

mod chunk;
mod continuation;
mod fold;
mod request;

pub(crate) use fold::GeminiFold;
pub(crate) use request::{encode, path};
