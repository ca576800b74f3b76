//! A streamed answer and the same one whole are the same answer.

use mcp_orchestrator_providers::http::{CostReport, Dialect};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    ask, provider, run,
    server::{Act, STREAM_END, Server, json as json_answer, piece, stream_head},
};

/// An answer as a service may give it.
#[derive(Clone, Debug)]
struct Scripted {
    text: Vec<String>,
    reasoning: Vec<String>,
    /// Name and argument pieces.
    calls: Vec<(String, Vec<String>)>,
    finish: &'static str,
    usage: [u32; 4],
    cost: Option<f64>,
}

impl Scripted {
    fn usage(&self) -> Value {
        let [input, output, cached, reasoning] = self.usage;
        json!({
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": u64::from(input) + u64::from(output),
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
            "cost": self.cost,
        })
    }

    fn whole(&self) -> String {
        let calls = self.calls.iter().enumerate().map(|(n, (name, pieces))| {
            json!({"id": format!("c{n}"), "type": "function", "function": {"name": name, "arguments": pieces.concat()}})
        });
        json!({
            "object": "chat.completion", "model": "m1",
            "choices": [{"index": 0, "finish_reason": self.finish, "message": {
                "role": "assistant", "content": self.text.concat(), "reasoning_content": self.reasoning.concat(),
                "tool_calls": calls.collect::<Vec<_>>(),
            }}],
            "usage": self.usage(),
        })
        .to_string()
    }

    /// Reasoning, then text, then the calls with their pieces interleaved, then the end.
    fn events(&self) -> String {
        let mut deltas = self.reasoning.iter().map(|piece| json!({"reasoning_content": piece})).collect::<Vec<_>>();
        deltas.extend(self.text.iter().map(|piece| json!({"content": piece})));
        for (n, (name, _)) in self.calls.iter().enumerate() {
            let function = json!({"name": name, "arguments": ""});
            deltas.push(json!({"tool_calls": [{"index": n, "id": format!("c{n}"), "function": function}]}));
        }
        let longest = self.calls.iter().map(|(_, pieces)| pieces.len()).max().unwrap_or(0);
        for at in 0..longest {
            let pieces =
                self.calls.iter().enumerate().filter_map(|(n, (_, pieces))| {
                    Some(json!({"index": n, "function": {"arguments": pieces.get(at)?}}))
                });
            deltas.push(json!({"tool_calls": pieces.collect::<Vec<_>>()}));
        }
        let mut events = deltas
            .into_iter()
            .map(|delta| json!({"model": "m1", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]}))
            .collect::<Vec<_>>();
        events.push(json!({"model": "m1", "choices": [{"index": 0, "delta": {}, "finish_reason": self.finish}]}));
        events.push(json!({"choices": [], "usage": self.usage()}));
        events.iter().map(|event| format!("data: {event}\n\n")).collect::<String>() + "data: [DONE]\n\n"
    }
}

fn scripted() -> impl Strategy<Value = Scripted> {
    let texts = || prop::collection::vec("[a-zä漢😀\"\\\\\n ]{0,6}", 0..5);
    (
        texts(),
        texts(),
        prop::collection::vec(("[a-z_]{1,8}", prop::collection::vec("[a-z{}:\"1 ]{0,5}", 0..4)), 0..4),
        prop::sample::select(vec!["stop", "length", "tool_calls", "content_filter", "else"]),
        prop::array::uniform4(0_u32..5000),
        prop::option::of(0.0_f64..2.0),
    )
        .prop_map(|(text, reasoning, calls, finish, usage, cost)| Scripted {
            text,
            reasoning,
            calls,
            finish,
            usage,
            cost,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_and_the_whole_are_one_answer(answer in scripted(), cut in 1_usize..40) {
        let mut stream = stream_head();
        for bytes in answer.events().as_bytes().chunks(cut) {
            stream.extend(piece(bytes));
        }
        stream.extend(STREAM_END);
        let (streamed, whole) = run(async {
            let scripts = vec![vec![Act::Send(stream)], vec![Act::Send(json_answer(200, &answer.whole()))]];
            let server = Server::start(scripts).await;
            let dialect = Dialect { cost: CostReport::UsageCost, ..Dialect::LENIENT };
            let provider = provider(&server).with_dialect(dialect).build().unwrap();
            (ask(&provider).await.unwrap(), ask(&provider).await.unwrap())
        });
        prop_assert_eq!(&streamed.reply, &whole.reply);
        prop_assert_eq!(streamed.usage, whole.usage);
        prop_assert_eq!(streamed.cost, whole.cost);
        prop_assert_eq!(streamed.reply.message.text, answer.text.concat());
        prop_assert_eq!(streamed.reply.message.tool_calls.len(), answer.calls.len());
        prop_assert!(streamed.usage.cached <= streamed.usage.input && streamed.usage.reasoning <= streamed.usage.output);
    }
}
