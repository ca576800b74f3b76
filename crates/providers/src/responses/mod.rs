//! The Responses wire: `/responses` as OpenAI and xAI have it beside, and instead of, the Chat wire. Owns how requests and
//! answers look on it; sending is `http`'s.
//!
//! Nothing is kept at the service: every request carries the whole conversation, with reasoning that came encrypted.

mod continuation;
mod event;
mod fold;
mod request;

pub(crate) use fold::ResponsesFold;
pub(crate) use request::encode;
