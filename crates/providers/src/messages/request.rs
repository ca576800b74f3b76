//! The body of a request to the Messages wire. Owns how our messages look on it and where the prompt may be cached; borrows
//! everything, since agents send long histories again and again.

use std::{borrow::Cow, collections::BTreeSet};

use mcp_orchestrator_domain::{AssistantMessage, Image, Message, ToolSpec};
use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::Value;

use super::continuation::thinking;
use crate::http::{
    Effort,
    request::{Arguments, Base64, Outgoing, joined_system},
    schema::is_closed,
};

/// The JSON of one request.
///
/// A request with tools is a turn of an agent, and the next one begins with all of it: then the end of the instructions and
/// the end of the conversation are marked to be cached. Its last turn, which may call none, names the same tools, so that the
/// cache still knows tools and instructions; what follows them is no longer the same to the service, and nobody reads it again.
/// Any other request is asked once, and writing a cache costs more than reading the prompt.
pub(crate) fn encode(outgoing: &Outgoing<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let mut tools: Vec<Tool<'_>> = outgoing.tools().iter().map(Tool::of).collect();
    let goes_on = !tools.is_empty();
    let former = outgoing.former_tools();
    if !goes_on {
        tools.extend(former.iter().map(Tool::of));
    }
    let cached = !tools.is_empty();
    if !cached {
        tools.extend(Tool::used_in(outgoing.chat.messages));
    }
    let tool_choice = (!goes_on && !tools.is_empty()).then_some(ToolChoice { kind: "none" });
    let system = joined_system(outgoing.chat.messages).filter(|text| !text.is_empty());
    let format =
        outgoing.schema().filter(|schema| is_closed(schema)).map(|schema| Format { kind: "json_schema", schema });
    let effort = outgoing.effort.map(Effort::as_str);
    serde_json::to_vec(&Body {
        model: outgoing.model,
        max_tokens: outgoing.chat.output_tokens_max,
        tools,
        tool_choice,
        system: system.map(|text| [Block::text(text, cached)]),
        messages: Messages { turns: turns(outgoing.chat.messages), vendor: outgoing.vendor, cached: goes_on },
        output_config: (format.is_some() || effort.is_some()).then_some(OutputConfig { format, effort }),
        temperature: outgoing.temperature(),
        stream: true,
    })
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<[Block<'a>; 1]>,
    messages: Messages<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    stream: bool,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
}

#[derive(Serialize)]
struct Format<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a Value,
}

#[derive(Serialize)]
struct ToolChoice {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    input_schema: Schema<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    Own(&'a Value),
    Any {
        #[serde(rename = "type")]
        kind: &'static str,
    },
}

impl<'a> Tool<'a> {
    fn of(tool: &'a ToolSpec) -> Self {
        let (name, description) = (tool.name.as_str(), &*tool.description);
        Self { name, description, input_schema: Schema::Own(&tool.parameters) }
    }

    /// The tools a conversation has used, by their names alone: a request that is to call none must still define those, or
    /// it is refused.
    fn used_in(messages: &'a [Message]) -> Vec<Self> {
        let names = messages.iter().flat_map(|message| match message {
            Message::Assistant(said) => said.tool_calls.iter().map(|call| call.name.as_str()).collect(),
            Message::Tool(result) => vec![result.name.as_str()],
            Message::System(_) | Message::User(_) | Message::UserWithImages { .. } => Vec::new(),
        });
        let names: BTreeSet<&str> = names.collect();
        let any = |name| Self { name, description: "", input_schema: Schema::Any { kind: "object" } };
        names.into_iter().map(any).collect()
    }
}

/// What is said in one go: this wire takes user and assistant in turns only.
enum Turn<'a> {
    /// Answers of tools, then texts.
    User(Vec<&'a Message>),
    Assistant(&'a AssistantMessage),
}

fn turns(messages: &[Message]) -> Vec<Turn<'_>> {
    let mut turns = Vec::new();
    for message in messages {
        match (message, turns.last_mut()) {
            (Message::System(_), _) => {}
            (Message::Assistant(said), _) => turns.push(Turn::Assistant(said)),
            (Message::User(_) | Message::UserWithImages { .. } | Message::Tool(_), Some(Turn::User(parts))) => {
                parts.push(message);
            }
            (Message::User(_) | Message::UserWithImages { .. } | Message::Tool(_), _) => {
                turns.push(Turn::User(vec![message]));
            }
        }
    }
    for turn in &mut turns {
        if let Turn::User(parts) = turn {
            // Answers of tools must come first. The sort keeps the order of equals.
            parts.sort_by_key(|part| !matches!(part, Message::Tool(_)));
        }
    }
    turns
}

struct Messages<'a> {
    turns: Vec<Turn<'a>>,
    vendor: &'a str,
    cached: bool,
}

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.turns.len()))?;
        for (at, turn) in self.turns.iter().enumerate() {
            let (role, mut content) = match turn {
                Turn::User(parts) => ("user", parts.iter().flat_map(|part| Block::of(part)).collect()),
                Turn::Assistant(said) => ("assistant", assistant(said, self.vendor)),
            };
            if self.cached
                && at + 1 == self.turns.len()
                && let Some(last) = content.last_mut()
            {
                last.cache();
            }
            // Nothing said is no message here.
            if !content.is_empty() {
                seq.serialize_element(&WireMessage { role, content })?;
            }
        }
        seq.end()
    }
}

fn assistant<'a>(said: &'a AssistantMessage, vendor: &str) -> Vec<Block<'a>> {
    // Thoughts that led to nothing are no message.
    if said.text.is_empty() && said.tool_calls.is_empty() {
        return Vec::new();
    }
    let mut content: Vec<Block<'a>> = thinking(said, vendor).iter().map(Block::Carried).collect();
    if !said.text.is_empty() {
        content.push(Block::text(Cow::Borrowed(&said.text), false));
    }
    content.extend(said.tool_calls.iter().map(|call| {
        let (id, name, input) = (&*call.id, &*call.name, Arguments::of(call));
        Block::Own(OwnBlock::ToolUse { id, name, input, cache_control: None })
    }));
    content
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Block<'a> {
    /// As the service wrote it.
    Carried(&'a Value),
    Own(OwnBlock<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum OwnBlock<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Image {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: Arguments<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    ToolResult {
        tool_use_id: &'a str,
        content: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
}

#[derive(Serialize)]
struct Source<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    media_type: &'static str,
    data: Base64<'a>,
}

#[derive(Clone, Copy, Serialize)]
struct CacheControl {
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Kept for five minutes after each use, which an agent's next turn is within.
const EPHEMERAL: CacheControl = CacheControl { kind: "ephemeral" };

impl<'a> Block<'a> {
    fn text(text: Cow<'a, str>, cached: bool) -> Self {
        Self::Own(OwnBlock::Text { text, cache_control: cached.then_some(EPHEMERAL) })
    }

    /// The parts of a user's turn. An empty text is refused by the service, so it is none.
    fn of(message: &'a Message) -> Vec<Self> {
        let said = |text: &'a String| (!text.is_empty()).then(|| Self::text(Cow::Borrowed(text), false));
        match message {
            Message::User(text) => Vec::from_iter(said(text)),
            Message::UserWithImages { text, images } => images.iter().map(Self::image).chain(said(text)).collect(),
            Message::Tool(result) => vec![Self::Own(OwnBlock::ToolResult {
                tool_use_id: &result.call_id,
                content: &result.content,
                is_error: result.is_error,
                cache_control: None,
            })],
            Message::System(_) | Message::Assistant(_) => Vec::new(),
        }
    }

    fn image(image: &'a Image) -> Self {
        let source = Source { kind: "base64", media_type: image.kind().media_type(), data: Base64(image) };
        Self::Own(OwnBlock::Image { source, cache_control: None })
    }

    const fn cache(&mut self) {
        match self {
            // Thinking cannot be marked.
            Self::Carried(_) => {}
            Self::Own(
                OwnBlock::Text { cache_control, .. }
                | OwnBlock::Image { cache_control, .. }
                | OwnBlock::ToolUse { cache_control, .. }
                | OwnBlock::ToolResult { cache_control, .. },
            ) => *cache_control = Some(EPHEMERAL),
        }
    }
}
