//! What a message must carry back to the service that wrote it: signatures of its thoughts, and which of its calls had no id
//! of their own. Owns their place in
//! [`AssistantMessage::continuation`](mcp_orchestrator_domain::AssistantMessage::continuation).

use mcp_orchestrator_domain::AssistantMessage;
use serde_json::{Map, Value};

use crate::http::{
    continuation::{is_own, signed},
    fold::Carried,
};

/// Written by this wire; another wire's continuation has another word here and is left alone.
const WIRE: &str = "gemini";

/// The continuation of an answer of `vendor`; `None` when there is nothing to carry.
pub(super) fn kept(text_signature: Option<String>, calls: Carried, vendor: &str) -> Option<Value> {
    let mut map = Map::new();
    if let Some(signature) = text_signature {
        map.insert("text_signature".to_owned(), signature.into());
    }
    if !calls.of_calls.is_empty() {
        map.insert("signatures".to_owned(), calls.of_calls.into());
    }
    if !calls.named_here.is_empty() {
        map.insert("named_here".to_owned(), calls.named_here.into());
    }
    signed(map, WIRE, vendor)
}

/// A continuation as it is read from a message that goes back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Continuation<'a>(Option<&'a Value>);

impl<'a> Continuation<'a> {
    /// Empty unless `vendor` itself wrote it.
    pub(super) fn of(message: &'a AssistantMessage, vendor: &str) -> Self {
        Self(message.continuation.as_ref().filter(|value| is_own(value, WIRE, vendor)))
    }

    /// The signature of the text.
    pub(super) fn text_signature(self) -> Option<&'a str> {
        self.0?.get("text_signature")?.as_str()
    }

    /// The signature of a call.
    pub(super) fn signature(self, id: &str) -> Option<&'a str> {
        self.0?.get("signatures")?.get(id)?.as_str()
    }

    /// Whether the service knows the call by this id: it gave the id itself, or was told it by a conversation with others.
    pub(super) fn knows(self, id: &str) -> bool {
        let named_here = self.0.and_then(|value| value.get("named_here")?.as_array());
        !named_here.is_some_and(|ids| ids.iter().any(|known| known == id))
    }
}
