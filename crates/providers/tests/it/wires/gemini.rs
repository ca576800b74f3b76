//! The Gemini wire: a model in the address, calls without ids, signatures of thoughts, prompts that are blocked.

use mcp_orchestrator_domain::{AssistantMessage, FailureClass as Class, FinishReason, Message, ModelName, Usage};
use mcp_orchestrator_providers::Provider as _;
use mcp_orchestrator_testkit::provider_suite::{
    KEY, Voice,
    server::{Server, json, stream},
    short_answer,
};
use serde_json::json as value;

use super::{call, chat, known, result, sent_of_everything, user};

async fn server() -> Server {
    Server::saying(json(200, &Voice::Gemini.whole(&short_answer()).to_string())).await
}

#[tokio::test]
async fn a_full_request_has_the_documented_shape() {
    let server = server().await;
    let gemini = known("gemini", &server, "v1beta").build().unwrap();
    insta::assert_json_snapshot!(sent_of_everything(&gemini, &server).await.json());
}

#[tokio::test]
async fn a_schema_goes_where_no_tools_are() {
    let server = server().await;
    let schema = super::schema();
    let gemini = known("gemini", &server, "v1beta").build().unwrap();
    chat(&gemini, &[user("x")], |request| request.output_schema = Some(&schema)).await.unwrap();
    let config = server.requests().pop().unwrap().json()["generationConfig"].clone();
    assert_eq!(config["responseJsonSchema"], schema);
    assert_eq!(config["responseMimeType"], "application/json");
}

#[tokio::test]
async fn the_id_of_a_request_is_the_answers_own() {
    let bytes = json(200, &Voice::Gemini.whole(&short_answer()).to_string());
    let bytes = String::from_utf8(bytes).unwrap().replace("x-request-id", "x-nothing").into_bytes();
    let server = Server::saying(bytes).await;
    let answer = chat(&known("gemini", &server, "v1beta").build().unwrap(), &[user("x")], |_| {}).await.unwrap();
    assert_eq!(answer.reply.request_id.as_deref(), Some("r1"));
}

#[tokio::test]
async fn the_key_is_in_a_header_and_never_in_the_address() {
    let server = server().await;
    let gemini = known("gemini", &server, "").build().unwrap();
    gemini.check().await.unwrap();
    chat(&gemini, &[user("x")], |_| {}).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].line, "GET /v1beta/models HTTP/1.1");
    assert_eq!(requests[1].line, "POST /v1beta/models/m1:streamGenerateContent?alt=sse HTTP/1.1");
    assert!(requests.iter().all(|request| request.header("x-goog-api-key") == Some(KEY)));
}

#[tokio::test]
async fn a_model_whose_name_leads_elsewhere_is_not_asked() {
    let server = server().await;
    let gemini = known("gemini", &server, "v1beta").build().unwrap();
    for name in ["../../admin", "m1?key=x", "%2e%2e/x"] {
        let model = ModelName::new(name).unwrap();
        let error = chat_with(&gemini, &model).await;
        assert_eq!(error.class(), Class::BadRequest, "{name}");
    }
    assert_eq!(server.requests().len(), 0);
}

async fn chat_with(
    provider: &mcp_orchestrator_providers::http::HttpProvider,
    model: &ModelName,
) -> mcp_orchestrator_providers::ProviderError {
    use mcp_orchestrator_testkit::provider_suite::{Pieces, input, request};
    let (messages, input) = ([user("x")], input());
    let asked = mcp_orchestrator_providers::ChatRequest { model: Some(model), ..request(&messages, &input) };
    provider.chat(asked, &mut Pieces::default()).await.unwrap_err()
}

#[tokio::test]
async fn calls_without_ids_go_back_without_them_and_signatures_to_whoever_wrote_them() {
    let chunk = value!({"candidates": [{"content": {"parts": [
        {"text": "Let me think.", "thought": true},
        {"text": "I look.", "thoughtSignature": "s0"},
        {"functionCall": {"name": "corpus_search", "args": {"q": "x"}}, "thoughtSignature": "s1"},
        {"functionCall": {"id": "own", "name": "corpus_search", "args": {}}},
    ]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 7}});
    let server = Server::saying(stream(&[&chunk.to_string()])).await;
    let gemini = known("gemini", &server, "v1beta").build().unwrap();
    let answer = chat(&gemini, &[user("x")], |_| {}).await.unwrap();
    assert_eq!(answer.usage, Usage { input: 9, output: 11, reasoning: 7, ..Usage::default() });
    assert_eq!(answer.reply.finish, FinishReason::ToolCalls);
    let message = answer.reply.message;
    assert_eq!(message.text, "I look.");
    assert_eq!(message.tool_calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["call_0", "own"]);

    let history = [user("x"), Message::Assistant(message), result("call_0", false), result("own", true)];
    chat(&gemini, &history, |_| {}).await.unwrap();
    assert_eq!(
        server.requests().pop().unwrap().json()["contents"],
        value!([
            {"role": "user", "parts": [{"text": "x"}]},
            {"role": "model", "parts": [
                {"text": "I look.", "thoughtSignature": "s0"},
                {"functionCall": {"name": "corpus_search", "args": {"q": "x"}}, "thoughtSignature": "s1"},
                {"functionCall": {"id": "own", "name": "corpus_search", "args": {}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "corpus_search", "response": {"output": "found for call_0"}}},
                {"functionResponse": {"id": "own", "name": "corpus_search", "response": {"error": "found for own"}}}]}
        ])
    );
}

#[tokio::test]
async fn a_conversation_with_another_service_is_understood() {
    let server = server().await;
    let said = AssistantMessage {
        tool_calls: vec![call("toolu_1", "not json")],
        continuation: Some(value!({"wire": "gemini", "vendor": "other", "signatures": {"toolu_1": "s"}})),
        ..AssistantMessage::default()
    };
    let messages = [user("x"), Message::Assistant(said), result("toolu_1", false)];
    chat(&known("gemini", &server, "v1beta").build().unwrap(), &messages, |_| {}).await.unwrap();
    assert_eq!(
        server.requests().pop().unwrap().json()["contents"][1]["parts"],
        value!([{"functionCall": {"id": "toolu_1", "name": "corpus_search", "args": {"invalid_json": "not json"}}}])
    );
}

#[tokio::test]
async fn a_blocked_prompt_is_a_filtered_one_with_its_tokens() {
    let blocked = value!({"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": {"promptTokenCount": 12}});
    let server = Server::saying(stream(&[&blocked.to_string()])).await;
    let error = chat(&known("gemini", &server, "v1beta").build().unwrap(), &[user("x")], |_| {}).await.unwrap_err();
    assert_eq!((error.class(), error.usage.input), (Class::ContentFilter, 12));
    assert!(error.to_string().contains("[OTHER]"), "{error}");
}

#[tokio::test]
async fn a_call_the_service_could_not_read_is_asked_again() {
    for (said, reason) in [("", "MALFORMED_FUNCTION_CALL"), ("Let me look for", "UNEXPECTED_TOOL_CALL")] {
        let candidate = value!({"content": {"parts": [{"text": said}]}, "finishReason": reason});
        let server = Server::saying(json(200, &value!({"candidates": [candidate]}).to_string())).await;
        let error = chat(&known("gemini", &server, "v1beta").build().unwrap(), &[user("x")], |_| {}).await.unwrap_err();
        assert_eq!(error.class(), Class::Decode, "{reason}");
    }
}

#[tokio::test]
async fn a_stream_that_comes_as_one_list_is_read() {
    let chunk = |text: &str, finish: Option<&str>| value!({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": finish}]});
    let list = value!([chunk("Hel", None), chunk("lo", Some("STOP"))]);
    let server = Server::saying(json(200, &list.to_string())).await;
    let gemini = known("gemini", &server, "v1beta").build().unwrap();
    assert_eq!(chat(&gemini, &[user("x")], |_| {}).await.unwrap().reply.message.text, "Hello");
    let list = value!([chunk("Hel", None), chunk("lo", None)]);
    let server = Server::saying(json(200, &list.to_string())).await;
    let gemini = known("gemini", &server, "v1beta").build().unwrap();
    assert_eq!(chat(&gemini, &[user("x")], |_| {}).await.unwrap_err().class(), Class::Truncated);
}

#[tokio::test]
async fn finish_reasons_are_read_leniently() {
    let mut whole = Voice::Gemini.whole(&short_answer());
    for (word, expected) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("RECITATION", FinishReason::ContentFilter),
        ("FUNCTION_CALL", FinishReason::Other),
        ("FINISH_REASON_UNSPECIFIED", FinishReason::Stop),
    ] {
        whole["candidates"][0]["finishReason"] = word.into();
        let server = Server::saying(json(200, &whole.to_string())).await;
        let answer = chat(&known("gemini", &server, "v1beta").build().unwrap(), &[user("x")], |_| {}).await.unwrap();
        assert_eq!(answer.reply.finish, expected, "{word}");
    }
}
