//! The Messages wire: `/messages` as Anthropic has it. Owns how requests and answers look on it; sending is `http`'s.

mod continuation;
mod event;
mod fold;
mod request;

pub(crate) use fold::MessagesFold;
pub(crate) use request::encode;

/// The version of this wire that is spoken, as the header `anthropic-version` names it.
pub(crate) const VERSION: &str = "2023-06-01";
