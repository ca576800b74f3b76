//! Requests as they go out: every byte a service would see.

use mcp_orchestrator_domain::{AssistantMessage, Message, RequestId, ToolCall, ToolName, ToolResult, ToolSpec};
use mcp_orchestrator_providers::{
    ChatRequest,
    http::{Dialect, HttpProviderBuilder, OutputSchema, SystemMessages, vendor},
};
use serde_json::{Value, json};

use super::{
    KEY, Pieces, ask, ask_with, model, provider, run,
    server::{Received, Server, json as json_answer, stream},
};

const OK: &str = r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#;

fn sent(
    build: impl FnOnce(HttpProviderBuilder) -> HttpProviderBuilder,
    change: impl FnOnce(&mut ChatRequest<'_>),
) -> Received {
    run(async {
        let server = Server::saying(json_answer(200, OK)).await;
        ask_with(&build(provider(&server)).build().unwrap(), &mut Pieces::default(), change).await.unwrap();
        server.requests().remove(0)
    })
}

fn conversation() -> Vec<Message> {
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: "corpus_search".to_owned(),
        arguments: arguments.to_owned(),
    };
    let result = |id: &str, is_error| {
        Message::Tool(ToolResult {
            call_id: id.to_owned(),
            name: "corpus_search".to_owned(),
            content: "[ev_123456] found".to_owned(),
            is_error,
        })
    };
    vec![
        Message::System("Cite evidence.".to_owned()),
        Message::User("How?".to_owned()),
        Message::Assistant(AssistantMessage {
            text: String::new(),
            tool_calls: vec![call("call_a", r#"{"query":"crash"}"#), call("call_b", "{\"query\":")],
            continuation: None,
        }),
        result("call_a", false),
        result("call_b", true),
        Message::System("Answer now.".to_owned()),
        Message::Assistant(AssistantMessage { text: "So.".to_owned(), ..AssistantMessage::default() }),
        Message::User("Go on.".to_owned()),
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

/// The whole request of everything at once, to a service of a dialect.
fn full(dialect: Dialect) -> Value {
    let (messages, tools, schema, model) = (conversation(), tools(), schema(), model("gpt-5.4-mini"));
    run(async {
        let server = Server::saying(json_answer(200, OK)).await;
        let provider = provider(&server).with_dialect(dialect).build().unwrap();
        let input = super::input();
        let request = ChatRequest {
            model: Some(&model),
            messages: &messages,
            tools: &tools,
            former_tools: &[],
            output_schema: Some(&schema),
            temperature: Some(0.2),
            output_tokens_max: 4096,
            idempotency_key: "wf/belter_0/1",
            request_id: None,
            input: &input,
        };
        mcp_orchestrator_providers::Provider::chat(&provider, request, &mut Pieces::default()).await.unwrap();
        server.requests().remove(0).json()
    })
}

#[test]
fn a_full_request_has_the_documented_shape() {
    insta::assert_json_snapshot!(full(vendor("openai").unwrap().dialect));
}

#[test]
fn a_strict_service_gets_only_the_fields_it_knows() {
    insta::assert_json_snapshot!(full(vendor("mistral").unwrap().dialect));
}

#[test]
fn a_minimal_request_is_minimal() {
    let request = sent(|builder| builder, |_| {});
    assert_eq!(request.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(
        request.body,
        r#"{"model":"m1","messages":[{"role":"user","content":"Hello"}],"max_tokens":256,"stream":true,"stream_options":{"include_usage":true}}"#
    );
    assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("idempotency-key"), None);
    assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("mcp-orchestrator/")));
}

#[test]
fn the_request_behind_a_call_is_named_in_a_header_and_nowhere_else() {
    let id = RequestId::new("req-7f.42").unwrap();
    let unnamed = sent(|builder| builder, |_| {});
    let named = run(async {
        let server = Server::saying(json_answer(200, OK)).await;
        let provider = provider(&server).build().unwrap();
        let (input, messages) = (super::input(), [Message::User("Hello".to_owned())]);
        let request = ChatRequest {
            model: None,
            messages: &messages,
            tools: &[],
            former_tools: &[],
            output_schema: None,
            temperature: None,
            output_tokens_max: 256,
            idempotency_key: "wf/step/1",
            request_id: Some(&id),
            input: &input,
        };
        mcp_orchestrator_providers::Provider::chat(&provider, request, &mut Pieces::default()).await.unwrap();
        server.requests().remove(0)
    });
    assert_eq!(named.header("x-request-id"), Some("req-7f.42"));
    assert_eq!(unnamed.header("x-request-id"), None);
    assert_eq!(named.json(), unnamed.json());
}

#[test]
fn headers_follow_dialect_and_key() {
    let dialect = Dialect { idempotency_key: true, ..Dialect::LENIENT };
    let request = sent(|builder| builder.with_dialect(dialect), |_| {});
    assert_eq!(request.header("idempotency-key"), Some("wf/step/1"));
    let trimmed = sent(|builder| builder.with_key(format!(" {KEY}\n").into()), |_| {});
    assert_eq!(trimmed.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    run(async {
        let server = Server::saying(json_answer(200, OK)).await;
        let keyless = mcp_orchestrator_providers::http::HttpProvider::builder("lab", server.base_url() + "/");
        ask(&keyless.with_default_model("m1").build().unwrap()).await.unwrap();
        assert_eq!(server.requests()[0].header("authorization"), None);
        assert_eq!(server.requests()[0].line, "POST /v1/chat/completions HTTP/1.1");
    });
}

#[test]
fn models_that_refuse_a_temperature_get_none() {
    let temperature = |dialect: Dialect, name: &str| {
        let name = model(name);
        let request = run(async {
            let server = Server::saying(json_answer(200, OK)).await;
            let provider = provider(&server).with_dialect(dialect).build().unwrap();
            let input = super::input();
            let messages = [Message::User("x".to_owned())];
            let request = ChatRequest {
                model: Some(&name),
                messages: &messages,
                tools: &[],
                former_tools: &[],
                output_schema: None,
                temperature: Some(0.5),
                output_tokens_max: 1,
                idempotency_key: "k",
                request_id: None,
                input: &input,
            };
            mcp_orchestrator_providers::Provider::chat(&provider, request, &mut Pieces::default()).await.unwrap();
            server.requests().remove(0).json()
        });
        request.get("temperature").cloned()
    };
    let openai = vendor("openai").unwrap().dialect;
    assert_eq!(temperature(openai, "gpt-5.4-mini"), None);
    assert_eq!(temperature(openai, "gpt-4.1"), Some(json!(0.5)));
    assert_eq!(temperature(vendor("anthropic").unwrap().dialect, "claude-sonnet-5"), None);
    assert_eq!(temperature(Dialect::LOCAL, "qwen3"), Some(json!(0.5)));
}

#[test]
fn schemas_and_tools_go_only_where_they_are_taken() {
    let body = |output_schema, tools_taken, with_tools: bool| {
        let dialect = Dialect { output_schema, tools: tools_taken, ..Dialect::LENIENT };
        let (tools, schema) = (tools(), schema());
        run(async {
            let server = Server::saying(json_answer(200, OK)).await;
            let provider = provider(&server).with_dialect(dialect).build().unwrap();
            let input = super::input();
            let request = ChatRequest {
                model: None,
                messages: &[],
                tools: if with_tools { &tools } else { &[] },
                former_tools: &[],
                output_schema: Some(&schema),
                temperature: None,
                output_tokens_max: 1,
                idempotency_key: "k",
                request_id: None,
                input: &input,
            };
            mcp_orchestrator_providers::Provider::chat(&provider, request, &mut Pieces::default()).await.unwrap();
            let body = server.requests().remove(0).json();
            (body.get("response_format").is_some(), body.get("tools").is_some())
        })
    };
    assert_eq!(body(OutputSchema::Always, true, true), (true, true));
    assert_eq!(body(OutputSchema::WithoutTools, true, true), (false, true));
    assert_eq!(body(OutputSchema::WithoutTools, true, false), (true, false));
    assert_eq!(body(OutputSchema::WithoutTools, false, true), (true, false));
    assert_eq!(body(OutputSchema::Never, true, true), (false, true));
}

#[test]
fn reasoning_and_signatures_go_back_to_whoever_wrote_them_and_to_nobody_else() {
    let answer = stream(&[
        r#"{"choices":[{"delta":{"reasoning_content":"Let me "}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_content":"think.","reasoning_details":[{"type":"reasoning.text","text":"a","index":0}]}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"b","signature":"s1","index":0},{"type":"reasoning.encrypted","data":"zz","index":1}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","extra_content":{"google":{"thought_signature":"sig"}},"function":{"name":"t","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#,
        "[DONE]",
    ]);
    let again = |name: &'static str, dialect: Dialect| {
        let answer = answer.clone();
        run(async move {
            let server = Server::saying(answer).await;
            let build = |name: &str| {
                let base = mcp_orchestrator_providers::http::HttpProvider::builder(name, server.base_url());
                base.with_default_model("m1").with_dialect(dialect).build().unwrap()
            };
            let said = ask(&build("one")).await.unwrap().reply.message;
            let messages = [Message::Assistant(said)];
            let input = super::input();
            let request = ChatRequest {
                model: None,
                messages: &messages,
                tools: &[],
                former_tools: &[],
                output_schema: None,
                temperature: None,
                output_tokens_max: 1,
                idempotency_key: "k",
                request_id: None,
                input: &input,
            };
            mcp_orchestrator_providers::Provider::chat(&build(name), request, &mut Pieces::default()).await.unwrap();
            server.requests().remove(1).json()["messages"][0].clone()
        })
    };
    let bare = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "t", "arguments": "{}"}}]});
    let returning = Dialect { returns_reasoning: true, system: SystemMessages::Anywhere, ..Dialect::LENIENT };
    assert_eq!(again("one", Dialect::LENIENT), bare);
    assert_eq!(again("two", returning), bare);
    assert_eq!(
        again("one", returning),
        json!({"role": "assistant", "content": null,
            "reasoning_content": "Let me think.",
            "reasoning_details": [
                {"type": "reasoning.text", "text": "ab", "signature": "s1", "index": 0},
                {"type": "reasoning.encrypted", "data": "zz", "index": 1}],
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "t", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "sig"}}}]})
    );
}
