//! What every wire's request is made of: the conversation, whom it goes to, and what that service takes of it. Owns the
//! reading of tool arguments and system messages that several wires need; knows no wire.

use std::borrow::Cow;

use base64::{display::Base64Display, engine::general_purpose::STANDARD};
use mcp_orchestrator_domain::{Image, Message, ToolCall, ToolSpec};
use serde::{Serialize, Serializer};
use serde_json::{Value, value::RawValue};

use super::dialect::{Dialect, Effort};
use crate::ChatRequest;

/// One request on its way to a service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) chat: &'a ChatRequest<'a>,
    /// The provider's name: continuations are sent back to whoever wrote them.
    pub(crate) vendor: &'a str,
    pub(crate) model: &'a str,
    pub(crate) dialect: &'a Dialect,
    pub(crate) effort: Option<Effort>,
}

impl<'a> Outgoing<'a> {
    /// The tools this service is told of.
    pub(crate) const fn tools(&self) -> &'a [ToolSpec] {
        if self.dialect.tools { self.chat.tools } else { &[] }
    }

    /// The tools this service is told of and is to call none of. None where a schema is asked for that it takes only without
    /// tools.
    pub(crate) fn former_tools(&self) -> &'a [ToolSpec] {
        let is_last = self.chat.tools.is_empty() && self.dialect.tools;
        let alone = self.chat.output_schema.is_some() && !self.dialect.takes_schema(true);
        if is_last && !alone { self.chat.former_tools } else { &[] }
    }

    /// The schema this service is given.
    pub(crate) fn schema(&self) -> Option<&'a Value> {
        self.chat.output_schema.filter(|_| self.dialect.takes_schema(!self.tools().is_empty()))
    }

    /// The temperature this model is given.
    pub(crate) fn temperature(&self) -> Option<f32> {
        self.chat.temperature.filter(|_| self.dialect.takes_temperature(self.model))
    }
}

/// All system messages as one text, for services that take one.
pub(crate) fn joined_system(messages: &[Message]) -> Option<Cow<'_, str>> {
    messages
        .iter()
        .filter_map(|message| match message {
            Message::System(text) => Some(Cow::Borrowed(text.as_str())),
            Message::User(_) | Message::UserWithImages { .. } | Message::Assistant(_) | Message::Tool(_) => None,
        })
        .reduce(|all, text| Cow::Owned(format!("{all}\n\n{text}")))
}

/// An image's bytes as Base64, written as they are read.
pub(crate) struct Base64<'a>(pub(crate) &'a Image);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0.bytes(), &STANDARD))
    }
}

/// An image as an address that holds all of it.
pub(crate) struct DataUrl<'a>(pub(crate) &'a Image);

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = Base64Display::new(self.0.bytes(), &STANDARD);
        serializer.collect_str(&format_args!("data:{};base64,{bytes}", self.0.kind().media_type()))
    }
}

/// Arguments of a tool call as the JSON object they are, without reading it.
///
/// Arguments a model wrote that are no JSON object are wrapped: services that parse the history would refuse all of it.
pub(crate) enum Arguments<'a> {
    Object(&'a RawValue),
    Wrapped(&'a str),
}

impl<'a> Arguments<'a> {
    pub(crate) fn of(call: &'a ToolCall) -> Self {
        match serde_json::from_str::<&RawValue>(&call.arguments) {
            Ok(raw) if raw.get().starts_with('{') => Self::Object(raw),
            _ => Self::Wrapped(&call.arguments),
        }
    }

    /// As JSON text.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        match self {
            Self::Object(raw) => Cow::Borrowed(raw.get()),
            Self::Wrapped(text) => Cow::Owned(serde_json::json!({ "invalid_json": text }).to_string()),
        }
    }
}

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wrapped<'a> {
            invalid_json: &'a str,
        }
        match self {
            Self::Object(raw) => raw.serialize(serializer),
            Self::Wrapped(text) => Wrapped { invalid_json: text }.serialize(serializer),
        }
    }
}
