//! The four ways services are talked to. Owns which code writes and reads each, where it sends to and how it signs; how a
//! request and an answer look is in the wire's own module.

use std::{borrow::Cow, str::FromStr};

use mcp_orchestrator_egress::Request;

use super::{dialect::CostReport, fold::Fold, request::Outgoing};
use crate::{chat, gemini, messages, responses};

/// How a service is talked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wire {
    /// `/chat/completions`, as OpenAI defined it and most services and local servers speak it.
    #[default]
    Chat,
    /// `/responses`, as OpenAI and xAI have it: what their newer models and exact costs need.
    Responses,
    /// `/messages`, as Anthropic has it.
    Messages,
    /// `:streamGenerateContent`, as Google has it for Gemini.
    Gemini,
}

/// A word that names no wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no wire is named {0:?}; known are {known}", known = names())]
#[non_exhaustive]
pub struct UnknownWire(pub String);

impl Wire {
    /// Every wire.
    pub const ALL: &'static [Self] = &[Self::Chat, Self::Responses, Self::Messages, Self::Gemini];

    /// The path that belongs into an address of this wire and is often left out: others count it as part of their own paths.
    pub(super) const fn version_path(self) -> Option<&'static str> {
        match self {
            Self::Chat | Self::Responses => None,
            Self::Messages => Some("v1"),
            Self::Gemini => Some("v1beta"),
        }
    }

    /// The word settings name it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Gemini => "gemini",
        }
    }

    /// Where under the base URL a model is asked, and the query; `None` when the model's name cannot be part of an address.
    pub(super) fn place(self, model: &str) -> Option<Place> {
        Some(match self {
            Self::Chat => Place { path: Cow::Borrowed("/chat/completions"), query: None },
            Self::Responses => Place { path: Cow::Borrowed("/responses"), query: None },
            Self::Messages => Place { path: Cow::Borrowed("/messages"), query: None },
            Self::Gemini => Place { path: Cow::Owned(gemini::path(model)?), query: Some(("alt", "sse")) },
        })
    }

    /// Adds what every request of this wire has, with a key or without.
    pub(super) fn address(self, request: Request) -> Request {
        match self {
            Self::Chat | Self::Responses | Self::Gemini => request,
            Self::Messages => request.with_header("anthropic-version", messages::VERSION),
        }
    }

    /// Puts the key where this wire has it.
    pub(super) fn sign(self, request: Request, key: &str) -> Request {
        match self {
            Self::Chat | Self::Responses => request.with_secret_header("authorization", format!("Bearer {key}")),
            Self::Messages => request.with_secret_header("x-api-key", key),
            Self::Gemini => request.with_secret_header("x-goog-api-key", key),
        }
    }

    /// The JSON of one request.
    pub(super) fn encode(self, outgoing: &Outgoing<'_>) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Chat => chat::encode(outgoing),
            Self::Responses => responses::encode(outgoing),
            Self::Messages => messages::encode(outgoing),
            Self::Gemini => gemini::encode(outgoing),
        }
    }

    /// What makes one answer of its pieces.
    pub(super) fn fold(self, report: CostReport) -> Box<dyn Fold> {
        match self {
            Self::Chat => Box::new(chat::ChatFold::new(report)),
            Self::Responses => Box::new(responses::ResponsesFold::new(report)),
            Self::Messages => Box::new(messages::MessagesFold::new(report)),
            Self::Gemini => Box::new(gemini::GeminiFold::new(report)),
        }
    }
}

impl FromStr for Wire {
    type Err = UnknownWire;

    fn from_str(word: &str) -> Result<Self, UnknownWire> {
        let known = Self::ALL.iter().find(|wire| wire.as_str() == word);
        known.copied().ok_or_else(|| UnknownWire(word.chars().take(40).collect()))
    }
}

fn names() -> String {
    Wire::ALL.iter().map(|wire| wire.as_str()).collect::<Vec<_>>().join(", ")
}

/// Where a request goes under a base URL.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: Cow<'static, str>,
    pub(super) query: Option<(&'static str, &'static str)>,
}
