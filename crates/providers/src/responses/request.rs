//! The body of a request to the Responses wire. Owns how our messages look on it; borrows everything, since agents send long
//! histories again and again.

use std::borrow::Cow;

use mcp_orchestrator_domain::{Message, ToolSpec};
use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::Value;

use super::continuation::{Item, items};
use crate::http::{
    SystemMessages,
    request::{Arguments, DataUrl, Outgoing, joined_system},
    schema::is_strict,
};

/// The JSON of one request.
pub(crate) fn encode(outgoing: &Outgoing<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let include: &[_] =
        if outgoing.dialect.encrypts_reasoning(outgoing.model) { &["reasoning.encrypted_content"] } else { &[] };
    let former = outgoing.former_tools();
    serde_json::to_vec(&Body {
        model: outgoing.model,
        input: Input(outgoing),
        tools: outgoing.tools().iter().chain(former).map(Tool::of).collect(),
        tool_choice: (!former.is_empty()).then_some("none"),
        text: outgoing.schema().map(|schema| Text {
            format: Format { kind: "json_schema", name: "answer", strict: is_strict(schema), schema },
        }),
        reasoning: outgoing.effort.map(|effort| Reasoning { effort: effort.as_str() }),
        temperature: outgoing.temperature(),
        max_output_tokens: outgoing.chat.output_tokens_max,
        include,
        store: false,
        stream: true,
    })
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: Input<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    max_output_tokens: u32,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    include: &'a [&'static str],
    store: bool,
    stream: bool,
}

#[derive(Serialize)]
struct Text<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
struct Format<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    strict: bool,
    schema: &'a Value,
}

#[derive(Serialize)]
struct Reasoning {
    effort: &'static str,
}

#[derive(Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
    /// Said, since this wire takes an absent word for `true` and then refuses schemas with optional fields.
    strict: bool,
}

impl<'a> Tool<'a> {
    fn of(tool: &'a ToolSpec) -> Self {
        Self {
            kind: "function",
            name: tool.name.as_str(),
            description: &tool.description,
            parameters: &tool.parameters,
            strict: false,
        }
    }
}

struct Input<'a>(&'a Outgoing<'a>);

impl Serialize for Input<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Outgoing { chat, vendor, dialect, .. } = *self.0;
        let mut seq = serializer.serialize_seq(None)?;
        let joined = match dialect.system {
            SystemMessages::Anywhere => None,
            SystemMessages::FirstOnly => joined_system(chat.messages),
        };
        if let Some(content) = joined {
            seq.serialize_element(&Said { role: "system", content })?;
        }
        for message in chat.messages {
            match (message, dialect.system) {
                (Message::System(_), SystemMessages::FirstOnly) => {}
                (Message::System(text), SystemMessages::Anywhere) => {
                    seq.serialize_element(&Said { role: "system", content: Cow::Borrowed(text) })?;
                }
                (Message::User(text), _) => {
                    seq.serialize_element(&Said { role: "user", content: Cow::Borrowed(text) })?;
                }
                (Message::UserWithImages { text, images }, _) => {
                    let shown =
                        images.iter().map(|image| Part::InputImage { image_url: DataUrl(image), detail: "auto" });
                    let content = shown.chain([Part::InputText { text }]).collect();
                    seq.serialize_element(&Shown { role: "user", content })?;
                }
                (Message::Assistant(message), _) => {
                    for item in items(message, vendor) {
                        match item {
                            Item::Reasoning(value) => seq.serialize_element(value)?,
                            Item::Text(text) => {
                                seq.serialize_element(&Said { role: "assistant", content: Cow::Borrowed(text) })?;
                            }
                            Item::Call(call) => seq.serialize_element(&Called {
                                kind: "function_call",
                                call_id: &call.id,
                                name: &call.name,
                                arguments: Arguments::of(call).text(),
                            })?,
                        }
                    }
                }
                (Message::Tool(result), _) => seq.serialize_element(&Answered {
                    kind: "function_call_output",
                    call_id: &result.call_id,
                    output: &result.content,
                })?,
            }
        }
        seq.end()
    }
}

#[derive(Serialize)]
struct Said<'a> {
    role: &'static str,
    content: Cow<'a, str>,
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
    InputImage { image_url: DataUrl<'a>, detail: &'static str },
    InputText { text: &'a str },
}

#[derive(Serialize)]
struct Called<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    call_id: &'a str,
    name: &'a str,
    arguments: Cow<'a, str>,
}

#[derive(Serialize)]
struct Answered<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    call_id: &'a str,
    output: &'a str,
}
