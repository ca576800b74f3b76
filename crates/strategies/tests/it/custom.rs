//! Custom: any graph runs in its order, without a barrier, and what a failure leaves out is named.

use std::collections::{BTreeMap, BTreeSet};

use mcp_orchestrator_domain::{FailureClass, RequestDraft, StepDraft};
use mcp_orchestrator_strategies::{Custom, Finish, missing};
use proptest::prelude::*;

use crate::play::{Play, request};

const TASK: &str = "How does a workflow survive a crash?";

fn play(steps: &[(&str, &[&str])]) -> Play {
    let with = |draft: RequestDraft, (id, needs): &(&str, &[&str])| {
        draft.with_step(StepDraft::agent(*id, format!("Do {id}")).with_needs(needs.iter().copied()))
    };
    Play::new(Custom::new(), request(steps.iter().fold(RequestDraft::custom(TASK), with)))
}

fn missed(play: &Play) -> Vec<String> {
    missing(&play.workflow).iter().map(|missing| format!("{}: {}", missing.step, missing.reason.message)).collect()
}

#[test]
fn a_step_starts_as_soon_as_what_it_needs_is_done() {
    let mut play = play(&[
        ("report", &["left", "right"]),
        ("left", &["fast"]),
        ("right", &["slow"]),
        ("fast", &[]),
        ("slow", &[]),
    ]);
    assert_eq!(play.open(), ["fast", "slow"]);
    play.complete("fast", "Fast.");
    assert_eq!((play.open(), play.reads("left")), (vec!["slow", "left"], vec!["fast"]));
    play.complete("left", "Left.");
    play.complete("slow", "Slow.");
    play.complete("right", "Right.");
    assert_eq!(play.reads("report"), ["left", "right"]);
    play.complete("report", "Report.");
    assert_eq!(play.reads("citation_monitor"), ["report"]);
    play.check("citation_monitor", &[]);
    assert_eq!(play.report(), "citation_monitor");
}

#[test]
fn several_ends_are_the_sections_of_the_report() {
    let mut play = play(&[("a", &[]), ("b", &["a"]), ("c", &["a"])]);
    play.complete("a", "A.");
    play.complete("c", "C.");
    play.complete("b", "B.");
    assert_eq!(play.reads("citation_monitor"), ["b", "c"]);
}

#[test]
fn a_failure_leaves_out_those_that_need_it_and_names_them() {
    let mut play =
        play(&[("bad", &[]), ("good", &[]), ("after", &["bad"]), ("later", &["after", "good"]), ("end", &["good"])]);
    play.fail("bad", FailureClass::Server);
    assert_eq!(play.open(), ["good"]);
    play.complete("good", "Good.");
    assert_eq!(play.open(), ["end"]);
    play.complete("end", "End.");
    assert_eq!(play.reads("citation_monitor"), ["end"]);
    let expected =
        ["bad: as scripted", "after: it needs bad, which failed", "later: it needs after, which was not run"];
    assert_eq!(missed(&play), expected);
}

#[test]
fn without_any_end_the_workflow_fails_and_says_why() {
    let mut play = play(&[("bad", &[]), ("good", &[]), ("end", &["bad", "good"])]);
    play.complete("good", "Good.");
    play.fail("bad", FailureClass::Server);
    let message = "no step of the report is left: bad: as scripted; end: it needs bad, which failed";
    assert_eq!((play.failure().class, play.failure().message.as_str()), (FailureClass::NoResult, message));
}

#[test]
fn an_argument_that_is_not_there_leaves_out_its_step_alone() {
    let draft = RequestDraft::custom(TASK)
        .with_step(StepDraft::agent("facts", "Collect"))
        .with_step(StepDraft::tool("send", "mail").with_argument_from("to", "facts", "/who").with_needs(["facts"]))
        .with_step(StepDraft::agent("write", "Write").with_needs(["facts"]));
    let mut play = Play::new(Custom::new(), request(draft));
    play.complete("facts", "No JSON.");
    assert_eq!(play.open(), ["write"]);
    play.complete("write", "Report.");
    assert_eq!(play.reads("citation_monitor"), ["write"]);
    assert_eq!(missed(&play), ["send: step send cannot be called: the output of step facts is not JSON"]);
}

proptest! {
    /// Any graph without a cycle, whatever fails: every step is planned once and only after its needs, everything that can
    /// run does, and the workflow ends.
    #[test]
    fn any_graph_runs_in_its_order_and_ends(
        needs in proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 0..4), 1..20),
        order in any::<prop::sample::Index>(),
        choices in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..10), 1..30),
    ) {
        let count = needs.len();
        // A step needs earlier ones only, so there is no cycle; then the steps are written down in another order.
        let needs: BTreeMap<usize, BTreeSet<usize>> = needs
            .iter()
            .enumerate()
            .map(|(id, needs)| (id, needs.iter().filter(|_| id > 0).map(|need| need.index(id)).collect()))
            .collect();
        let step = |id: &usize| {
            StepDraft::agent(format!("s{id}"), format!("Do {id}")).with_needs(needs[id].iter().map(|need| format!("s{need}")))
        };
        let mut ids: Vec<usize> = (0..count).collect();
        ids.rotate_left(order.index(count));
        let draft = ids.iter().map(step).fold(RequestDraft::custom(TASK), RequestDraft::with_step);
        let mut play = Play::new(Custom::new(), request(draft));
        let (mut done, mut failed) = (BTreeSet::new(), BTreeSet::new());
        let mut choices = choices.iter().cycle();
        while play.finish.is_none() && play.workflow.step("citation_monitor").is_none() {
            let (which, how) = choices.next().unwrap();
            let open = play.open();
            for id in &open {
                let id: usize = id[1..].parse().unwrap();
                prop_assert!(needs[&id].is_subset(&done), "s{} before its needs", id);
            }
            let step = open[which.index(open.len())].to_owned();
            let id: usize = step[1..].parse().unwrap();
            if *how == 0 {
                failed.insert(id);
                play.fail(&step, FailureClass::Server);
            } else {
                done.insert(id);
                play.complete(&step, &format!("What {step} found."));
            }
        }
        let blocked: BTreeSet<usize> = (0..count).filter(|id| !done.contains(id) && !failed.contains(id)).collect();
        for id in &blocked {
            prop_assert!(needs[id].iter().any(|need| failed.contains(need) || blocked.contains(need)), "s{} is left", id);
        }
        prop_assert_eq!(missing(&play.workflow).len(), failed.len() + blocked.len());
        let needed: BTreeSet<usize> = needs.values().flatten().copied().collect();
        let has_end = done.iter().any(|id| !needed.contains(id));
        prop_assert_eq!(has_end, !matches!(play.finish, Some(Finish::Fail(_))));
    }
}
