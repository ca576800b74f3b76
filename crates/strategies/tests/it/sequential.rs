//! Sequential's order, what each step reads, and how a failure ends it.

use mcp_orchestrator_domain::{FailureClass, RequestDraft, Role, Stage, StepDraft, StepKind};
use mcp_orchestrator_strategies::Sequential;
use serde_json::json;

use crate::play::{Play, request, tools};

const TASK: &str = "How does a workflow survive a crash?";

fn play(steps: impl IntoIterator<Item = StepDraft>) -> Play {
    let draft = steps.into_iter().fold(RequestDraft::sequential(TASK), RequestDraft::with_step);
    Play::new(Sequential::new(), request(draft))
}

fn agent(id: &str) -> StepDraft {
    StepDraft::agent(id, format!("Do {id}"))
}

#[test]
fn each_step_starts_after_the_one_before_it_and_reads_all_of_them() {
    let mut play = play([agent("gather"), StepDraft::ask("approve", "Go on?"), agent("write")]);
    assert_eq!(play.open(), ["gather"]);
    play.complete("gather", "Found [ev_0a0a0a].");
    assert_eq!(play.open(), ["approve"]);
    play.reply("approve", "Yes, but shorter.");
    assert_eq!((play.open(), play.reads("write")), (vec!["write"], vec!["gather", "approve"]));
    play.complete("write", "The report [ev_0a0a0a].");
    assert_eq!(play.reads("citation_monitor"), ["write"]);
    play.check("citation_monitor", &[]);
    assert_eq!(play.report(), "citation_monitor");
}

#[test]
fn a_step_that_fails_ends_the_workflow_with_its_name() {
    let mut play = play([agent("gather"), agent("write")]);
    play.fail("gather", FailureClass::Timeout);
    let failure = play.failure();
    assert_eq!((failure.class, failure.message.as_str()), (FailureClass::Timeout, "step gather failed: as scripted"));
    assert!(play.workflow.step("write").is_none());
}

#[test]
fn a_step_is_planned_as_it_is_written() {
    let written = StepDraft {
        turns: Some(2),
        output_tokens: Some(77),
        timeout_seconds: Some(1.5),
        ..agent("narrow").with_tools(["corpus_read"])
    };
    let mut play = play([agent("wide"), written]);
    let wide = play.spec("wide").clone();
    assert_eq!((wide.stage, wide.role, wide.time_limit_ms), (Stage::Agents, Role::Custom("wide".into()), 180_000));
    let every_source = tools(&["corpus_search", "corpus_read"]);
    assert_eq!(wide.kind, StepKind::Agent { tools: every_source, turns_max: 6, output_tokens_max: 2_000 });
    play.complete("wide", "Found.");
    let narrow = play.spec("narrow");
    assert_eq!(narrow.time_limit_ms, 1_500);
    let kind = StepKind::Agent { tools: tools(&["corpus_read"]), turns_max: 2, output_tokens_max: 77 };
    assert_eq!(narrow.kind, kind);
}

#[test]
fn arguments_of_a_tool_are_taken_out_of_earlier_outputs() {
    let mut play = play([
        agent("score").with_schema(json!({ "type": "object" })),
        StepDraft::ask("who", "Who reads it?"),
        StepDraft::tool("send", "mail")
            .with_argument("subject", "Report")
            .with_argument_from("points", "score", "/points/0")
            .with_argument_from("to", "who", ""),
        StepDraft::tool("log", "log").with_argument_from("receipt", "send", "/id"),
    ]);
    assert!(play.spec("score").inline, "the pattern reads it");
    play.complete("score", r#"{"points":[7,8]}"#);
    play.reply("who", " ada ");
    assert_eq!(play.arguments("send"), json!({ "subject": "Report", "points": 7, "to": "ada" }));
    play.answer("send", r#"{"id":"m-1"}"#);
    assert_eq!(play.arguments("log"), json!({ "receipt": "m-1" }));
}

#[test]
fn an_argument_that_is_not_there_fails_the_workflow_and_says_where_it_was_looked_for() {
    let mut play = play([agent("score"), StepDraft::tool("send", "mail").with_argument_from("to", "score", "/who")]);
    play.complete("score", "no JSON at all");
    assert_eq!(play.failure().message, "step send cannot be called: the output of step score is not JSON");
}

#[test]
fn the_report_is_the_last_text_or_the_texts_that_are_chosen() {
    let steps = || [agent("first"), agent("second"), agent("rate").with_schema(json!({ "type": "object" }))];
    let mut by_default = play(steps());
    by_default.complete("first", "First.");
    by_default.complete("second", "Second.");
    by_default.complete("rate", "{}");
    assert_eq!(by_default.reads("citation_monitor"), ["second"]);

    let draft = steps().into_iter().fold(RequestDraft::sequential(TASK), RequestDraft::with_step);
    let draft = RequestDraft { report: vec!["second".into(), "first".into()], ..draft };
    let mut chosen = Play::new(Sequential::new(), request(draft));
    chosen.complete("first", "First.");
    chosen.complete("second", "Second.");
    chosen.complete("rate", "{}");
    assert_eq!(chosen.reads("citation_monitor"), ["second", "first"]);
}

#[test]
fn a_long_chain_reads_what_came_last() {
    let names: Vec<String> = (0..60).map(|number| format!("s{number}")).collect();
    let mut play = play(names.iter().map(|name| agent(name)));
    for name in &names[..59] {
        play.complete(name, "Done.");
    }
    let reads = play.reads("s59");
    assert_eq!((reads.len(), reads[0], reads[39]), (40, "s19", "s58"));
}
