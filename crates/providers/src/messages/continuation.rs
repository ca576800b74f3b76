//! What a message must carry back to the service that wrote it: its thinking blocks with their signatures, unread. Owns their
//! place in [`AssistantMessage::continuation`](mcp_orchestrator_domain::AssistantMessage::continuation).

use mcp_orchestrator_domain::AssistantMessage;
use serde_json::{Map, Value};

use crate::http::continuation::{is_own, signed};

/// Written by this wire; another wire's continuation has another word here and is left alone.
const WIRE: &str = "messages";

/// The continuation of an answer of `vendor`; `None` when it did not think.
pub(super) fn kept(thinking: Vec<Value>, vendor: &str) -> Option<Value> {
    let mut map = Map::new();
    if !thinking.is_empty() {
        map.insert("thinking".to_owned(), thinking.into());
    }
    signed(map, WIRE, vendor)
}

/// The thinking of a message, if `vendor` itself wrote it: others refuse what they did not sign.
pub(super) fn thinking<'a>(message: &'a AssistantMessage, vendor: &str) -> &'a [Value] {
    let own = message.continuation.as_ref().filter(|value| is_own(value, WIRE, vendor));
    own.and_then(|value| value.get("thinking")?.as_array()).map(Vec::as_slice).unwrap_or_default()
}
