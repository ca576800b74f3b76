//! The body of a chat request. Owns how our messages look on the Chat wire; borrows everything, since agents send long
//! histories again and again.

use std::borrow::Cow;

use mcp_orchestrator_domain::{AssistantMessage, Message, ToolSpec};
use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::Value;

use super::continuation::Continuation;
use crate::http::{
    Dialect, Effort, SystemMessages, TokenLimit,
    request::{Arguments, DataUrl, Outgoing, joined_system},
    schema::is_strict,
};

/// The JSON of one request.
pub(crate) fn encode(outgoing: &Outgoing<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let Outgoing { chat, vendor, model, dialect, effort } = *outgoing;
    let limit = |name| (dialect.token_limit == name).then_some(chat.output_tokens_max);
    serde_json::to_vec(&Body {
        model,
        messages: Messages { messages: chat.messages, vendor, dialect },
        tools: Tools(outgoing.tools()),
        response_format: outgoing.schema().map(|schema| ResponseFormat {
            kind: "json_schema",
            json_schema: NamedSchema { name: "answer", strict: is_strict(schema), schema },
        }),
        temperature: outgoing.temperature(),
        reasoning_effort: effort.map(Effort::as_str),
        max_tokens: limit(TokenLimit::MaxTokens),
        max_completion_tokens: limit(TokenLimit::MaxCompletionTokens),
        stream: true,
        stream_options: dialect.stream_options.then_some(StreamOptions { include_usage: true }),
    })
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Messages<'a>,
    #[serde(skip_serializing_if = "Tools::is_empty")]
    tools: Tools<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    json_schema: NamedSchema<'a>,
}

#[derive(Serialize)]
struct NamedSchema<'a> {
    name: &'static str,
    strict: bool,
    schema: &'a Value,
}

struct Messages<'a> {
    messages: &'a [Message],
    vendor: &'a str,
    dialect: &'a Dialect,
}

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        let joined = match self.dialect.system {
            SystemMessages::Anywhere => None,
            SystemMessages::FirstOnly => joined_system(self.messages),
        };
        if let Some(content) = joined {
            seq.serialize_element(&WireMessage::System { content })?;
        }
        for message in self.messages {
            match (message, self.dialect.system) {
                (Message::System(_), SystemMessages::FirstOnly) => {}
                (Message::System(text), SystemMessages::Anywhere) => {
                    seq.serialize_element(&WireMessage::System { content: Cow::Borrowed(text) })?;
                }
                (Message::User(content), _) => seq.serialize_element(&WireMessage::User { content })?,
                (Message::UserWithImages { text, images }, _) => {
                    let shown = images.iter().map(|image| Part::ImageUrl { image_url: Url { url: DataUrl(image) } });
                    let content = shown.chain([Part::Text { text }]).collect();
                    seq.serialize_element(&Shown { role: "user", content })?;
                }
                (Message::Assistant(message), _) => seq.serialize_element(&self.assistant(message))?,
                (Message::Tool(result), _) => seq.serialize_element(&WireMessage::Tool {
                    tool_call_id: &result.call_id,
                    content: &result.content,
                })?,
            }
        }
        seq.end()
    }
}

impl<'a> Messages<'a> {
    fn assistant(&self, message: &'a AssistantMessage) -> WireMessage<'a> {
        let kept = message.continuation.as_ref().filter(|_| self.dialect.returns_reasoning);
        let kept = kept.map_or_else(Continuation::default, |value| Continuation::read(value, self.vendor));
        WireMessage::Assistant {
            // Several servers refuse an empty text beside tool calls, and a missing one without.
            content: (!message.text.is_empty() || message.tool_calls.is_empty()).then_some(&message.text),
            tool_calls: message
                .tool_calls
                .iter()
                .enumerate()
                .map(|(at, call)| WireCall {
                    index: self.dialect.numbers_calls.then_some(at),
                    id: &call.id,
                    kind: "function",
                    function: WireFunction { name: &call.name, arguments: Arguments::of(call).text() },
                    extra_content: kept.of_call(&call.id),
                })
                .collect(),
            reasoning_content: kept.reasoning_content,
            reasoning: kept.reasoning,
            reasoning_details: kept.reasoning_details,
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
enum WireMessage<'a> {
    System {
        content: Cow<'a, str>,
    },
    User {
        content: &'a str,
    },
    Assistant {
        content: Option<&'a String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<WireCall<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning_content: Option<&'a Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning: Option<&'a Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning_details: Option<&'a Value>,
    },
    Tool {
        tool_call_id: &'a str,
        content: &'a str,
    },
}

/// What a user shows and says.
#[derive(Serialize)]
struct Shown<'a> {
    role: &'static str,
    content: Vec<Part<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    ImageUrl { image_url: Url<'a> },
    Text { text: &'a str },
}

#[derive(Serialize)]
struct Url<'a> {
    url: DataUrl<'a>,
}

#[derive(Serialize)]
struct WireCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: WireFunction<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<&'a Value>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    name: &'a str,
    arguments: Cow<'a, str>,
}

struct Tools<'a>(&'a [ToolSpec]);

impl Tools<'_> {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Tools<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|tool| WireTool {
            kind: "function",
            function: WireToolFunction {
                name: tool.name.as_str(),
                description: &tool.description,
                parameters: &tool.parameters,
            },
        }))
    }
}

#[derive(Serialize)]
struct WireTool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: WireToolFunction<'a>,
}

#[derive(Serialize)]
struct WireToolFunction<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}
