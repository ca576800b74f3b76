//! Conditional: every way to choose a branch, and what a key without one means.

use mcp_orchestrator_domain::{ConditionDraft, Decision, FailureClass, RequestDraft, StepDraft, StepKind};
use mcp_orchestrator_strategies::Conditional;
use serde_json::json;

use crate::play::{Play, request};

const TASK: &str = "How does a workflow survive a crash?";

fn draft(condition: ConditionDraft) -> RequestDraft {
    RequestDraft::conditional(TASK, condition)
        .with_step(StepDraft::agent("classify", "Which kind is it?").with_schema(json!({ "type": "object" })))
        .with_step(StepDraft::ask("approve", "Go on?"))
        .with_branch("yes", [StepDraft::agent("deep", "Dig"), StepDraft::agent("write", "Write")])
        .with_branch("no", [StepDraft::agent("brief", "Be brief")])
}

/// Up to the choice, with these outputs of the two steps before it.
fn chosen(draft: RequestDraft, classified: &str, answer: &str) -> Play {
    let mut play = Play::new(Conditional::new(), request(draft));
    play.complete("classify", classified);
    play.reply("approve", answer);
    play
}

fn decision(play: &Play) -> (String, String) {
    match &play.spec("branch").kind {
        StepKind::Decision(Decision::Branch { selected, reason }) => (selected.clone(), reason.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_a_pointer_and_a_person_choose_and_the_choice_is_written_down() {
    let by_value = chosen(draft(ConditionDraft::value("no")), "{}", "yes");
    assert_eq!(decision(&by_value), ("no".into(), "the request says so".into()));
    assert_eq!(by_value.open(), ["brief"]);

    let by_pointer = chosen(draft(ConditionDraft::pointer("classify", "/is_hard")), r#"{"is_hard":"yes"}"#, "no");
    assert_eq!(decision(&by_pointer), ("yes".into(), "/is_hard of classify is \"yes\"".into()));
    assert_eq!((by_pointer.open(), by_pointer.reads("deep")), (vec!["deep"], vec!["classify", "approve"]));

    let by_person = chosen(draft(ConditionDraft::pointer("approve", "")), "{}", "Yes\n");
    assert_eq!(decision(&by_person), ("yes".into(), "approve is \"Yes\"".into()));
}

#[test]
fn an_agent_chooses_by_its_structured_answer() {
    let mut play = chosen(draft(ConditionDraft::agent("Is it hard?")), "{}", "ok");
    assert_eq!((play.open(), play.reads("condition")), (vec!["condition"], vec!["classify", "approve"]));
    let schema = play.prompt("condition").output_schema.unwrap();
    assert_eq!(schema["properties"]["branch"]["enum"], json!(["no", "yes"]));
    play.complete("condition", r#"{"branch":"yes","reason":"Two parts are unknown."}"#);
    assert_eq!(decision(&play), ("yes".into(), "Two parts are unknown".into()));
    play.complete("deep", "Found [ev_0a0a0a].");
    play.complete("write", "Report [ev_0a0a0a].");
    assert_eq!(play.reads("citation_monitor"), ["write"]);
    play.check("citation_monitor", &[]);
    assert_eq!(play.report(), "citation_monitor");
    assert!(play.workflow.step("brief").is_none(), "the other branch does not run");
}

#[test]
fn a_key_without_a_branch_takes_the_default_or_fails_with_the_names() {
    let pointer = || ConditionDraft::pointer("classify", "/kind");
    let with_default = RequestDraft { default_branch: Some("no".into()), ..draft(pointer()) };
    let play = chosen(with_default, r#"{"kind":"odd"}"#, "ok");
    assert_eq!(decision(&play), ("no".into(), "it is the default, and no branch is named \"odd\"".into()));

    let play = chosen(draft(pointer()), r#"{"kind":"odd"}"#, "ok");
    let failure = play.failure();
    assert_eq!(failure.class, FailureClass::NotFound);
    assert_eq!(failure.message, "no branch is named \"odd\"; there are no, yes");
}

#[test]
fn a_pointer_to_nothing_fails_and_says_so() {
    let pointer = |pointer| draft(ConditionDraft::pointer("classify", pointer));
    let nothing = chosen(pointer("/kind"), "{}", "ok");
    let message = "no branch can be chosen: the output of step classify holds nothing at /kind";
    assert_eq!((nothing.failure().class, nothing.failure().message.as_str()), (FailureClass::Decode, message));
    let list = chosen(pointer("/kind"), r#"{"kind":["yes"]}"#, "ok");
    assert_eq!(list.failure().message, "/kind of classify holds no text, number or boolean to choose a branch by");
}

#[test]
fn a_failure_before_in_or_at_the_choice_names_its_step() {
    let mut before = Play::new(Conditional::new(), request(draft(ConditionDraft::value("no"))));
    before.fail("classify", FailureClass::Server);
    assert_eq!(before.failure().message, "step classify failed: as scripted");
    let mut at = chosen(draft(ConditionDraft::agent("Which?")), "{}", "ok");
    at.fail("condition", FailureClass::Decode);
    assert_eq!(at.failure().message, "step condition failed: as scripted");
    let mut within = chosen(draft(ConditionDraft::value("yes")), "{}", "ok");
    within.fail("deep", FailureClass::Limit);
    assert_eq!(within.failure().message, "step deep failed: as scripted");
}
