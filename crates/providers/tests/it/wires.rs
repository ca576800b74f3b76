//! What each wire has for itself: its requests as they go out, and what of its answers no other wire has.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod gemini;
mod messages;
mod responses;

use std::sync::LazyLock;

use mcp_orchestrator_domain::{AssistantMessage, Message, StepInput, ToolCall, ToolName, ToolResult, ToolSpec};
use mcp_orchestrator_providers::{
    ChatAnswer, ChatRequest, Provider as _, ProviderError,
    http::{self, Effort, HttpProvider, HttpProviderBuilder},
};
use mcp_orchestrator_testkit::provider_suite::{
    KEY, Pieces, input, request,
    server::{Received, Server},
};
use serde_json::{Value, json};

/// A known service, at a server of the test.
fn known(name: &str, server: &Server, path: &str) -> HttpProviderBuilder {
    let vendor = http::vendor(name).unwrap();
    vendor.provider(Some(KEY.into())).with_base_url(server.address(path)).with_default_model("m1")
}

/// What no wire sees, for as long as any request of a test.
static INPUT: LazyLock<StepInput> = LazyLock::new(input);

async fn chat<'a>(
    provider: &HttpProvider,
    messages: &'a [Message],
    change: impl FnOnce(&mut ChatRequest<'a>),
) -> Result<ChatAnswer, ProviderError> {
    let mut asked = request(messages, &INPUT);
    change(&mut asked);
    provider.chat(asked, &mut Pieces::default()).await
}

/// What a server gets of a conversation with tools and a schema.
async fn sent_of_everything(provider: &HttpProvider, server: &Server) -> Received {
    let (messages, tools, schema) = (conversation(), tools(), schema());
    chat(provider, &messages, |request| {
        request.tools = &tools;
        request.output_schema = Some(&schema);
        request.temperature = Some(0.2);
        request.output_tokens_max = 4096;
    })
    .await
    .unwrap();
    server.requests().pop().unwrap()
}

fn call(id: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: "corpus_search".to_owned(), arguments: arguments.to_owned() }
}

fn result(id: &str, is_error: bool) -> Message {
    let content = format!("found for {id}");
    Message::Tool(ToolResult { call_id: id.to_owned(), name: "corpus_search".to_owned(), content, is_error })
}

fn user(text: &str) -> Message {
    Message::User(text.to_owned())
}

fn conversation() -> Vec<Message> {
    let tool_calls = vec![call("call_a", r#"{"query":"crash"}"#), call("call_b", "{\"query\":")];
    vec![
        Message::System("Cite evidence.".to_owned()),
        user("How?"),
        Message::Assistant(AssistantMessage { tool_calls, ..AssistantMessage::default() }),
        result("call_a", false),
        result("call_b", true),
        Message::System("Answer now.".to_owned()),
        Message::Assistant(AssistantMessage { text: "So.".to_owned(), ..AssistantMessage::default() }),
        user("Go on."),
    ]
}

fn tools() -> Vec<ToolSpec> {
    vec![ToolSpec {
        name: ToolName::new("corpus_search").unwrap(),
        description: "Finds passages.".to_owned(),
        parameters: json!({"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}),
    }]
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"parts": {"type": "array", "items": {"type": "string"}}}})
}

#[tokio::test]
async fn effort_is_said_in_the_wires_own_place_and_only_if_chosen() {
    use mcp_orchestrator_testkit::provider_suite::{Voice, server::json as answer, short_answer};
    for (name, voice, place) in [
        ("groq", Voice::Chat, "/reasoning_effort"),
        ("xai", Voice::Responses, "/reasoning/effort"),
        ("anthropic", Voice::Messages, "/output_config/effort"),
        ("gemini", Voice::Gemini, "/generationConfig/thinkingConfig/thinkingLevel"),
    ] {
        let server = Server::saying(answer(200, &voice.whole(&short_answer()).to_string())).await;
        for (effort, expected) in [(Some(Effort::High), Some("high")), (None, None)] {
            let builder = known(name, &server, voice.base_path());
            let builder = effort.map_or_else(|| builder.clone(), |effort| builder.clone().with_effort(effort));
            chat(&builder.build().unwrap(), &[user("x")], |_| {}).await.unwrap();
            let body = server.requests().pop().unwrap().json();
            assert_eq!(body.pointer(place).and_then(Value::as_str), expected, "{name}: {body}");
        }
    }
}
