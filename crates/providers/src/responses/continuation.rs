//! What a message must carry back to the service that wrote it: reasoning, unread, and where it stood among text and calls.
//! Owns its place in [`AssistantMessage::continuation`](mcp_orchestrator_domain::AssistantMessage::continuation).

use mcp_orchestrator_domain::{AssistantMessage, ToolCall};
use serde_json::{Map, Value, json};

use crate::http::continuation::{is_own, signed};

/// Written by this wire; another wire's continuation has another word here and is left alone.
const WIRE: &str = "responses";

/// One item of an answer, in its order.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// Reasoning, as it came.
    Reasoning(&'a Value),
    /// The text.
    Text(&'a str),
    /// A tool call.
    Call(&'a ToolCall),
}

/// The continuation of an answer of `vendor`: its reasoning, with a word for the text and the id for each call that stood
/// around it. `None` when there was no reasoning: then text and calls need no order.
pub(super) fn kept(items: Vec<Value>, vendor: &str) -> Option<Value> {
    if !items.iter().any(is_reasoning) {
        return None;
    }
    let mut map = Map::new();
    map.insert("items".to_owned(), items.into());
    signed(map, WIRE, vendor)
}

/// The place of the text.
pub(super) fn text_here() -> Value {
    json!("text")
}

/// The place of a call.
pub(super) fn call_here(id: &str) -> Value {
    json!({ "call": id })
}

/// The items of a message in the order in which `vendor` said them; text and calls it has no place for come after.
pub(super) fn items<'a>(message: &'a AssistantMessage, vendor: &str) -> Vec<Item<'a>> {
    let own = message.continuation.as_ref().filter(|value| is_own(value, WIRE, vendor));
    let places = own.and_then(|value| value.get("items")?.as_array()).map(Vec::as_slice).unwrap_or_default();
    let mut items = Vec::with_capacity(places.len() + message.tool_calls.len() + 1);
    let mut text = Some(message.text.as_str()).filter(|text| !text.is_empty());
    let mut calls: Vec<Option<&ToolCall>> = message.tool_calls.iter().map(Some).collect();
    for place in places {
        if is_reasoning(place) {
            items.push(Item::Reasoning(place));
        } else if place == "text" {
            items.extend(text.take().map(Item::Text));
        } else if let Some(id) = place.get("call").and_then(Value::as_str) {
            let call = calls.iter_mut().find(|call| call.is_some_and(|call| call.id == id));
            items.extend(call.and_then(Option::take).map(Item::Call));
        }
    }
    items.extend(text.map(Item::Text));
    items.extend(calls.into_iter().flatten().map(Item::Call));
    // Reasoning whose calls were never made led to nothing, and the service refuses it alone.
    while matches!(items.last(), Some(Item::Reasoning(_))) {
        items.pop();
    }
    items
}

fn is_reasoning(item: &Value) -> bool {
    item.get("type").is_some_and(|kind| kind == "reasoning")
}
