//! The wires against a mock server of others. Skipped unless somebody has started one: `LLMOCK_URL` names it, see
//! `docs/providers.md`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use mcp_orchestrator_domain::{FailureClass as Class, FinishReason, Message, ToolName, ToolSpec};
use mcp_orchestrator_egress::{BaseUrl, HttpClient, Request};
use mcp_orchestrator_providers::{
    Provider as _,
    http::{self, HttpProvider, Wire},
};
use mcp_orchestrator_testkit::provider_suite::{KEY, Pieces, ask, input, request};
use serde_json::json;

/// How it says no, and what that is here.
const FAULTS: [(&str, &[Class]); 7] = [
    (r#"{"type":"fail","status":401}"#, &[Class::Auth]),
    (r#"{"type":"fail","status":429,"retry_after":2}"#, &[Class::RateLimited]),
    (r#"{"type":"fail","status":500}"#, &[Class::Server]),
    (r#"{"type":"fail","status":529}"#, &[Class::Overloaded]),
    (r#"{"type":"stream_fault","kind":"truncate","after_chunks":3}"#, &[Class::Truncated]),
    (r#"{"type":"stream_fault","kind":"disconnect","after_chunks":3}"#, &[Class::Network]),
    (r#"{"type":"stream_fault","kind":"malformed","after_chunks":3}"#, &[Class::Decode]),
];

/// The services whose words it speaks, over which wire, and where under its address.
const SERVICES: [(&str, Wire, &str, &str); 8] = [
    ("xai", Wire::Chat, "xai/v1", "grok-4.5"),
    ("openai", Wire::Chat, "v1", "gpt-5.4-mini"),
    ("openai", Wire::Responses, "v1", "gpt-5.4-mini"),
    ("anthropic", Wire::Messages, "anthropic/v1", "claude-sonnet-5"),
    ("gemini", Wire::Gemini, "gemini/v1beta", "gemini-flash-latest"),
    ("mistral", Wire::Chat, "mistral/v1", "mistral-medium-latest"),
    ("groq", Wire::Chat, "groq/openai/v1", "openai/gpt-oss-120b"),
    ("perplexity", Wire::Chat, "perplexity/v1", "sonar-pro"),
];

fn providers() -> Vec<HttpProvider> {
    let server = std::env::var("LLMOCK_URL").expect("LLMOCK_URL names a running llmock");
    let build = |(name, wire, path, model): (&str, Wire, &str, &str)| {
        let builder = http::vendor(name).unwrap().provider(Some(KEY.into()));
        let builder = builder.with_base_url(format!("{server}/{path}")).with_wire(wire);
        builder.with_default_model(model).build().unwrap()
    };
    SERVICES.into_iter().map(build).collect()
}

#[tokio::test]
#[ignore = "needs a server of others"]
async fn every_wire_is_understood_by_a_server_of_others() {
    its_answers_are_understood().await;
    its_faults_are_seen_as_what_they_are().await;
}

async fn its_answers_are_understood() {
    let tools = [ToolSpec {
        name: ToolName::new("corpus_search").unwrap(),
        description: "Finds passages.".to_owned(),
        parameters: json!({"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}),
    }];
    for provider in providers() {
        let name = provider.name().clone();
        let (input, messages) = (input(), [Message::System("Be brief.".to_owned()), Message::User("Hello".to_owned())]);
        let mut pieces = Pieces::default();
        let answer = provider.chat(request(&messages, &input), &mut pieces).await;
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!answer.reply.message.text.is_empty(), "{name}: {answer:?}");
        assert_eq!(pieces.0.concat(), answer.reply.message.text, "{name}");
        // It counts for these only when it is asked to, and they refuse to be asked.
        if !matches!(name.as_str(), "mistral" | "perplexity") {
            assert!(answer.usage.input > 0 && answer.usage.output > 0, "{name}: {:?}", answer.usage);
        }
        let mut with_tools = request(&messages, &input);
        with_tools.tools = &tools;
        let answer = provider.chat(with_tools, &mut Pieces::default()).await;
        let reply = answer.unwrap_or_else(|error| panic!("{name} with tools: {error}")).reply;
        if let Some(call) = reply.message.tool_calls.first() {
            assert_eq!((call.name.as_str(), reply.finish), ("corpus_search", FinishReason::ToolCalls), "{name}");
        }
        let said = Message::Assistant(reply.message.clone());
        let results = reply.message.tool_calls.iter().map(|call| {
            Message::Tool(mcp_orchestrator_domain::ToolResult {
                call_id: call.id.clone(),
                name: call.name.clone(),
                content: "Nothing.".to_owned(),
                is_error: false,
            })
        });
        let history: Vec<_> = messages.iter().cloned().chain([said]).chain(results).collect();
        let mut again = request(&history, &input);
        again.tools = &tools;
        let answer = provider.chat(again, &mut Pieces::default()).await;
        answer.unwrap_or_else(|error| panic!("{name} with results: {error}"));
    }
}

async fn its_faults_are_seen_as_what_they_are() {
    let base: BaseUrl = std::env::var("LLMOCK_URL").unwrap().parse().unwrap();
    let tell = async |path: &'static str, body: String| {
        let answer = HttpClient::default().send(Request::post_json(&base, path, body)).await.unwrap();
        assert!(answer.is_success(), "{path}");
    };
    let mut wrong = Vec::new();
    for (behavior, expected) in FAULTS {
        for provider in providers() {
            tell("/_llmock/scenario", format!("{{\"behaviors\":[{behavior}]}}")).await;
            let outcome = ask(&provider, &mut Pieces::default()).await;
            let class = outcome.as_ref().err().map(mcp_orchestrator_providers::ProviderError::class);
            if !class.is_some_and(|class| expected.contains(&class)) {
                wrong.push(format!("{behavior}: {} over {:?}: {outcome:?}", provider.name(), provider.wire()));
            }
        }
    }
    tell("/_llmock/reset", "{}".to_owned()).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
