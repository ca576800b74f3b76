//! The end of a workflow: check, repair once, check again.

use mcp_orchestrator_domain::{FailureClass, GateMode, RequestDraft, StepKind};
use mcp_orchestrator_strategies::Beltalowda;

use crate::play::{Play, draft, request};

fn written(gate: &str) -> Play {
    let draft = RequestDraft { citation_gate: Some(gate.to_owned()), ..draft("beltalowda", 1) };
    let mut play = Play::new(Beltalowda::new(), request(draft));
    play.complete("belter_0", "Found [ev_0a0a0a].");
    play.complete("camina", "A lease lasts 30 seconds. A log is replayed [ev_0a0a0a].");
    play
}

#[test]
fn a_report_that_holds_is_the_result() {
    let mut play = written("strict");
    assert_eq!(play.reads("citation_monitor"), ["camina"]);
    play.check("citation_monitor", &[]);
    assert_eq!(play.report(), "citation_monitor");
}

#[test]
fn failing_sentences_are_repaired_once_and_checked_again() {
    let mut play = written("strict");
    play.check("citation_monitor", &["A lease lasts 30 seconds."]);
    assert_eq!((play.open(), play.reads("editor")), (vec!["editor"], vec!["camina", "belter_0"]));
    assert!(play.prompt("editor").user.contains("A lease lasts 30 seconds."));
    play.complete("editor", "A log is replayed [ev_0a0a0a].");
    assert_eq!(play.reads("citation_monitor_2"), ["editor"]);
    let kind = StepKind::Check { mode: GateMode::Strict, repair: false };
    assert_eq!(play.spec("citation_monitor_2").kind, kind);
    play.check("citation_monitor_2", &["A lease lasts 30 seconds."]);
    assert_eq!(play.report(), "citation_monitor_2");
}

#[test]
fn without_an_editor_the_report_itself_is_checked_again() {
    let mut play = written("strict");
    play.check("citation_monitor", &["A lease lasts 30 seconds."]);
    play.fail("editor", FailureClass::Timeout);
    assert_eq!(play.reads("citation_monitor_2"), ["camina"]);
}

#[test]
fn only_the_strict_gate_repairs() {
    for (gate, mode) in [("mark", GateMode::Mark), ("off", GateMode::Off)] {
        let mut play = written(gate);
        assert_eq!(play.spec("citation_monitor").kind, StepKind::Check { mode, repair: false });
        play.check("citation_monitor", &["A lease lasts 30 seconds."]);
        assert_eq!(play.report(), "citation_monitor");
    }
}

#[test]
fn a_check_that_fails_fails_the_workflow() {
    let mut play = written("strict");
    play.fail("citation_monitor", FailureClass::Store);
    assert_eq!(play.failure().class, FailureClass::Store);
}
