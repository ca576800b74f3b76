//! The Responses wire: exact costs, reasoning that goes back in its place, finished items as the authority.

use mcp_orchestrator_domain::{AssistantMessage, Cost, FailureClass as Class, FinishReason, Message, Money};
use mcp_orchestrator_testkit::provider_suite::{
    Said, Voice, answer_of_everything,
    server::{Server, json, stream},
    short_answer, streamed,
};
use serde_json::json as value;

use super::{chat, known, result, sent_of_everything, tools, user};

#[tokio::test]
async fn a_full_request_has_the_documented_shape() {
    let server = Server::saying(json(200, &Voice::Responses.whole(&short_answer()).to_string())).await;
    let openai = known("openai", &server, "v1").with_default_model("gpt-5.4-mini").build().unwrap();
    insta::assert_json_snapshot!(sent_of_everything(&openai, &server).await.json());
}

#[tokio::test]
async fn xai_gets_no_schema_beside_tools_and_says_the_exact_cost() {
    let mut whole = Voice::Responses.whole(&short_answer());
    whole["usage"]["cost_in_usd_ticks"] = 37_756_000.into();
    let events = Voice::Responses.begin(&short_answer()).concat();
    let end = format!("data: {}\n\n", value!({"type": "response.completed", "response": whole}));
    for bytes in [json(200, &whole.to_string()), streamed(&(events + &end), 50)] {
        let server = Server::saying(bytes).await;
        let xai = known("xai", &server, "v1").build().unwrap();
        let body = sent_of_everything(&xai, &server).await.json();
        assert!(body.get("text").is_none() && body.get("tools").is_some(), "{body}");
        assert_eq!(body["store"], false);
        let answer = chat(&xai, &[user("x")], |_| {}).await.unwrap();
        assert_eq!(answer.cost, Cost::Reported(Money::from_pico_usd(3_775_600_000)));
    }
}

#[tokio::test]
async fn a_failed_answer_that_was_billed_says_what_it_cost() {
    let failed = value!({"type": "response.failed", "response": {
        "status": "failed", "error": {"code": "server_error", "message": "boom"},
        "usage": {"input_tokens": 10, "output_tokens": 2, "cost_in_usd_ticks": 5}}});
    let server = Server::saying(stream(&[&failed.to_string()])).await;
    let error = chat(&known("xai", &server, "v1").build().unwrap(), &[user("x")], |_| {}).await.unwrap_err();
    assert_eq!((error.class(), error.usage.total()), (Class::Server, 12));
    assert_eq!(error.cost, Cost::Reported(Money::from_pico_usd(500)));
}

#[tokio::test]
async fn reasoning_goes_back_in_its_place_to_whoever_wrote_it() {
    let reasoning = |n: u8| value!({"id": format!("rs_{n}"), "type": "reasoning", "summary": [], "encrypted_content": format!("secret {n}")});
    let call = |n: u8| {
        value!({"id": format!("fc_{n}"), "type": "function_call", "call_id": format!("c{n}"), "name": "corpus_search",
            "arguments": "{}"})
    };
    let text =
        value!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]});
    let mut whole = Voice::Responses.whole(&short_answer());
    whole["output"] = value!([reasoning(1), text, reasoning(2), call(1), call(2)]);
    let server = Server::saying(json(200, &whole.to_string())).await;
    let openai = known("openai", &server, "v1").with_default_model("gpt-5.4").build().unwrap();
    let said = chat(&openai, &[user("x")], |_| {}).await.unwrap().reply;
    assert_eq!(said.finish, FinishReason::ToolCalls);
    let body = server.requests().pop().unwrap().json();
    assert_eq!(body["include"], value!(["reasoning.encrypted_content"]));

    let history = [user("x"), Message::Assistant(said.message), result("c1", false), result("c2", false)];
    let expected_call = |n: u8| value!({"type": "function_call", "call_id": format!("c{n}"), "name": "corpus_search", "arguments": "{}"});
    let text = value!({"role": "assistant", "content": "I look."});
    chat(&openai, &history, |_| {}).await.unwrap();
    let input = server.requests().pop().unwrap().json()["input"].clone();
    assert_eq!(
        input.as_array().unwrap()[1..6],
        [reasoning(1), text.clone(), reasoning(2), expected_call(1), expected_call(2)]
    );
    // Calls that were never made take the reasoning with them that led to them.
    let mut unmade = history.clone();
    if let Message::Assistant(message) = &mut unmade[1] {
        message.tool_calls.clear();
    }
    chat(&openai, &unmade[..2], |_| {}).await.unwrap();
    let input = server.requests().pop().unwrap().json()["input"].clone();
    assert_eq!(input.as_array().unwrap()[1..], [reasoning(1), text.clone()]);
    // Another service gets what was said, and no reasoning it did not write.
    chat(&known("xai", &server, "v1").build().unwrap(), &history, |_| {}).await.unwrap();
    let input = server.requests().pop().unwrap().json()["input"].clone();
    assert_eq!(input.as_array().unwrap()[1..4], [text, expected_call(1), expected_call(2)]);
}

#[tokio::test]
async fn models_that_do_not_reason_are_not_asked_for_reasoning() {
    let server = Server::saying(json(200, &Voice::Responses.whole(&short_answer()).to_string())).await;
    let openai = known("openai", &server, "v1").with_default_model("gpt-4.1").build().unwrap();
    let body = sent_of_everything(&openai, &server).await.json();
    assert!(body.get("include").is_none() && body.get("temperature").is_some(), "{body}");
}

#[tokio::test]
async fn a_finished_item_is_believed_over_its_pieces_and_the_end_over_nothing_else() {
    // No pieces at all, pieces that were lost, and calls that only the last response has.
    let said = answer_of_everything();
    let whole = Voice::Responses.whole(&said);
    let only_the_end = format!("data: {}\n\n", value!({"type": "response.completed", "response": whole}));
    let lost: String =
        Voice::Responses.begin(&said).into_iter().filter(|event| !event.contains("arguments.delta")).collect();
    let end = Voice::Responses.end(&Said { calls: Vec::new(), ..said.clone() }).concat();
    for events in [only_the_end, lost + &end] {
        let server = Server::saying(streamed(&events, 64)).await;
        let tools = tools();
        let xai = known("xai", &server, "v1").build().unwrap();
        let message = chat(&xai, &[user("x")], |request| request.tools = &tools).await.unwrap().reply.message;
        assert_eq!(message.text, said.text.concat());
        let arguments: Vec<_> = message.tool_calls.iter().map(|call| call.arguments.clone()).collect();
        assert_eq!(arguments, said.calls.iter().map(|call| call.arguments.concat()).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_answer_that_is_incomplete_for_no_known_reason_is_truncated() {
    let mut whole = Voice::Responses.whole(&short_answer());
    for (status, reason) in [("incomplete", value!({"reason": "weather"})), ("in_progress", value!(null))] {
        whole["status"] = status.into();
        whole["incomplete_details"] = reason;
        let server = Server::saying(json(200, &whole.to_string())).await;
        let error = chat(&known("xai", &server, "v1").build().unwrap(), &[user("x")], |_| {}).await.unwrap_err();
        assert_eq!(error.class(), Class::Truncated, "{status}");
        assert_eq!(error.usage.input, 1000);
    }
}

#[tokio::test]
async fn a_refusal_is_a_filtered_answer_with_its_words() {
    let mut whole = Voice::Responses.whole(&short_answer());
    whole["output"] = value!([{"type": "message", "content": [{"type": "refusal", "refusal": "I will not."}]}]);
    let server = Server::saying(json(200, &whole.to_string())).await;
    let reply = chat(&known("xai", &server, "v1").build().unwrap(), &[user("x")], |_| {}).await.unwrap().reply;
    assert_eq!((reply.message.text.as_str(), reply.finish), ("I will not.", FinishReason::ContentFilter));
    assert_eq!(reply.message.continuation, AssistantMessage::default().continuation);
}
