//! What is said between an agent, a model and tools. Owns our own shapes; every wire converts to and from them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Image, ToolName};

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "every wire must say how it sends each")]
pub enum Message {
    /// Instructions of the strategy.
    System(String),
    /// The task, with foreign text fenced.
    User(String),
    /// The same, with images to look at first.
    UserWithImages {
        /// The task, with foreign text fenced.
        text: String,
        /// In this order.
        images: Vec<Image>,
    },
    /// What the model said, sent back unchanged.
    Assistant(AssistantMessage),
    /// What a tool answered.
    Tool(ToolResult),
}

/// What a model said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "wires build it")]
pub struct AssistantMessage {
    /// The text, empty when it only calls tools.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Tools it wants called, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Opaque state of the wire (reasoning items, signatures) that must travel back with the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuation: Option<Value>,
}

/// A tool call a model asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "wires build it")]
pub struct ToolCall {
    /// The model's own id of the call; unique within the message only.
    pub id: String,
    /// The tool's name as the model wrote it; may name no tool at all.
    pub name: String,
    /// The arguments: JSON text as the model wrote it; may be invalid.
    pub arguments: String,
}

/// What a tool answered to one [`ToolCall`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "wires read it whole")]
pub struct ToolResult {
    /// The [`ToolCall::id`] it answers.
    pub call_id: String,
    /// The tool's name as the model wrote it.
    pub name: String,
    /// The answer for the model, foreign text in it fenced.
    pub content: String,
    /// Whether the tool failed; the content then says why.
    pub is_error: bool,
}

/// A tool as a model is told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "wires read it whole")]
pub struct ToolSpec {
    /// The name to call it by.
    pub name: ToolName,
    /// What it does and when to use it.
    pub description: String,
    /// JSON Schema of the arguments, an object.
    pub parameters: Value,
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// It was done.
    #[default]
    Stop,
    /// It waits for tools.
    ToolCalls,
    /// It reached the token limit: the text is cut.
    Length,
    /// A filter cut it.
    ContentFilter,
    /// Anything else a service may say.
    Other,
}

/// A model's whole answer to one request, as it is kept in the log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "wires build it")]
pub struct Reply {
    /// What it said.
    pub message: AssistantMessage,
    /// Why it stopped.
    pub finish: FinishReason,
    /// The model that answered, as the service names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The service's id of the request, for its support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}
