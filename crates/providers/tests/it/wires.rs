//! What each wire has for itself: its requests as they go out, and what of its answers no other wire has.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod gemini;
mod messages;
mod responses;

use std::sync::LazyLock;

use mcp_orchestrator_domain::{
    AssistantMessage, Cost, FailureClass, Image, Message, Money, StepInput, ToolCall, ToolName, ToolResult, ToolSpec,
};
use mcp_orchestrator_egress::{ClientSettings, HttpClient};
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
    let parts = json!({"type": "array", "items": {"type": "string"}});
    json!({"type": "object", "properties": {"parts": parts}, "required": ["parts"], "additionalProperties": false})
}

#[tokio::test]
async fn the_last_turn_names_its_tools_where_a_service_can_be_told_to_call_none() {
    use mcp_orchestrator_testkit::provider_suite::{Voice, server::json as answer, short_answer};
    let (tools, schema) = (tools(), schema());
    for (name, voice, place, with_schema) in [
        ("openai", Voice::Responses, Some(("/tool_choice", "none")), true),
        ("xai", Voice::Responses, Some(("/tool_choice", "none")), false),
        ("gemini", Voice::Gemini, Some(("/toolConfig/functionCallingConfig/mode", "NONE")), false),
        ("groq", Voice::Chat, None, false),
    ] {
        let server = Server::saying(answer(200, &voice.whole(&short_answer()).to_string())).await;
        let provider = known(name, &server, voice.base_path()).with_wire(wire_of(voice)).build().unwrap();
        chat(&provider, &[user("x")], |request| request.tools = &tools).await.unwrap();
        let before = server.requests().pop().unwrap().json();
        chat(&provider, &[user("x")], |request| request.former_tools = &tools).await.unwrap();
        let last = server.requests().pop().unwrap().json();
        let said = place.and_then(|(place, _)| last.pointer(place));
        assert_eq!(said, place.map(|(_, word)| Value::from(word)).as_ref(), "{name}: {last}");
        assert_eq!(last.get("tools"), before.get("tools").filter(|_| place.is_some()), "{name}");
        chat(&provider, &[user("x")], |request| {
            request.former_tools = &tools;
            request.output_schema = Some(&schema);
        })
        .await
        .unwrap();
        let last = server.requests().pop().unwrap().json();
        assert_eq!(last.get("tools").is_some(), with_schema, "{name}: a schema is worth more than a cache");
    }
}

#[tokio::test]
async fn an_image_is_sent_before_its_text_as_each_wire_has_it_and_only_to_models_that_see() {
    use mcp_orchestrator_testkit::provider_suite::{Voice, server::json as answer, short_answer};
    let bytes = b"GIF89a\x02\0\x03\0\0\0\0".to_vec();
    let images = vec![Image::parse(bytes).unwrap()];
    let messages = [Message::UserWithImages { text: "What is it?".to_owned(), images }];
    let data = "R0lGODlhAgADAAAAAA==";
    let url = format!("data:image/gif;base64,{data}");
    for (name, voice, place, content) in [
        (
            "groq",
            Voice::Chat,
            "/messages/0",
            json!([{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is it?"}]),
        ),
        (
            "openai",
            Voice::Responses,
            "/input/0",
            json!([{"type": "input_image", "image_url": url, "detail": "auto"}, {"type": "input_text", "text": "What is it?"}]),
        ),
        (
            "anthropic",
            Voice::Messages,
            "/messages/0",
            json!([{"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": data}}, {"type": "text", "text": "What is it?"}]),
        ),
        (
            "gemini",
            Voice::Gemini,
            "/contents/0",
            json!([{"inlineData": {"mimeType": "image/gif", "data": data}}, {"text": "What is it?"}]),
        ),
    ] {
        let server = Server::saying(answer(200, &voice.whole(&short_answer()).to_string())).await;
        let builder = known(name, &server, voice.base_path()).with_wire(wire_of(voice));
        let blind = builder.clone().build().unwrap();
        assert!(!blind.capabilities(None).images);
        let error = chat(&blind, &messages, |_| {}).await.unwrap_err();
        assert_eq!((error.class(), error.cost), (FailureClass::BadRequest, Cost::FREE));
        assert!(error.to_string().contains(&format!("`provider.{name}.images = \"yes\"`")), "{error}");
        assert!(server.requests().is_empty(), "nothing was sent");
        let seeing = builder.with_images(true).build().unwrap();
        assert!(seeing.capabilities(None).images);
        chat(&seeing, &messages, |_| {}).await.unwrap();
        let sent = server.requests().pop().unwrap().json().pointer(place).unwrap().clone();
        assert_eq!(sent["role"], "user", "{name}");
        assert_eq!(sent.get("content").or_else(|| sent.get("parts")), Some(&content), "{name}");
    }
    let sees = |name: &str, model: &str| {
        let provider = http::vendor(name).unwrap().provider(None).with_default_model(model).build().unwrap();
        provider.capabilities(None).images
    };
    assert!(sees("anthropic", "claude-sonnet-5") && sees("openai", "gpt-5.4-mini"));
    assert!(!sees("deepseek", "deepseek-v4-pro") && !sees("ollama", "llava"), "what nobody knows is no");
}

/// The wire that a voice speaks.
fn wire_of(voice: mcp_orchestrator_testkit::provider_suite::Voice) -> http::Wire {
    use mcp_orchestrator_testkit::provider_suite::Voice;
    match voice {
        Voice::Chat => http::Wire::Chat,
        Voice::Responses => http::Wire::Responses,
        Voice::Messages => http::Wire::Messages,
        Voice::Gemini => http::Wire::Gemini,
    }
}

#[tokio::test]
async fn effort_is_said_in_the_wires_own_place_and_only_if_chosen() {
    use mcp_orchestrator_testkit::provider_suite::{Voice, server::json as answer, short_answer};
    for (name, voice, place, word) in [
        ("groq", Voice::Chat, "/reasoning_effort", "high"),
        ("xai", Voice::Responses, "/reasoning/effort", "high"),
        ("anthropic", Voice::Messages, "/output_config/effort", "high"),
        ("gemini", Voice::Gemini, "/generationConfig/thinkingConfig/thinkingLevel", "HIGH"),
    ] {
        let server = Server::saying(answer(200, &voice.whole(&short_answer()).to_string())).await;
        for (effort, expected) in [(Some(Effort::High), Some(word)), (None, None)] {
            let builder = known(name, &server, voice.base_path());
            let builder = effort.map_or_else(|| builder.clone(), |effort| builder.clone().with_effort(effort));
            chat(&builder.build().unwrap(), &[user("x")], |_| {}).await.unwrap();
            let body = server.requests().pop().unwrap().json();
            assert_eq!(body.pointer(place).and_then(Value::as_str), expected, "{name}: {body}");
        }
    }
}

#[tokio::test]
async fn calls_that_go_back_are_numbered_where_the_service_wants_it() {
    use mcp_orchestrator_testkit::provider_suite::{Voice, server::json as answer, short_answer};
    for (name, expected) in [("together", [Some(json!(0)), Some(json!(1))]), ("groq", [None, None])] {
        let server = Server::saying(answer(200, &Voice::Chat.whole(&short_answer()).to_string())).await;
        let body = sent_of_everything(&known(name, &server, "v1").build().unwrap(), &server).await.json();
        let index = |at: usize| body["messages"][2]["tool_calls"][at].get("index").cloned();
        assert_eq!([index(0), index(1)], expected, "{name}: {body}");
    }
}

/// A client to whom every address is this server.
fn as_proxy(server: &Server) -> HttpClient {
    let mut settings = ClientSettings::default();
    settings.proxy = Some(server.address(""));
    HttpClient::new(settings)
}

#[tokio::test]
async fn a_cost_that_no_service_says_is_estimated_from_its_tokens() {
    use mcp_orchestrator_testkit::provider_suite::{Voice, server::json as answer, short_answer};
    // 1000 tokens, 600 of them cached and 100 written to a cache, and 20 of an answer.
    for (name, voice, model, usd) in [
        ("openai", Voice::Responses, "gpt-5.4-mini", Some(0.000_4 * 0.75 + 0.000_6 * 0.075 + 0.000_02 * 4.5)),
        (
            "anthropic",
            Voice::Messages,
            "claude-sonnet-5",
            Some(0.000_3 * 2.0 + 0.000_6 * 0.2 + 0.000_1 * 2.5 + 0.000_02 * 10.0),
        ),
        ("gemini", Voice::Gemini, "gemini-flash-latest", Some(0.000_4 * 0.75 + 0.000_6 * 0.075 + 0.000_02 * 3.75)),
        ("openai", Voice::Responses, "gpt-999", None),
    ] {
        let server = Server::saying(answer(200, &voice.whole(&short_answer()).to_string())).await;
        let vendor = http::vendor(name).unwrap();
        let builder = vendor.provider(Some(KEY.into())).with_base_url(vendor.base_url.replace("https", "http"));
        let provider = builder.with_default_model(model).with_http(as_proxy(&server)).build().unwrap();
        let cost = chat(&provider, &[user("x")], |_| {}).await.unwrap().cost;
        let expected = usd.and_then(Money::from_usd).map_or(Cost::Unknown, Cost::Estimated);
        assert_eq!(cost, expected, "{name} {model}");
    }
}

#[tokio::test]
async fn a_schema_no_service_can_hold_is_no_reason_to_be_refused() {
    use mcp_orchestrator_testkit::provider_suite::{Voice, server::json as answer, short_answer};
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minLength": 1}}});
    for (name, voice, place, expected) in [
        ("mistral", Voice::Chat, "/response_format/json_schema/strict", Some(json!(false))),
        ("xai", Voice::Responses, "/text/format/strict", Some(json!(false))),
        ("anthropic", Voice::Messages, "/output_config", None),
        ("gemini", Voice::Gemini, "/generationConfig/responseJsonSchema", Some(schema.clone())),
    ] {
        let server = Server::saying(answer(200, &voice.whole(&short_answer()).to_string())).await;
        let provider = known(name, &server, voice.base_path());
        let provider = provider.with_wire(http::vendor(name).unwrap().wire).build().unwrap();
        chat(&provider, &[user("x")], |request| request.output_schema = Some(&schema)).await.unwrap();
        assert_eq!(server.requests()[0].json().pointer(place).cloned(), expected, "{name}");
    }
}
