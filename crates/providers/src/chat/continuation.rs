//! What a message must carry back to the service that wrote it: reasoning and signatures, unread. Owns their place in
//! [`AssistantMessage::continuation`](mcp_orchestrator_domain::AssistantMessage::continuation).

use serde_json::{Map, Value};

use crate::http::continuation::{is_own, signed};

/// Written by this wire; another wire's continuation has another word here and is left alone.
const WIRE: &str = "chat";

/// What one answer left to be carried back.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) reasoning_content: String,
    pub(super) reasoning: String,
    pub(super) reasoning_details: Vec<Value>,
}

impl Carried {
    /// The continuation of a message of `vendor`, with what belongs to its calls by their ids; `None` when there is
    /// nothing to carry.
    pub(super) fn into_value(self, extra_content: Map<String, Value>, vendor: &str) -> Option<Value> {
        let mut map = Map::new();
        if !self.reasoning_content.is_empty() {
            map.insert("reasoning_content".to_owned(), self.reasoning_content.into());
        }
        // The details hold the same text again, with signatures.
        if !self.reasoning.is_empty() && self.reasoning_details.is_empty() {
            map.insert("reasoning".to_owned(), self.reasoning.into());
        }
        if !self.reasoning_details.is_empty() {
            map.insert("reasoning_details".to_owned(), self.reasoning_details.into());
        }
        if !extra_content.is_empty() {
            map.insert("extra_content".to_owned(), extra_content.into());
        }
        signed(map, WIRE, vendor)
    }
}

/// A continuation as it is read from a message that goes back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Continuation<'a> {
    pub(super) reasoning_content: Option<&'a Value>,
    pub(super) reasoning: Option<&'a Value>,
    pub(super) reasoning_details: Option<&'a Value>,
    extra_content: Option<&'a Value>,
}

impl<'a> Continuation<'a> {
    /// Empty unless `vendor` itself wrote it: others refuse what they did not write.
    pub(super) fn read(value: &'a Value, vendor: &str) -> Self {
        if !is_own(value, WIRE, vendor) {
            return Self::default();
        }
        Self {
            reasoning_content: value.get("reasoning_content"),
            reasoning: value.get("reasoning"),
            reasoning_details: value.get("reasoning_details"),
            extra_content: value.get("extra_content"),
        }
    }

    /// What belongs to one of its tool calls.
    pub(super) fn of_call(&self, id: &str) -> Option<&'a Value> {
        self.extra_content?.get(id)
    }
}

/// Appends a piece of streamed `reasoning_details`: pieces of the same block of text grow together, everything else is
/// a block of its own.
pub(super) fn append_detail(details: &mut Vec<Value>, piece: Value) {
    let grows = details.last().is_some_and(|last| {
        let same = |field: &str| last.get(field) == piece.get(field);
        let kind = piece.get("type").and_then(Value::as_str);
        matches!(kind, Some("reasoning.text" | "reasoning.summary")) && same("type") && same("index")
    });
    let (Some(Value::Object(last)), Value::Object(fields), true) = (details.last_mut(), &piece, grows) else {
        details.push(piece);
        return;
    };
    for (field, value) in fields {
        match (field.as_str(), last.get_mut(field), value) {
            ("text" | "summary", Some(Value::String(text)), Value::String(more)) => text.push_str(more),
            (_, _, Value::Null) => {}
            _ => {
                last.insert(field.clone(), value.clone());
            }
        }
    }
}
