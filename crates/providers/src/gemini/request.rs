//! The body of a request to the Gemini wire. Owns how our messages look on it; borrows everything, since agents send long
//! histories again and again.

use std::{borrow::Cow, collections::HashSet};

use mcp_orchestrator_domain::{AssistantMessage, Image, Message, ToolResult, ToolSpec};
use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::Value;

use super::continuation::Continuation;
use crate::http::{
    Effort,
    request::{Arguments, Base64, Outgoing, joined_system},
};

/// Where under the base URL a model is asked; `None` when its name cannot be part of an address.
pub(crate) fn path(model: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@');
    let is_segment = |segment: &str| !segment.is_empty() && segment.chars().any(|c| c != '.');
    if !model.chars().all(is_plain) || !model.split('/').all(is_segment) {
        return None;
    }
    let under = if model.contains('/') { "" } else { "models/" };
    Some(format!("/{under}{model}:streamGenerateContent"))
}

/// The JSON of one request.
pub(crate) fn encode(outgoing: &Outgoing<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let former = outgoing.former_tools();
    let declarations: Vec<Declaration<'_>> = outgoing.tools().iter().chain(former).map(Declaration::of).collect();
    let system = joined_system(outgoing.chat.messages).filter(|text| !text.is_empty());
    let schema = outgoing.schema();
    serde_json::to_vec(&Body {
        system_instruction: system.map(|text| Instruction { parts: [Part::text(text, None)] }),
        contents: Contents { messages: outgoing.chat.messages, vendor: outgoing.vendor },
        tools: (!declarations.is_empty()).then_some([Tools { function_declarations: declarations }]),
        tool_config: (!former.is_empty()).then_some(CALL_NONE),
        generation_config: Config {
            temperature: outgoing.temperature(),
            max_output_tokens: outgoing.chat.output_tokens_max,
            response_mime_type: schema.map(|_| "application/json"),
            response_json_schema: schema,
            thinking_config: outgoing.effort.map(|effort| Thinking { thinking_level: level(effort) }),
        },
    })
}

/// The word of this wire, whose words for choices are in capitals.
const fn level(effort: Effort) -> &'static str {
    match effort {
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High => "HIGH",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Instruction<'a>>,
    contents: Contents<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig>,
    generation_config: Config<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig {
    function_calling_config: Calling,
}

#[derive(Serialize)]
struct Calling {
    mode: &'static str,
}

/// Functions are known, and none is to be called.
const CALL_NONE: ToolConfig = ToolConfig { function_calling_config: Calling { mode: "NONE" } };

#[derive(Serialize)]
struct Instruction<'a> {
    parts: [Part<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    max_output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<Thinking>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Thinking {
    thinking_level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tools<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    description: &'a str,
    parameters_json_schema: &'a Value,
}

impl<'a> Declaration<'a> {
    fn of(tool: &'a ToolSpec) -> Self {
        Self { name: tool.name.as_str(), description: &tool.description, parameters_json_schema: &tool.parameters }
    }
}

struct Contents<'a> {
    messages: &'a [Message],
    vendor: &'a str,
}

impl Serialize for Contents<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        let mut open = Content { role: "user", parts: Vec::new() };
        // Ids of the last answer that are ours, not the service's.
        let mut unknown = HashSet::new();
        for message in self.messages {
            let (role, parts) = match message {
                Message::System(_) => continue,
                Message::User(text) => ("user", vec![Part::text(Cow::Borrowed(text), None)]),
                Message::UserWithImages { text, images } => {
                    let text = Part::text(Cow::Borrowed(text), None);
                    ("user", images.iter().map(Part::image).chain([text]).collect())
                }
                Message::Tool(result) => ("user", vec![Part::answer(result, !unknown.contains(&*result.call_id))]),
                Message::Assistant(said) => {
                    let kept = Continuation::of(said, self.vendor);
                    let ids = said.tool_calls.iter().map(|call| call.id.as_str());
                    unknown = ids.filter(|id| !kept.knows(id)).collect();
                    ("model", said_parts(said, kept))
                }
            };
            // Answers of tools that were called together belong into one content.
            if role != open.role {
                open.end(&mut seq)?;
                open = Content { role, parts: Vec::new() };
            }
            open.parts.extend(parts);
        }
        open.end(&mut seq)?;
        seq.end()
    }
}

fn said_parts<'a>(said: &'a AssistantMessage, kept: Continuation<'a>) -> Vec<Part<'a>> {
    let mut parts = Vec::with_capacity(said.tool_calls.len() + 1);
    let signature = kept.text_signature();
    if !said.text.is_empty() || signature.is_some() {
        parts.push(Part::text(Cow::Borrowed(&said.text), signature));
    }
    parts.extend(said.tool_calls.iter().map(|call| Part {
        function_call: Some(Call {
            id: kept.knows(&call.id).then_some(&*call.id),
            name: &call.name,
            args: Arguments::of(call),
        }),
        thought_signature: kept.signature(&call.id),
        ..Part::default()
    }));
    parts
}

#[derive(Serialize)]
struct Content<'a> {
    role: &'static str,
    parts: Vec<Part<'a>>,
}

impl Content<'_> {
    /// Nothing said is no content.
    fn end<S: SerializeSeq>(&self, seq: &mut S) -> Result<(), S::Error> {
        if self.parts.is_empty() { Ok(()) } else { seq.serialize_element(self) }
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_data: Option<Inline<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_response: Option<Answer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<&'a str>,
}

impl<'a> Part<'a> {
    fn text(text: Cow<'a, str>, signature: Option<&'a str>) -> Self {
        Self { text: Some(text), thought_signature: signature, ..Self::default() }
    }

    fn image(image: &'a Image) -> Self {
        let inline = Inline { mime_type: image.kind().media_type(), data: Base64(image) };
        Self { inline_data: Some(inline), ..Self::default() }
    }

    fn answer(result: &'a ToolResult, knows_id: bool) -> Self {
        let (output, error) =
            if result.is_error { (None, Some(&*result.content)) } else { (Some(&*result.content), None) };
        let id = knows_id.then_some(&*result.call_id);
        let answer = Answer { id, name: &result.name, response: Answered { output, error } };
        Self { function_response: Some(answer), ..Self::default() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inline<'a> {
    mime_type: &'static str,
    data: Base64<'a>,
}

#[derive(Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    args: Arguments<'a>,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    response: Answered<'a>,
}

/// The two names this wire knows for what a function gives.
#[derive(Serialize)]
struct Answered<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_models_name_cannot_lead_anywhere_else() {
        assert_eq!(path("gemini-3").as_deref(), Some("/models/gemini-3:streamGenerateContent"));
        assert_eq!(path("models/gemini-3").as_deref(), Some("/models/gemini-3:streamGenerateContent"));
        assert_eq!(path("tunedModels/a.b").as_deref(), Some("/tunedModels/a.b:streamGenerateContent"));
        for name in ["", "..", "../x", "models/../../x", "a//b", "/a", "a?x", "a#x", "%2e%2e/x", "a\\..\\b", "a:b"] {
            assert_eq!(path(name), None, "{name}");
        }
    }
}
