//! The loop of an agent: turns, tools, bounds.

use mcp_orchestrator_domain::{
    Agent, AgentLimits, AgentNext, AssistantMessage, FailureClass, FinishReason, Message, Reply, ToolCall, ToolResult,
};
use proptest::prelude::*;

fn says(text: &str, tools: usize) -> Reply {
    let tool_calls = (0..tools)
        .map(|n| ToolCall { id: format!("c{n}"), name: "corpus_search".to_owned(), arguments: "{}".to_owned() })
        .collect();
    let message = AssistantMessage { text: text.to_owned(), tool_calls, continuation: None };
    Reply { message, finish: FinishReason::Stop, model: None, request_id: None }
}

fn result(call_id: &str) -> ToolResult {
    ToolResult {
        call_id: call_id.to_owned(),
        name: "corpus_search".to_owned(),
        content: "x".to_owned(),
        is_error: false,
    }
}

#[test]
fn an_agent_asks_runs_tools_and_asks_again() {
    let mut agent = Agent::new(AgentLimits::turns(3));
    assert_eq!(agent.next(), AgentNext::AskModel { turn: 0, tools: true });
    agent.reply(says("", 2)).unwrap();
    assert_eq!(agent.next(), AgentNext::RunTools { turn: 0, positions: vec![0, 1] });
    agent.tool_result(1, result("c1")).unwrap();
    assert!(agent.tool_result(1, result("c1")).is_err());
    assert_eq!(agent.next(), AgentNext::RunTools { turn: 0, positions: vec![0] });
    agent.tool_result(0, result("c0")).unwrap();
    assert_eq!(agent.next(), AgentNext::AskModel { turn: 1, tools: true });
    agent.reply(says("the answer", 0)).unwrap();
    assert_eq!(agent.next(), AgentNext::Done);
    assert_eq!(agent.text(), Some("the answer"));
    let messages: Vec<Message> = agent.messages().collect();
    assert!(matches!(&messages[..], [Message::Assistant(_), Message::Tool(a), Message::Tool(b), Message::Assistant(_)]
        if a.call_id == "c0" && b.call_id == "c1"));
}

#[test]
fn an_answer_is_objected_to_once_and_repaired_without_tools() {
    let mut agent = Agent::new(AgentLimits::turns(1));
    assert!(agent.object("too early").is_err());
    agent.reply(says("no JSON", 0)).unwrap();
    agent.object("it is no JSON").unwrap();
    assert_eq!(agent.next(), AgentNext::AskModel { turn: 1, tools: false });
    agent.reply(says("{}", 0)).unwrap();
    assert_eq!((agent.next(), agent.text()), (AgentNext::Done, Some("{}")));
    assert!(agent.object("once more").is_err());
    let messages: Vec<Message> = agent.messages().collect();
    assert!(
        matches!(&messages[..], [Message::Assistant(_), Message::User(why), Message::Assistant(_)] if why == "it is no JSON")
    );
}

fn cut(text: &str) -> Reply {
    Reply { finish: FinishReason::Length, ..says(text, 0) }
}

#[test]
fn an_answer_that_was_cut_is_asked_for_once_more_and_then_taken_as_it_comes() {
    for (second, is_cut) in [(says("short", 0), false), (cut("short"), true)] {
        let mut agent = Agent::new(AgentLimits::turns(1));
        agent.reply(cut("a long ans")).unwrap();
        assert_eq!(agent.next(), AgentNext::AskModel { turn: 1, tools: false });
        let messages: Vec<Message> = agent.messages().collect();
        assert!(matches!(&messages[..], [Message::Assistant(_), Message::User(why)] if why.contains("was cut off")));
        agent.reply(second).unwrap();
        assert_eq!((agent.next(), agent.text(), agent.is_cut()), (AgentNext::Done, Some("short"), is_cut));
        assert!(agent.keep_cut().is_err(), "the second one counts");
        agent.object("it is no JSON").unwrap();
        assert_eq!(
            agent.next(),
            AgentNext::AskModel { turn: 2, tools: false },
            "being cut was no objection to what it says"
        );
    }
}

#[test]
fn a_cut_answer_is_kept_where_no_shorter_one_can_be_had() {
    let mut agent = Agent::new(AgentLimits::turns(2));
    assert!(agent.keep_cut().is_err(), "it has said nothing");
    agent.reply(cut("a long ans")).unwrap();
    agent.keep_cut().unwrap();
    assert_eq!((agent.next(), agent.text(), agent.is_cut()), (AgentNext::Done, Some("a long ans"), true));
    assert!(agent.object_again("it is no JSON").is_err(), "there is nobody to ask");

    let mut agent = Agent::new(AgentLimits::turns(2));
    agent.reply(cut("a long ans")).unwrap();
    agent.reply(says("", 0)).unwrap();
    assert!(matches!(agent.next(), AgentNext::Failed(_)));
    agent.keep_cut().unwrap();
    assert_eq!((agent.text(), agent.last_turn(), agent.is_cut()), (Some("a long ans"), Some(0), true));
}

#[test]
fn a_tool_call_whose_arguments_were_cut_is_not_made() {
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: "corpus_search".to_owned(),
        arguments: arguments.to_owned(),
    };
    let cases = [(r#"{"query":"log"}"#, vec![0, 1]), (r#"{"query":"lo"#, vec![0]), ("{}", vec![0]), ("[1]", vec![0])];
    for (last, made) in cases {
        let mut agent = Agent::new(AgentLimits::turns(3));
        let mut reply = Reply { finish: FinishReason::Length, ..says("", 0) };
        reply.message.tool_calls = vec![call("a", "{}"), call("b", last)];
        agent.reply(reply).unwrap();
        assert_eq!(agent.next(), AgentNext::RunTools { turn: 0, positions: made }, "{last}");
    }
    let mut agent = Agent::new(AgentLimits::turns(3));
    let mut reply = Reply { finish: FinishReason::Length, ..says("", 0) };
    reply.message.tool_calls = vec![call("a", r#"{"qu"#)];
    agent.reply(reply).unwrap();
    assert_eq!(agent.next(), AgentNext::AskModel { turn: 1, tools: true }, "it may call it again");
    assert!(agent.last_results().all(|result| result.is_error && result.content.contains("cut off")));
}

#[test]
fn on_the_last_turn_no_tools_are_offered_and_asking_for_them_is_no_answer() {
    let mut agent = Agent::new(AgentLimits::turns(1));
    assert_eq!(agent.next(), AgentNext::AskModel { turn: 0, tools: false });
    agent.reply(says("", 1)).unwrap();
    assert!(matches!(agent.next(), AgentNext::Failed(failure) if failure.class == FailureClass::Limit));
}

#[test]
fn tool_calls_beyond_the_limit_are_refused_without_a_call() {
    let mut agent = Agent::new(AgentLimits { turns_max: 3, tool_calls_per_turn_max: 2 });
    agent.reply(says("", 5)).unwrap();
    assert_eq!(agent.next(), AgentNext::RunTools { turn: 0, positions: vec![0, 1] });
}

#[test]
fn an_empty_filtered_or_cut_answer_is_a_failure_that_says_so() {
    let cases = [
        (FinishReason::Stop, "", FailureClass::NoResult),
        (FinishReason::Length, "", FailureClass::Limit),
        (FinishReason::ContentFilter, "half", FailureClass::ContentFilter),
    ];
    for (finish, text, class) in cases {
        let mut agent = Agent::new(AgentLimits::turns(2));
        agent.reply(Reply { finish, ..says(text, 0) }).unwrap();
        assert!(matches!(agent.next(), AgentNext::Failed(failure) if failure.class == class), "{finish:?}");
    }
}

proptest! {
    #[test]
    fn whatever_a_model_says_the_loop_ends_within_its_turns(
        turns_max in 1..6_u16,
        replies in proptest::collection::vec((0..12_usize, any::<bool>(), any::<bool>()), 1..10),
    ) {
        let mut agent = Agent::new(AgentLimits::turns(turns_max));
        let (mut asked, mut was_cut) = (0, false);
        let mut replies = replies.into_iter().cycle();
        loop {
            match agent.next() {
                AgentNext::AskModel { turn, tools } => {
                    prop_assert_eq!(turn, asked);
                    asked += 1;
                    prop_assert!(asked <= turns_max + u16::from(was_cut), "one more turn, after an answer that was cut");
                    prop_assert_eq!(tools, turn + 1 < turns_max && !was_cut);
                    let (calls, text, is_cut) = replies.next().unwrap();
                    let finish = if is_cut { FinishReason::Length } else { FinishReason::Stop };
                    agent.reply(Reply { finish, ..says(if text { "text" } else { "" }, calls) }).unwrap();
                    was_cut |= agent.is_cut() && text && (calls == 0 || !tools);
                }
                AgentNext::RunTools { positions, .. } => {
                    prop_assert!(!positions.is_empty() && positions.len() <= 8);
                    for position in positions {
                        let call_id = agent.tool_call(position).unwrap().id.clone();
                        agent.tool_result(position, result(&call_id)).unwrap();
                    }
                }
                AgentNext::Done | AgentNext::Failed(_) => break,
            }
        }
    }
}
