//! The Messages wire: turns, cache marks, thinking that goes back signed, counts that come in parts.

use mcp_orchestrator_domain::{AssistantMessage, FailureClass as Class, FinishReason, Message, Usage};
use mcp_orchestrator_providers::Provider as _;
use mcp_orchestrator_testkit::provider_suite::{
    KEY, Voice,
    server::{Server, json, stream},
    short_answer,
};
use serde_json::{Value, json as value};

use super::{call, chat, known, result, sent_of_everything, tools, user};

async fn server() -> Server {
    Server::saying(json(200, &Voice::Messages.whole(&short_answer()).to_string())).await
}

#[tokio::test]
async fn a_full_request_has_the_documented_shape() {
    let server = server().await;
    let request = sent_of_everything(&known("anthropic", &server, "v1").build().unwrap(), &server).await;
    assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(request.header("authorization"), None);
    insta::assert_json_snapshot!(request.json());
}

#[tokio::test]
async fn check_asks_for_the_models_with_the_key_where_it_belongs() {
    let server = server().await;
    known("anthropic", &server, "v1").build().unwrap().check().await.unwrap();
    let request = server.requests().remove(0);
    assert_eq!(request.line, "GET /v1/models HTTP/1.1");
    assert_eq!((request.header("x-api-key"), request.header("anthropic-version")), (Some(KEY), Some("2023-06-01")));
}

#[tokio::test]
async fn an_address_that_is_only_a_host_gets_the_version() {
    let server = server().await;
    for path in ["", "v1", "v1/", "proxy/v1"] {
        let provider = known("anthropic", &server, path).build().unwrap();
        chat(&provider, &[user("x")], |_| {}).await.unwrap();
        let expected = if path.starts_with("proxy") { "POST /proxy/v1/messages" } else { "POST /v1/messages" };
        assert!(server.requests().pop().unwrap().line.starts_with(expected), "{path}");
    }
}

#[tokio::test]
async fn only_the_turn_of_an_agent_marks_what_the_next_one_begins_with() {
    let server = server().await;
    let anthropic = known("anthropic", &server, "v1").build().unwrap();
    let marks = |body: &Value| body.to_string().matches("cache_control").count();
    let messages = [Message::System("Be brief.".to_owned()), user("x")];
    chat(&anthropic, &messages, |_| {}).await.unwrap();
    assert_eq!(marks(&server.requests().pop().unwrap().json()), 0);
    let tools = tools();
    chat(&anthropic, &messages, |request| request.tools = &tools).await.unwrap();
    let body = server.requests().pop().unwrap().json();
    assert_eq!(marks(&body), 2);
    assert_eq!(body["system"][0]["cache_control"], value!({"type": "ephemeral"}));
    assert_eq!(body["messages"][0]["content"][0]["cache_control"], value!({"type": "ephemeral"}));
}

#[tokio::test]
async fn the_last_turn_names_the_same_tools_and_marks_only_what_the_cache_still_knows() {
    let server = server().await;
    let anthropic = known("anthropic", &server, "v1").build().unwrap();
    let messages = [Message::System("Be brief.".to_owned()), user("x")];
    let tools = tools();
    chat(&anthropic, &messages, |request| request.tools = &tools).await.unwrap();
    let before = server.requests().pop().unwrap().json();
    chat(&anthropic, &messages, |request| request.former_tools = &tools).await.unwrap();
    let last = server.requests().pop().unwrap().json();
    assert_eq!((&last["tools"], &last["system"]), (&before["tools"], &before["system"]));
    assert_eq!(last["tool_choice"], value!({"type": "none"}));
    assert!(!last["messages"].to_string().contains("cache_control"), "{last}");
    assert!(before.get("tool_choice").is_none());
}

#[tokio::test]
async fn answers_of_tools_come_first_and_nothing_empty_is_sent() {
    let server = server().await;
    let anthropic = known("anthropic", &server, "v1").build().unwrap();
    let said = AssistantMessage { tool_calls: vec![call("a", "{}"), call("b", "[1]")], ..AssistantMessage::default() };
    let messages = [user(""), user("x"), Message::Assistant(said), user("also"), result("b", true), result("a", false)];
    chat(&anthropic, &messages, |_| {}).await.unwrap();
    assert_eq!(
        server.requests().pop().unwrap().json()["messages"],
        value!([
            {"role": "user", "content": [{"type": "text", "text": "x"}]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "a", "name": "corpus_search", "input": {}},
                {"type": "tool_use", "id": "b", "name": "corpus_search", "input": {"invalid_json": "[1]"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "b", "content": "found for b", "is_error": true},
                {"type": "tool_result", "tool_use_id": "a", "content": "found for a"},
                {"type": "text", "text": "also"}]}
        ])
    );
}

#[tokio::test]
async fn thinking_goes_back_signed_to_whoever_wrote_it() {
    let events = [
        value!({"type": "message_start", "message": {"model": "m1", "usage": {"input_tokens": 5, "output_tokens": 1}}}),
        value!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        value!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Let me "}}),
        value!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "think."}}),
        value!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}}),
        value!({"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "zz"}}),
        value!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "c1", "name": "corpus_search", "input": {}}}),
        value!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 30, "output_tokens_details": {"thinking_tokens": 12}}}),
        value!({"type": "message_stop"}),
    ]
    .map(|event| event.to_string());
    let server = Server::saying(stream(&events.each_ref().map(String::as_str))).await;
    let anthropic = known("anthropic", &server, "v1").build().unwrap();
    let answer = chat(&anthropic, &[user("x")], |_| {}).await.unwrap();
    assert_eq!(answer.usage, Usage { input: 5, output: 30, reasoning: 12, ..Usage::default() });
    assert_eq!(answer.reply.message.text, "");

    let history = [user("x"), Message::Assistant(answer.reply.message), result("c1", false)];
    let use_of_tool = value!({"type": "tool_use", "id": "c1", "name": "corpus_search", "input": {}});
    chat(&anthropic, &history, |_| {}).await.unwrap();
    assert_eq!(
        server.requests().pop().unwrap().json()["messages"][1]["content"],
        value!([
            {"type": "thinking", "thinking": "Let me think.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "zz"},
            use_of_tool,
        ])
    );
    let other = http_other(&server);
    chat(&other, &history, |_| {}).await.unwrap();
    assert_eq!(server.requests().pop().unwrap().json()["messages"][1]["content"], value!([use_of_tool]));
}

fn http_other(server: &Server) -> mcp_orchestrator_providers::http::HttpProvider {
    use mcp_orchestrator_providers::http::{HttpProvider, Wire};
    let builder = HttpProvider::builder("other", server.address("v1")).with_wire(Wire::Messages);
    builder.with_default_model("m1").build().unwrap()
}

#[tokio::test]
async fn a_last_turn_without_tools_still_defines_those_that_were_used() {
    let server = server().await;
    let anthropic = known("anthropic", &server, "v1").build().unwrap();
    let said = AssistantMessage { tool_calls: vec![call("a", "{}")], ..AssistantMessage::default() };
    chat(&anthropic, &[user("x"), Message::Assistant(said), result("a", false)], |_| {}).await.unwrap();
    let body = server.requests().pop().unwrap().json();
    assert_eq!(body["tools"], value!([{"name": "corpus_search", "input_schema": {"type": "object"}}]));
    assert_eq!(body["tool_choice"], value!({"type": "none"}));
    chat(&anthropic, &[user("x")], |_| {}).await.unwrap();
    let body = server.requests().pop().unwrap().json();
    assert!(body.get("tools").is_none() && body.get("tool_choice").is_none(), "{body}");
}

#[tokio::test]
async fn thoughts_whose_calls_were_not_made_are_left_out() {
    let server = server().await;
    let anthropic = known("anthropic", &server, "v1").build().unwrap();
    let thinking = value!([{"type": "thinking", "thinking": "t", "signature": "s"}]);
    let continuation = Some(value!({"wire": "messages", "vendor": "anthropic", "thinking": thinking}));
    let said = AssistantMessage { continuation, ..AssistantMessage::default() };
    chat(&anthropic, &[user("x"), Message::Assistant(said), user("Answer.")], |_| {}).await.unwrap();
    let messages = server.requests().pop().unwrap().json()["messages"].clone();
    assert!(!messages.to_string().contains("thinking") && messages.to_string().contains("Answer."), "{messages}");
}

#[tokio::test]
async fn counts_are_totals_so_far_and_the_largest_holds() {
    let events = [
        value!({"type": "message_start", "message": {"model": "m1", "usage": {
            "input_tokens": 10, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 5, "output_tokens": 4}}}),
        value!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "x"}}),
        value!({"type": "message_delta", "delta": {"stop_reason": null}, "usage": {"output_tokens": 9}}),
        value!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {
            "input_tokens": 12, "cache_read_input_tokens": 80, "output_tokens": 7}}),
        value!({"type": "message_stop"}),
    ]
    .map(|event| event.to_string());
    let server = Server::saying(stream(&events.each_ref().map(String::as_str))).await;
    let answer = chat(&known("anthropic", &server, "v1").build().unwrap(), &[user("x")], |_| {}).await.unwrap();
    assert_eq!(answer.usage, Usage { input: 97, cached: 80, cache_write: 5, output: 9, reasoning: 0 });
}

#[tokio::test]
async fn stop_reasons_are_read_leniently() {
    let mut whole = Voice::Messages.whole(&short_answer());
    for (word, expected) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("refusal", FinishReason::ContentFilter),
        ("pause_turn", FinishReason::Other),
        ("tool_use", FinishReason::Stop),
    ] {
        whole["stop_reason"] = word.into();
        let server = Server::saying(json(200, &whole.to_string())).await;
        let answer = chat(&known("anthropic", &server, "v1").build().unwrap(), &[user("x")], |_| {}).await.unwrap();
        assert_eq!(answer.reply.finish, expected, "{word}");
    }
}

#[tokio::test]
async fn a_stream_without_message_is_no_answer() {
    let server = Server::saying(stream(&[r#"{"type":"message_stop"}"#])).await;
    let error = chat(&known("anthropic", &server, "v1").build().unwrap(), &[user("x")], |_| {}).await.unwrap_err();
    assert_eq!(error.class(), Class::Decode);
}
