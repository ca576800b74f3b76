//! What a wire sends for a service: one body for everything a request can have. Owns the requests; bodies are taken from a server
//! of ours that is asked as the service would be.

use anyhow::Context as _;
use mcp_orchestrator_domain::{AssistantMessage, Image, Message, ToolCall, ToolResult};
use mcp_orchestrator_providers::http::{self, Effort, HttpProviderBuilder, Wire};
use mcp_orchestrator_testkit::provider_suite::{
    KEY, Pieces, Voice,
    server::{Server, json as answer},
    short_answer,
};
use serde_json::{Value, json};

use crate::outside::providers::questions::{TOOL, chat, offered, parts, system, user};

/// What a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    /// Everything at once but reasoning: calls, their results, half arguments, instructions in the middle.
    Conversation,
    /// The same when no tool is offered any more.
    LastWord,
    /// A question about images.
    Images,
    Schema,
    /// One that a service cannot hold a model to.
    LooseSchema,
    Temperature,
    Effort(Effort),
    /// What the service itself thought, on its way back.
    Reasoning,
}

/// The shapes besides a text and efforts.
const SHAPES: [Shape; 7] = [
    Shape::Conversation,
    Shape::LastWord,
    Shape::Images,
    Shape::Schema,
    Shape::LooseSchema,
    Shape::Temperature,
    Shape::Reasoning,
];

/// A body and what the request had.
pub(super) struct Body {
    pub(super) shape: Shape,
    pub(super) json: Value,
}

/// Every body for a service on a wire.
pub(super) async fn of(vendor: &str, wire: Wire) -> anyhow::Result<Vec<Body>> {
    let vendor = http::vendor(vendor).with_context(|| format!("no vendor is named {vendor}"))?;
    let server = Server::saying(answer(200, &thoughtful(wire).to_string())).await;
    let address = server.address(voice(wire).base_path());
    let builder = vendor.provider(Some(KEY.into())).with_wire(wire).with_base_url(address);
    let builder = builder.with_default_model(vendor.default_model.unwrap_or("local"));
    let said = body(&builder, &server, Shape::Text, &plain()).await?;
    let thought = [plain(), answered(said.1)].concat();
    let mut bodies = vec![Body { shape: Shape::Text, json: said.0 }];
    let efforts = Effort::ALL.iter().map(|effort| Shape::Effort(*effort));
    for shape in SHAPES.into_iter().chain(efforts) {
        let messages = match shape {
            Shape::Conversation | Shape::LastWord => conversation(),
            Shape::Reasoning => thought.clone(),
            Shape::Images => about_images()?,
            _ => plain(),
        };
        let (json, _) = body(&builder, &server, shape, &messages).await?;
        bodies.push(Body { shape, json });
    }
    Ok(bodies)
}

/// What is sent for one request, and what is said to it.
async fn body(
    builder: &HttpProviderBuilder,
    server: &Server,
    shape: Shape,
    messages: &[Message],
) -> anyhow::Result<(Value, AssistantMessage)> {
    let (tools, strict, loose) = (offered(), parts(), loose());
    let builder = match shape {
        Shape::Effort(effort) => builder.clone().with_effort(effort),
        // Whichever model it is, the body is the service's.
        Shape::Images => builder.clone().with_images(true),
        _ => builder.clone(),
    };
    let mut sink = Pieces::default();
    let provider = builder.build()?;
    let answer = chat(&provider, messages, &mut sink, |request| match shape {
        Shape::Conversation | Shape::Reasoning => request.tools = &tools,
        Shape::Schema => request.output_schema = Some(&strict),
        Shape::LooseSchema => request.output_schema = Some(&loose),
        Shape::Temperature => request.temperature = Some(0.2),
        Shape::LastWord => request.former_tools = &tools,
        Shape::Text | Shape::Images | Shape::Effort(_) => {}
    });
    let said = answer.await.with_context(|| format!("{shape:?}"))?.reply.message;
    let sent = server.requests().pop().context("nothing was sent")?;
    Ok((sent.json(), said))
}

fn plain() -> Vec<Message> {
    vec![system(), user("How?")]
}

/// A question about two images of different kinds, of which only the heads are there.
fn about_images() -> anyhow::Result<Vec<Message>> {
    let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03\x08\x06\0\0\0"[..], &[0; 32]].concat();
    let gif = [&b"GIF89a\x02\0\x03\0\x80\0\0"[..], &[0; 16], b";"].concat();
    let images = [png, gif].map(Image::parse).into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(vec![system(), Message::UserWithImages { text: "What is on them?".to_owned(), images }])
}

/// Everything that can be said, but for what one service alone would understand.
fn conversation() -> Vec<Message> {
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: TOOL.to_owned(),
        arguments: arguments.to_owned(),
    };
    let tool_calls = vec![call("call_a", r#"{"query":"crash"}"#), call("call_b", "{\"query\":")];
    let said = AssistantMessage { tool_calls, ..AssistantMessage::default() };
    let mut all = plain();
    all.extend(answered(said));
    let text = AssistantMessage { text: "So.".to_owned(), ..AssistantMessage::default() };
    all.extend([Message::System("Answer now.".to_owned()), Message::Assistant(text), user("Go on.")]);
    all
}

/// A message and the results of its calls, of which every second failed.
fn answered(said: AssistantMessage) -> Vec<Message> {
    let results = said.tool_calls.iter().enumerate().map(|(at, call)| {
        let content = format!("found for {}", call.id);
        Message::Tool(ToolResult { call_id: call.id.clone(), name: call.name.clone(), content, is_error: at % 2 == 1 })
    });
    let results: Vec<Message> = results.collect();
    [vec![Message::Assistant(said)], results].concat()
}

/// A schema that no service can hold a model to strictly.
fn loose() -> Value {
    json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}})
}

const fn voice(wire: Wire) -> Voice {
    match wire {
        Wire::Responses => Voice::Responses,
        Wire::Messages => Voice::Messages,
        Wire::Gemini => Voice::Gemini,
        _ => Voice::Chat,
    }
}

/// An answer of a model that thinks aloud and calls a tool, with what its service wants back.
fn thoughtful(wire: Wire) -> Value {
    let mut whole = voice(wire).whole(&short_answer());
    let arguments = json!({"query": "lock"});
    match wire {
        Wire::Responses => {
            whole["output"] = json!([
                {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "secret"},
                {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": TOOL, "arguments": arguments.to_string()},
            ]);
        }
        Wire::Messages => {
            whole["content"] = json!([
                {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"},
                {"type": "redacted_thinking", "data": "c2VjcmV0"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": arguments},
            ]);
        }
        Wire::Gemini => {
            whole["candidates"][0]["content"]["parts"] = json!([
                {"text": "I look.", "thoughtSignature": "c2lnbmVk"},
                {"functionCall": {"name": TOOL, "args": arguments}, "thoughtSignature": "c2lnbmVk"},
            ]);
        }
        _ => {
            let message = &mut whole["choices"][0]["message"];
            message["reasoning"] = json!("Hm.");
            message["reasoning_details"] =
                json!([{"type": "reasoning.text", "text": "Hm.", "signature": "c2lnbmVk", "index": 0}]);
            let function = json!({"name": TOOL, "arguments": arguments.to_string()});
            message["tool_calls"] = json!([{"id": "c1", "type": "function", "function": function}]);
        }
    }
    whole
}
