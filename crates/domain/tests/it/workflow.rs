//! Whatever is tried, what the log holds keeps the invariants.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use mcp_orchestrator_domain::{
    Abandoned, CallAbandoned, CallFailed, CallNo, CallStarted, Command, Cost, Event, Failure, FailureClass,
    IllegalTransition, InputRequested, Money, Poisoned, Recorded, Rejected, RequestId, Revived, Role, Rule, Seq, Spent,
    Started, Status, StepId, StepKind, StepSpec, Submitted, Target, Timestamp, Usage, Workflow,
};
use proptest::prelude::*;

use crate::model::{Attempt, attempts, completed_call, event, hedge, id, log_of, started_call, step, submitted};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_series_of_events_keeps_the_invariants(attempts in attempts()) {
        let (workflow, log) = log_of(&attempts);
        dense(&log)?;
        nothing_follows_the_end(&log)?;
        steps_end_at_most_once(&log)?;
        calls_start_before_they_end(&log)?;
        hedges_stand_beside_what_is_open(&log)?;
        spending_adds_up(&workflow, &log)?;
        progress_never_goes_back(&log)?;
    }

    #[test]
    fn a_fold_does_not_depend_on_how_events_were_batched(attempts in attempts(), cuts in proptest::collection::vec(1..7_usize, 1..40)) {
        let (written, log) = log_of(&attempts);
        let whole = Workflow::fold(id(), &log).unwrap().unwrap();
        let mut rest = &log[1..];
        let mut pieces = Workflow::open(id(), &log[0]).unwrap();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (batch, later) = rest.split_at((*cut).min(rest.len()));
            for recorded in batch {
                pieces.apply(recorded).unwrap();
            }
            rest = later;
        }
        for other in [&whole, &pieces] {
            prop_assert_eq!(other.head(), written.head());
            prop_assert_eq!(other.status(), written.status());
            prop_assert_eq!(other.progress(), written.progress());
            prop_assert_eq!(other.calls(), written.calls());
            prop_assert_eq!(other.reserved(), written.reserved());
            prop_assert_eq!(states(other), states(&written));
        }
    }

    #[test]
    fn a_refused_event_changes_nothing(attempts in attempts()) {
        let (mut workflow, _) = log_of(&attempts);
        let before = workflow.clone();
        for attempt in &attempts {
            for event in event(&before, attempt) {
                if workflow.advance(event, Timestamp::from_millis(500)).is_err() {
                    prop_assert_eq!(workflow.head(), before.head());
                    prop_assert_eq!(workflow.progress(), before.progress());
                    prop_assert_eq!(workflow.calls(), before.calls());
                    prop_assert_eq!(states(&workflow), states(&before));
                }
                workflow = before.clone();
            }
        }
    }

    #[test]
    fn a_log_survives_json(attempts in attempts()) {
        let (_, log) = log_of(&attempts);
        for recorded in &log {
            let json = serde_json::to_string(recorded.record.as_ref()).unwrap();
            let back: mcp_orchestrator_domain::Record = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(&back, recorded.record.as_ref());
        }
    }
}

fn states(workflow: &Workflow) -> Vec<String> {
    workflow
        .steps()
        .iter()
        .map(|step| format!("{} {:?} {:?} {:?}", step.id(), step.state(), step.end_order(), step.used()))
        .collect()
}

fn dense(log: &[Recorded]) -> Result<(), TestCaseError> {
    for (recorded, expected) in log.iter().zip(1..) {
        prop_assert_eq!(recorded.seq, Seq::new(expected));
    }
    Ok(())
}

/// At every moment a call has at most one hedge, which belongs to the same step, and a hedge has none.
fn hedges_stand_beside_what_is_open(log: &[Recorded]) -> Result<(), TestCaseError> {
    let mut open: HashMap<CallNo, (StepId, Option<CallNo>)> = HashMap::new();
    for recorded in log {
        match &recorded.record.event {
            Event::CallStarted(started) => {
                if let Some(hedged) = started.hedges {
                    prop_assert_eq!(open.get(&hedged), Some(&(started.step.clone(), None)));
                    prop_assert!(open.values().all(|(_, hedges)| *hedges != Some(hedged)));
                }
                open.insert(started.call, (started.step.clone(), started.hedges));
            }
            Event::CallCompleted(completed) => drop(open.remove(&completed.call)),
            Event::CallFailed(failed) => drop(open.remove(&failed.call)),
            Event::CallAbandoned(abandoned) => drop(open.remove(&abandoned.call)),
            _ => {}
        }
    }
    Ok(())
}

fn nothing_follows_the_end(log: &[Recorded]) -> Result<(), TestCaseError> {
    let end = log.iter().position(|recorded| recorded.record.event.is_terminal());
    prop_assert!(end.is_none_or(|position| position + 1 == log.len()));
    Ok(())
}

fn steps_end_at_most_once(log: &[Recorded]) -> Result<(), TestCaseError> {
    let (mut planned, mut ended) = (HashSet::new(), HashSet::new());
    for recorded in log {
        let end: Option<&StepId> = match &recorded.record.event {
            Event::StepPlanned(spec) => {
                prop_assert!(planned.insert(spec.id.clone()));
                None
            }
            Event::StepCompleted(completed) => Some(&completed.step),
            Event::StepFailed(failed) => Some(&failed.step),
            _ => None,
        };
        if let Some(step) = end {
            prop_assert!(planned.contains(step));
            prop_assert!(ended.insert(step.clone()));
        }
    }
    Ok(())
}

fn calls_start_before_they_end(log: &[Recorded]) -> Result<(), TestCaseError> {
    let mut open = HashSet::new();
    let mut next = 0;
    for recorded in log {
        let ended = match &recorded.record.event {
            Event::CallStarted(started) => {
                prop_assert_eq!(started.call.value(), next);
                next += 1;
                open.insert(started.call);
                continue;
            }
            Event::CallCompleted(completed) => completed.call,
            Event::CallFailed(failed) => failed.call,
            Event::CallAbandoned(abandoned) => abandoned.call,
            event => {
                prop_assert!(!event.is_terminal() || open.is_empty());
                continue;
            }
        };
        prop_assert!(open.remove(&ended));
    }
    Ok(())
}

/// What was spent is the sum over all calls, whatever stage they belong to.
fn spending_adds_up(workflow: &Workflow, log: &[Recorded]) -> Result<(), TestCaseError> {
    let mut expected = Spent::default();
    let mut reserved = HashMap::new();
    for recorded in log {
        match &recorded.record.event {
            Event::CallStarted(started) => {
                expected.calls += 1;
                expected.model_calls += 1;
                reserved.insert(started.call, started.reserved);
            }
            Event::CallCompleted(completed) => {
                reserved.remove(&completed.call);
                expected.settle(completed.cost, completed.usage);
            }
            Event::CallFailed(failed) => {
                reserved.remove(&failed.call);
                expected.settle(failed.cost, failed.usage);
            }
            Event::CallAbandoned(abandoned) => {
                let free = reserved.remove(&abandoned.call).and_then(|r| r.cost) == Some(Money::ZERO);
                expected.settle(if free { Cost::FREE } else { Cost::Unknown }, Default::default());
            }
            _ => {}
        }
        prop_assert_eq!(recorded.record.progress.spent, expected);
    }
    prop_assert_eq!(*workflow.spent(), expected);
    let tokens: u64 = reserved.values().map(|r| r.tokens).sum();
    let cost: u64 = reserved.values().filter_map(|r| r.cost).map(Money::pico_usd).sum();
    prop_assert_eq!(workflow.reserved(), (tokens, Money::from_pico_usd(cost)));
    Ok(())
}

fn progress_never_goes_back(log: &[Recorded]) -> Result<(), TestCaseError> {
    for pair in log.windows(2) {
        let (before, after) = (&pair[0].record.progress, &pair[1].record.progress);
        prop_assert!(before.percent <= after.percent && after.percent <= 100);
        prop_assert!(before.stage <= after.stage);
        prop_assert!(before.completed_agents <= after.completed_agents);
    }
    Ok(())
}

#[test]
fn what_a_call_that_broke_off_may_have_used_stays_taken() {
    let at = Timestamp::from_millis(1);
    let spec = StepSpec::agent("one".parse::<StepId>().unwrap(), Role::Researcher, "Look");
    let step = spec.id.clone();
    let mut held = Vec::new();
    for (used, cost) in [(0, Cost::Unknown), (4, Cost::Unknown), (20, Cost::Unknown), (4, Cost::FREE), (0, Cost::FREE)]
    {
        let (mut workflow, _) = Workflow::submit(id(), submitted(), at);
        let broken = Event::CallFailed(CallFailed {
            call: CallNo::new(0),
            step: step.clone(),
            failure: Failure::new(FailureClass::Truncated, "cut"),
            cost,
            usage: Usage { input: used, ..Usage::default() },
            retry_at: None,
            run_ms: 1,
        });
        for event in [
            Event::Started(Started { deadline: Timestamp::from_millis(99), resumed: false }),
            Event::StepPlanned(Arc::new(spec.clone())),
            started_call(0, step.clone(), None),
            broken,
        ] {
            workflow.advance(event, at).unwrap();
        }
        held.push(workflow.held().0);
    }
    assert_eq!(held, [10, 6, 0, 0, 0], "of ten tokens reserved");
}

#[test]
fn a_workflow_knows_the_request_it_came_in_with() {
    let named = |id: &str| Submitted { request_id: Some(RequestId::new(id).unwrap()), ..submitted() };
    let (workflow, first) = Workflow::submit(id(), named("req-1"), Timestamp::from_millis(1));
    assert_eq!(workflow.request_id().map(RequestId::as_str), Some("req-1"));
    let folded = Workflow::fold(id(), &[first]).unwrap().unwrap();
    assert_eq!(folded.request_id(), workflow.request_id());
    let (unnamed, _) = Workflow::submit(id(), submitted(), Timestamp::from_millis(1));
    assert_eq!(unnamed.request_id(), None);
}

#[test]
fn a_request_id_is_one_to_64_visible_ascii_characters() {
    for good in ["a", "01J8Z-{7}/\"~", &"x".repeat(64)] {
        assert_eq!(RequestId::new(good).unwrap().as_str(), good);
    }
    for bad in ["", "a b", "a\nb", "\u{e9}", "\u{7f}", &"x".repeat(65)] {
        assert!(RequestId::new(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_workflow_that_is_held_back_waits_until_somebody_has_it_tried_again() {
    let at = Timestamp::from_millis;
    let poisoned = || Event::Poisoned(Poisoned { workers: 5 });
    let started = |resumed| Event::Started(Started { deadline: at(100_000), resumed });
    let (mut workflow, _) = Workflow::submit(id(), submitted(), at(0));
    assert_eq!(workflow.decide(&Command::Revive), Err(Rejected::NotPoisoned(Status::Queued)));
    workflow.advance(poisoned(), at(10)).unwrap();
    assert_eq!((workflow.status(), workflow.poisoned()), (Status::Waiting, Some(5)));
    assert!(workflow.advance(started(false), at(11)).is_err(), "nobody runs it");
    workflow.advance(poisoned(), at(12)).unwrap();
    assert_eq!(workflow.decide(&Command::Revive), Ok(vec![Event::Revived(Revived {})]));
    workflow.advance(Event::Revived(Revived {}), at(13)).unwrap();
    assert_eq!((workflow.status(), workflow.poisoned()), (Status::Queued, None));
    assert!(workflow.advance(Event::Revived(Revived {}), at(14)).is_err());

    workflow.advance(started(false), at(20)).unwrap();
    assert_eq!(workflow.worked(), at(20));
    workflow.advance(poisoned(), at(5_000)).unwrap();
    workflow.advance(Event::Revived(Revived {}), at(9_000)).unwrap();
    assert_eq!((workflow.status(), workflow.worked()), (Status::Running, at(20)), "nobody worked meanwhile");
    workflow.advance(poisoned(), at(9_500)).unwrap();
    let cancel = workflow.decide(&Command::Cancel { reason: String::new() }).unwrap();
    for event in cancel {
        workflow.advance(event, at(9_600)).unwrap();
    }
    assert_eq!(workflow.status(), Status::Cancelled);
}

#[test]
fn an_answer_does_not_let_a_workflow_go_on_that_is_held_back() {
    let at = Timestamp::from_millis;
    let step: StepId = "approve".parse().unwrap();
    let (mut workflow, _) = Workflow::submit(id(), submitted(), at(0));
    workflow.advance(Event::Started(Started { deadline: at(100_000), resumed: false }), at(1)).unwrap();
    let spec = StepSpec {
        kind: StepKind::Ask { question: "Well?".to_owned() },
        ..StepSpec::agent(step.clone(), Role::Custom("approve".to_owned()), "Ask")
    };
    workflow.advance(Event::StepPlanned(Arc::new(spec)), at(2)).unwrap();
    let asked = InputRequested { step: step.clone(), question: "Well?".to_owned() };
    workflow.advance(Event::InputRequested(asked), at(3)).unwrap();
    workflow.advance(Event::Poisoned(Poisoned { workers: 3 }), at(4)).unwrap();
    let answer = workflow.decide(&Command::Answer { step, answer: "Yes".to_owned() }).unwrap();
    workflow.advance(answer[0].clone(), at(5)).unwrap();
    assert_eq!((workflow.status(), workflow.poisoned()), (Status::Waiting, Some(3)));
    workflow.advance(Event::Revived(Revived {}), at(6)).unwrap();
    assert_eq!(workflow.status(), Status::Running);
}

#[test]
fn a_call_beside_another_needs_that_one_open_and_of_its_own_turn() {
    let mut workflow = working();
    for (of, no) in [(1, 0), (2, 1)] {
        workflow.advance(started_call(no, step(of), None), Timestamp::from_millis(3)).unwrap();
    }
    let refused = |workflow: &Workflow, event: Event| {
        let mut workflow = workflow.clone();
        matches!(
            workflow.advance(event, Timestamp::from_millis(4)),
            Err(IllegalTransition { rule: Rule::Hedge(_), .. })
        )
    };
    let CallStarted { turn, .. } = started(hedge(2, step(1), 0));
    assert!(refused(&workflow, hedge(2, step(1), 1)), "of another step");
    assert!(refused(&workflow, hedge(2, step(1), 2)), "of itself");
    let later = CallStarted { turn: turn + 1, ..started(hedge(2, step(1), 0)) };
    assert!(refused(&workflow, Event::CallStarted(later)), "of another turn");
    let tool = Target::Tool { name: "corpus_search".parse().unwrap(), call_id: String::new() };
    let tool = CallStarted { target: tool, ..started(hedge(2, step(1), 0)) };
    assert!(refused(&workflow, Event::CallStarted(tool)), "a tool is not called twice");
    workflow.advance(hedge(2, step(1), 0), Timestamp::from_millis(4)).unwrap();
    assert!(refused(&workflow, hedge(3, step(1), 0)), "a third one");
    assert!(refused(&workflow, hedge(3, step(1), 2)), "of a hedge");
    let answered = completed_call(2, step(1), Cost::Unknown, 7);
    workflow.advance(answered, Timestamp::from_millis(5)).unwrap();
    let late = CallAbandoned { run_ms: 40, ..CallAbandoned::new(CallNo::new(0), step(1), Abandoned::Hedge) };
    workflow.advance(Event::CallAbandoned(late), Timestamp::from_millis(5)).unwrap();
    assert!(refused(&workflow, hedge(3, step(1), 0)), "of one that has ended");
    let made = workflow.step("s1").unwrap();
    assert_eq!((made.used().run_ms, workflow.call(CallNo::new(0)).unwrap().run_ms()), (41, 40));
}

#[test]
fn an_answer_that_came_too_late_is_paid_for_as_it_says_and_otherwise_by_its_worst_case() {
    let worst = Money::from_pico_usd(50);
    let (known, usage) = (Money::from_pico_usd(7), Usage { input: 4, output: 1, ..Usage::default() });
    let too_late = CallAbandoned::new(CallNo::new(0), step(1), Abandoned::Hedge);
    let cases = [
        (CallAbandoned { cost: Cost::Reported(known), usage, ..too_late.clone() }, known, 0, (0, Money::ZERO)),
        (too_late, Money::ZERO, 1, (10, worst)),
    ];
    for (abandoned, cost, unknown, held) in cases {
        let mut workflow = working();
        workflow.advance(started_call(0, step(1), Some(worst)), Timestamp::from_millis(3)).unwrap();
        workflow.advance(Event::CallAbandoned(abandoned), Timestamp::from_millis(4)).unwrap();
        assert_eq!((workflow.spent().cost, workflow.spent().unknown_cost_calls), (cost, unknown));
        assert_eq!((workflow.held(), workflow.reserved()), (held, (0, Money::ZERO)));
    }
}

/// A workflow at work on two steps.
fn working() -> Workflow {
    let attempts = [
        Attempt::Start,
        Attempt::Plan { step: 1, stage: 1, reads: None },
        Attempt::Plan { step: 2, stage: 1, reads: None },
    ];
    log_of(&attempts).0
}

fn started(event: Event) -> CallStarted {
    match event {
        Event::CallStarted(started) => started,
        other => panic!("{other:?}"),
    }
}
