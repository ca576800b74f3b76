//! The Chat wire: `/chat/completions` as OpenAI defined it and most services and local servers speak it. Owns how requests
//! and answers look on it; sending is `http`'s.

mod chunk;
mod continuation;
mod fold;
mod request;

pub(crate) use fold::ChatFold;
pub(crate) use request::encode;
