//! The four ways services are talked to. Owns which code writes and reads each, where it sends to and how it signs; how a
//! request and an answer look is in the wire's own module.

use std::{borrow::Cow, str::FromStr};

use mcp_orchestrator_egress::Request;

use super::{dialect::CostReport, fold::Fold, request::Outgoing};
use crate::chat;

/// How a service is talked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wire {
    /// `/chat/completions`, as OpenAI defined it and most services and local servers speak it.
    #[default]
    Chat,
}

/// A word that names no wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no wire is named {0:?}; known are {known}", known = Wire::ALL.map(Wire::as_str).join(", "))]
#[non_exhaustive]
pub struct UnknownWire(pub String);

impl Wire {
    /// Every wire.
    pub const ALL: [Self; 1] = [Self::Chat];

    /// The word settings name it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
        }
    }

    /// Where under the base URL a model is asked, and the query; `None` when the model's name cannot be part of an address.
    pub(super) fn place(self, _model: &str) -> Option<Place> {
        Some(match self {
            Self::Chat => Place { path: Cow::Borrowed("/chat/completions"), query: None },
        })
    }

    /// Puts the key where this wire has it.
    pub(super) fn sign(self, request: Request, key: &str) -> Request {
        match self {
            Self::Chat => request.with_secret_header("authorization", format!("Bearer {key}")),
        }
    }

    /// The JSON of one request.
    pub(super) fn encode(self, outgoing: &Outgoing<'_>) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Chat => chat::encode(outgoing),
        }
    }

    /// What makes one answer of its pieces.
    pub(super) fn fold(self, report: CostReport) -> Box<dyn Fold> {
        match self {
            Self::Chat => Box::new(chat::ChatFold::new(report)),
        }
    }
}

impl FromStr for Wire {
    type Err = UnknownWire;

    fn from_str(word: &str) -> Result<Self, UnknownWire> {
        let known = Self::ALL.into_iter().find(|wire| wire.as_str() == word);
        known.ok_or_else(|| UnknownWire(word.chars().take(40).collect()))
    }
}

/// Where a request goes under a base URL.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: Cow<'static, str>,
    pub(super) query: Option<(&'static str, &'static str)>,
}
