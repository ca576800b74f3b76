//! A streamed answer and the same one whole are the same answer, on every wire, however the stream was cut on its way.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use mcp_orchestrator_providers::{
    ChatAnswer,
    http::{HttpProvider, Wire},
};
use mcp_orchestrator_testkit::provider_suite::{
    Counts, End, Pieces, Said, SaidCall, Voice, answer_of_everything, ask,
    server::{Act, STREAM_END, Server, json, piece, stream_head},
    streamed, usage,
};
use proptest::prelude::*;

const WIRES: [(Voice, Wire); 4] = [
    (Voice::Chat, Wire::Chat),
    (Voice::Responses, Wire::Responses),
    (Voice::Messages, Wire::Messages),
    (Voice::Gemini, Wire::Gemini),
];

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// What is made of each of these answers.
async fn told((voice, wire): (Voice, Wire), answers: Vec<Vec<u8>>) -> Vec<(ChatAnswer, Vec<String>)> {
    let count = answers.len();
    let server = Server::start(answers.into_iter().map(|bytes| vec![Act::Send(bytes)]).collect()).await;
    let builder = HttpProvider::builder("lab", server.address(voice.base_path())).with_wire(wire);
    let provider = builder.with_default_model(Voice::MODEL).build().unwrap();
    let mut outcomes = Vec::new();
    for _ in 0..count {
        let mut pieces = Pieces::default();
        let answer = ask(&provider, &mut pieces).await.unwrap();
        outcomes.push((answer, pieces.0));
    }
    outcomes
}

fn said() -> impl Strategy<Value = Said> {
    let text = prop::collection::vec("[a-zä漢😀\"\\\\\n ]{1,6}", 0..5);
    let word = || "[a-z{}:\" ä😀]{0,8}";
    let call = ("[a-z_]{1,8}", word(), 1_usize..6).prop_map(|(name, value, cut)| {
        let arguments = serde_json::json!({ "value": value }).to_string();
        let pieces = arguments.chars().collect::<Vec<_>>().chunks(cut).map(String::from_iter).collect();
        (name, pieces)
    });
    let counts = (0_u64..5000, 0_u64..5000, 0_u64..5000, 0_u64..5000, 0_u64..5000);
    let end = prop::sample::select(vec![End::Done, End::Length, End::Filter]);
    (text, prop::collection::vec(call, 0..4), end, counts).prop_map(|(text, calls, end, counts)| {
        let (fresh, cached, cache_write, seen, reasoning) = counts;
        let calls = calls.into_iter().enumerate();
        let calls = calls.map(|(n, (name, arguments))| SaidCall { id: format!("c{n}"), name, arguments });
        let (input, output) = (fresh + cached + cache_write, seen + reasoning);
        let counts = Counts { input, cached, cache_write, output, reasoning };
        Said { text, calls: calls.collect(), end, counts }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_and_the_whole_are_one_answer(said in said(), cut in 1_usize..40) {
        for (voice, wire) in WIRES {
            let answers = vec![streamed(&voice.events(&said), cut), json(200, &voice.whole(&said).to_string())];
            let mut outcomes = run(told((voice, wire), answers)).into_iter();
            let ((stream, heard), (whole, heard_whole)) = (outcomes.next().unwrap(), outcomes.next().unwrap());
            let mut replies = [stream.reply, whole.reply];
            // Wires that carry arguments as objects may write them otherwise than they came.
            for call in replies.iter_mut().flat_map(|reply| &mut reply.message.tool_calls) {
                let value: serde_json::Value = serde_json::from_str(&call.arguments).unwrap();
                call.arguments = value.to_string();
            }
            prop_assert_eq!(&replies[0], &replies[1], "{:?}", voice);
            prop_assert_eq!(stream.usage, whole.usage);
            prop_assert_eq!(stream.usage, usage(voice.tells(said.counts)));
            prop_assert_eq!(stream.cost, whole.cost);
            prop_assert_eq!(heard.concat(), said.text.concat());
            prop_assert_eq!(heard_whole.concat(), said.text.concat());
            prop_assert_eq!(replies[0].message.tool_calls.len(), said.calls.len());
        }
    }
}

#[test]
fn a_stream_may_be_cut_at_every_byte() {
    const EVERY: usize = 16;
    let said = answer_of_everything();
    for (voice, wire) in WIRES {
        let events = voice.events(&said);
        // Each is cut after so many bytes and then after every sixteenth: together at every byte there is.
        let answers = (0..EVERY).map(|first| {
            let (head, tail) = events.as_bytes().split_at(first);
            let pieces = std::iter::once(head).filter(|head| !head.is_empty()).chain(tail.chunks(EVERY));
            let body = pieces.flat_map(piece);
            stream_head().into_iter().chain(body).chain(STREAM_END.iter().copied()).collect()
        });
        for (first, (answer, pieces)) in run(told((voice, wire), answers.collect())).into_iter().enumerate() {
            assert_eq!(answer.reply.message.text, said.text.concat(), "{voice:?} at {first}");
            assert_eq!(answer.reply.message.tool_calls.len(), said.calls.len(), "{voice:?} at {first}");
            assert_eq!(answer.usage, usage(voice.tells(said.counts)), "{voice:?} at {first}");
            assert_eq!(pieces, said.text, "{voice:?} at {first}");
        }
    }
}
