//! Answers that are good, in all the shapes services give them.

use mcp_orchestrator_domain::{Cost, FinishReason, Money, Usage};
use mcp_orchestrator_providers::{
    ChatAnswer,
    http::{CostReport, Dialect, HttpProviderBuilder},
};
use serde_json::json;

use super::{
    Pieces, ask, ask_with, provider, run,
    server::{Act, STREAM_END, Server, answer, json as json_answer, piece, stream, stream_head},
};

const HELLO: [&str; 5] = [
    r#"{"object":"chat.completion.chunk","model":"m1-2026","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"Grüße, "},"finish_reason":""}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"漢字 \"😀\""}}]}"#,
    r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    r#"{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":20,"total_tokens":1020,"prompt_tokens_details":{"cached_tokens":600},"completion_tokens_details":{"reasoning_tokens":5}}}"#,
];

fn hello_usage() -> Usage {
    Usage { input: 1000, cached: 600, cache_write: 0, output: 20, reasoning: 5 }
}

fn with_done<'a>(events: &[&'a str]) -> Vec<&'a str> {
    events.iter().copied().chain(["[DONE]"]).collect()
}

fn answered(bytes: Vec<u8>, change: impl FnOnce(HttpProviderBuilder) -> HttpProviderBuilder) -> ChatAnswer {
    run(async {
        let server = Server::saying(bytes).await;
        ask(&change(provider(&server)).build().unwrap()).await.unwrap()
    })
}

fn plain(bytes: Vec<u8>) -> ChatAnswer {
    answered(bytes, |builder| builder)
}

#[test]
fn a_stream_gives_its_pieces_at_once_and_the_whole_at_the_end() {
    run(async {
        let server = Server::saying(stream(&with_done(&HELLO))).await;
        let mut pieces = Pieces::default();
        let answer = ask_with(&provider(&server).build().unwrap(), &mut pieces, |_| {}).await.unwrap();
        assert_eq!(pieces.0, ["Grüße, ", "漢字 \"😀\""]);
        assert_eq!(answer.reply.message.text, "Grüße, 漢字 \"😀\"");
        assert_eq!(answer.reply.finish, FinishReason::Stop);
        assert_eq!(answer.reply.model.as_deref(), Some("m1-2026"));
        assert_eq!(answer.reply.request_id.as_deref(), Some("req_1"));
        assert_eq!(answer.usage, hello_usage());
        assert_eq!(answer.cost, Cost::Unknown);
        assert_eq!(answer.reply.message.continuation, None);
    });
}

#[test]
fn pieces_cut_inside_characters_change_nothing() {
    let events = with_done(&HELLO).iter().map(|event| format!("data: {event}\r\n\r\n")).collect::<String>();
    let mut bytes = stream_head();
    for cut in events.as_bytes().chunks(7) {
        bytes.extend(piece(cut));
    }
    bytes.extend(STREAM_END);
    assert_eq!(plain(bytes).reply.message.text, "Grüße, 漢字 \"😀\"");
}

#[test]
fn a_stream_ends_without_done_or_without_its_last_blank_line() {
    assert_eq!(plain(stream(&HELLO)).usage, hello_usage());
    let mut bytes = stream_head();
    bytes.extend(piece(format!("data: {}\n\ndata: [DONE]", HELLO[..3].join("\n\ndata: ")).as_bytes()));
    bytes.extend(STREAM_END);
    assert_eq!(plain(bytes).reply.finish, FinishReason::Stop);
}

#[test]
fn what_breaks_after_the_message_is_complete_loses_only_the_counts() {
    let events = HELLO[..4].iter().map(|event| format!("data: {event}\n\n")).collect::<String>();
    let bytes = [stream_head(), piece(events.as_bytes())].concat();
    let answer = run(async {
        let server = Server::start(vec![vec![Act::Send(bytes), Act::Close]]).await;
        ask(&provider(&server).build().unwrap()).await.unwrap()
    });
    assert_eq!(answer.reply.message.text, "Grüße, 漢字 \"😀\"");
    assert_eq!((answer.usage, answer.cost), (Usage::default(), Cost::Unknown));
}

#[test]
fn a_whole_completion_is_read_whatever_it_is_labelled() {
    // Both a `delta` and a `message`, as Perplexity has it; the message counts.
    let body = r#" {"object":"chat.completion","model":"m1","choices":[{"index":0,"delta":{"content":""},"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    for content_type in ["content-type: application/json", "content-type: text/plain", "x-none: 1"] {
        let answer = plain(answer(200, &[content_type], body));
        assert_eq!(answer.reply.message.text, "Hi", "{content_type}");
        assert_eq!(answer.usage, Usage { input: 3, output: 1, ..Usage::default() });
    }
    // A stream labelled as JSON is still a stream.
    let events = with_done(&HELLO).iter().map(|event| format!("data: {event}\n\n")).collect::<String>();
    let answer = plain(answer(200, &["content-type: application/json"], &events));
    assert_eq!(answer.reply.message.text, "Grüße, 漢字 \"😀\"");
    // And a whole completion may come as the only event of a stream.
    assert_eq!(plain(stream(&[body, "[DONE]"])).reply.message.text, "Hi");
}

#[test]
fn parallel_tool_calls_are_put_together_by_index() {
    let answer = plain(stream(&[
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"corpus_search","arguments":""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"q"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"call_b","function":{"name":"corpus_read","arguments":"{\"id\":"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_a","function":{"name":"corpus_search","arguments":"\":\"x\"}"}},{"index":1,"function":{"arguments":"7}"}}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        "[DONE]",
    ]));
    insta::assert_json_snapshot!(answer.reply, @r#"
    {
      "message": {
        "tool_calls": [
          {
            "id": "call_a",
            "name": "corpus_search",
            "arguments": "{\"q\":\"x\"}"
          },
          {
            "id": "call_b",
            "name": "corpus_read",
            "arguments": "{\"id\":7}"
          }
        ]
      },
      "finish": "tool_calls",
      "request_id": "req_1"
    }
    "#);
}

#[test]
fn tool_calls_without_ids_indexes_or_text_arguments_are_still_told_apart() {
    // All with index 0 but their own ids; a missing id; arguments as an object; no arguments; "stop" beside calls.
    let answer = plain(stream(&[
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{}"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"two","arguments":{"n":1}}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"three"}}]},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ]));
    let calls = &answer.reply.message.tool_calls;
    let calls = calls.iter().map(|c| (c.id.as_str(), c.name.as_str(), c.arguments.as_str())).collect::<Vec<_>>();
    assert_eq!(calls, [("a", "one", "{}"), ("b", "two", "{\"n\":1}"), ("call_2", "three", "{}")]);
    assert_eq!(answer.reply.finish, FinishReason::ToolCalls);
}

#[test]
fn tool_calls_stand_in_the_order_of_their_indexes() {
    let answer = plain(stream(&[
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"two","arguments":"{"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{}"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]},"finish_reason":"tool_calls"}]}"#,
    ]));
    let calls =
        answer.reply.message.tool_calls.iter().map(|c| (c.id.as_str(), c.arguments.as_str())).collect::<Vec<_>>();
    assert_eq!(calls, [("a", "{}"), ("b", "{}")]);
}

#[test]
fn finish_reasons_are_read_leniently() {
    for (word, expected) in [
        (json!("stop"), FinishReason::Stop),
        (json!("STOP"), FinishReason::Stop),
        (json!("length"), FinishReason::Length),
        (json!("content_filter"), FinishReason::ContentFilter),
        (json!("tool_calls"), FinishReason::Stop),
        (json!("weather"), FinishReason::Other),
        (json!(""), FinishReason::Stop),
        (json!(null), FinishReason::Stop),
        (json!(7), FinishReason::Stop),
    ] {
        let body = json!({"choices":[{"index":0,"message":{"content":"x"},"finish_reason":word}]}).to_string();
        assert_eq!(plain(json_answer(200, &body)).reply.finish, expected, "{word}");
    }
    let refused = r#"{"choices":[{"message":{"content":null,"refusal":"I will not."},"finish_reason":"stop"}]}"#;
    let reply = plain(json_answer(200, refused)).reply;
    assert_eq!((reply.message.text.as_str(), reply.finish), ("I will not.", FinishReason::ContentFilter));
}

#[test]
fn odd_types_of_fields_are_absent_fields() {
    let body = r#"{"id":7,"model":{"x":1},"object":null,"usage":{"prompt_tokens":"3","completion_tokens":-4,"total_tokens":2.0},
        "choices":[{"index":"0","message":{"content":[{"type":"text","text":"a"},{"type":"thinking","thinking":[]},{"type":"text","text":"b"}],"tool_calls":null,"reasoning":[]},"finish_reason":"stop","logprobs":{}}]}"#;
    let answer = plain(json_answer(200, body));
    assert_eq!(answer.reply.message.text, "ab");
    assert_eq!(answer.reply.model, None);
    assert_eq!(answer.usage, Usage { output: 2, ..Usage::default() });
}

#[test]
fn counts_that_leave_reasoning_out_are_corrected_by_the_total() {
    let body = r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":30,"completion_tokens":10,"total_tokens":140,"prompt_cache_hit_tokens":8,"completion_tokens_details":{"reasoning_tokens":100}}}"#;
    let usage = plain(json_answer(200, body)).usage;
    assert_eq!(usage, Usage { input: 30, cached: 8, cache_write: 0, output: 110, reasoning: 100 });
}

#[test]
fn counts_come_in_every_chunk_beside_choices_or_in_an_extension() {
    let answer = plain(stream(&[
        r#"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#,
        r#"{"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#,
        r#"{"choices":[],"usage":null}"#,
        "[DONE]",
    ]));
    assert_eq!(answer.usage, Usage { input: 9, output: 2, ..Usage::default() });
    let answer = plain(stream(&[
        r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":4,"completion_tokens":2}}}"#,
    ]));
    assert_eq!(answer.usage.total(), 6);
}

#[test]
fn cost_is_what_the_service_reports_and_free_only_on_ones_own_machine() {
    let with = |usage: &str| {
        let body = r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":USAGE}"#;
        json_answer(200, &body.replace("USAGE", usage))
    };
    let cost = |report, usage: &str| {
        let dialect = Dialect { cost: report, ..Dialect::LENIENT };
        answered(with(usage), |builder| builder.with_dialect(dialect)).cost
    };
    let pico = |amount| Cost::Reported(Money::from_pico_usd(amount));
    assert_eq!(cost(CostReport::UsageCost, r#"{"cost":0.00125}"#), pico(1_250_000_000));
    assert_eq!(cost(CostReport::UsageCost, r#"{"cost":{"total_cost":0.006}}"#), pico(6_000_000_000));
    assert_eq!(cost(CostReport::UsageTicks, r#"{"cost_in_usd_ticks":37756000}"#), pico(3_775_600_000));
    assert_eq!(cost(CostReport::UsageCost, r#"{"cost":-1}"#), Cost::Unknown);
    assert_eq!(cost(CostReport::UsageTicks, r#"{"cost":1}"#), Cost::Unknown);
    assert_eq!(cost(CostReport::Never, r#"{"cost":1}"#), Cost::Unknown);
    assert_eq!(cost(CostReport::Free, "{}"), Cost::FREE);
}

#[test]
fn two_chats_share_one_connection() {
    run(async {
        let server = Server::saying(stream(&with_done(&HELLO))).await;
        let provider = provider(&server).build().unwrap();
        ask(&provider).await.unwrap();
        ask(&provider).await.unwrap();
        assert_eq!((server.requests().len(), server.connections()), (2, 1));
    });
}

#[test]
fn what_goes_wrong_after_the_answer_is_complete_is_no_failure() {
    for after in [r#"{"error":{"code":500,"message":"the counts cannot be made"}}"#, "{\"choices\":"] {
        let whole = r#"{"choices":[{"delta":{"content":"Whole."},"finish_reason":"stop"}]}"#;
        assert_eq!(plain(stream(&[whole, after])).reply.message.text, "Whole.", "{after}");
    }
}
