//! Iterative: passes read each other, a real test ends them, and what did not converge is said.

use mcp_orchestrator_domain::{Decision, FailureClass, RequestDraft, StepDraft, StepKind, SuccessDraft};
use mcp_orchestrator_strategies::Iterative;
use serde_json::{Map, json};

use crate::play::{Play, request};

const TASK: &str = "How does a workflow survive a crash?";

fn draft(success: SuccessDraft) -> RequestDraft {
    RequestDraft::iterative(TASK, success)
        .with_step(StepDraft::agent("draft", "Write"))
        .with_step(StepDraft::agent("review", "Score it").with_schema(json!({ "type": "object" })))
}

fn play(success: SuccessDraft) -> Play {
    Play::new(Iterative::new(), request(draft(success)))
}

fn pass(play: &mut Play, number: u16, score: &str) {
    play.complete(&format!("draft-{number}"), &format!("Draft {number} [ev_0a0a0a]."));
    play.complete(&format!("review-{number}"), score);
}

fn said(play: &Play, number: u16) -> String {
    match &play.spec(&format!("pass-{number}")).kind {
        StepKind::Decision(decision @ Decision::Pass { .. }) => decision.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rule_ends_the_passes_and_each_pass_reads_those_before() {
    let mut play = play(SuccessDraft::at_least("review", "/score", 8.0));
    pass(&mut play, 1, r#"{"score":4}"#);
    assert_eq!(
        said(&play, 1),
        "Pass 1 of 3 is not enough: /score of review, 4, is not at least 8.0.".replace("8.0", "8")
    );
    assert_eq!((play.open(), play.reads("draft-2")), (vec!["draft-2"], vec!["draft-1", "review-1", "pass-1"]));
    pass(&mut play, 2, r#"{"score":9}"#);
    assert_eq!(said(&play, 2), "Converged in pass 2 of 3: /score of review, 9, is at least 8.");
    assert_eq!(play.reads("citation_monitor"), ["draft-2"]);
    play.check("citation_monitor", &[]);
    assert_eq!(play.report(), "citation_monitor");
}

#[test]
fn an_agent_judges_and_its_reason_is_read_by_the_next_pass() {
    let mut play = play(SuccessDraft::judge("Is it complete?"));
    pass(&mut play, 1, "{}");
    assert_eq!((play.open(), play.reads("success-1")), (vec!["success-1"], vec!["draft-1", "review-1"]));
    play.complete("success-1", r#"{"done":false,"reason":"Leases are missing."}"#);
    assert!(play.prompt("draft-2").user.contains("Leases are missing."));
    pass(&mut play, 2, "{}");
    play.complete("success-2", r#"{"done":true,"reason":"Everything is there."}"#);
    assert_eq!(said(&play, 2), "Converged in pass 2 of 3: Everything is there.");
}

#[test]
fn a_tool_judges_by_arguments_from_its_own_pass() {
    let arguments = Map::from_iter([("text".to_owned(), json!({ "from": "draft" }))]);
    let mut play = play(SuccessDraft::predicate("is_good", arguments));
    pass(&mut play, 1, "{}");
    assert_eq!(play.arguments("success-1"), json!({ "text": "Draft 1 [ev_0a0a0a]." }));
    play.answer("success-1", "false");
    pass(&mut play, 2, "{}");
    assert_eq!(play.arguments("success-2"), json!({ "text": "Draft 2 [ev_0a0a0a]." }));
    play.answer("success-2", r#"{"done":true,"reason":"short enough"}"#);
    assert_eq!(said(&play, 2), "Converged in pass 2 of 3: short enough.");
}

#[test]
fn a_tool_that_gives_no_verdict_fails_the_workflow_with_its_name() {
    let mut play = play(SuccessDraft::predicate("is_good", Map::new()));
    pass(&mut play, 1, "{}");
    play.answer("success-1", "perhaps");
    assert_eq!(play.failure().class, FailureClass::Decode);
    assert!(play.failure().message.starts_with("success-1 gave no verdict: expected true"), "{}", play.failure());
}

#[test]
fn what_never_passes_is_reported_as_such_or_fails_as_asked() {
    let rule = || SuccessDraft::at_least("review", "/score", 8.0);
    let mut reported = play(rule());
    for number in 1..=3 {
        pass(&mut reported, number, r#"{"score":1}"#);
    }
    assert!(said(&reported, 3).starts_with("Not converged after 3 of 3 passes: "), "{}", said(&reported, 3));
    assert_eq!(reported.reads("citation_monitor"), ["draft-3"]);

    let failing = RequestDraft { on_exhausted: Some("fail".into()), max_iterations: Some(1), ..draft(rule()) };
    let mut failed = Play::new(Iterative::new(), request(failing));
    pass(&mut failed, 1, r#"{"score":1}"#);
    assert_eq!(failed.failure().class, FailureClass::Limit);
    let message = "not converged after 1 passes: /score of review, 1, is not at least 8";
    assert_eq!(failed.failure().message, message);
}

#[test]
fn a_failing_step_ends_the_workflow_with_its_name_and_pass() {
    let mut play = play(SuccessDraft::judge("Is it complete?"));
    pass(&mut play, 1, "{}");
    play.complete("success-1", r#"{"done":false,"reason":"no"}"#);
    play.fail("draft-2", FailureClass::Server);
    assert_eq!(play.failure().message, "step draft-2 failed: as scripted");
}
