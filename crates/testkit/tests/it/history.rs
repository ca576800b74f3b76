//! The history checker: green for what is right, and red for each thing that must not be.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    Abandoned, CallAbandoned, CallCompleted, CallNo, CallStarted, Cost, Event, Failed, Failure, FailureClass,
    InputGiven, InputRequested, Limits, Payload, Principal, Progress, Record, Recorded, RequestDraft, Reserved, Role,
    Seq, Started, Status, StepFailed, StepId, StepSpec, StepUsage, Submitted, Target, Timestamp, Usage, WorkflowId,
};
use mcp_orchestrator_testkit::history::{
    Answered, History, ModelAsked, Reader, SeenStatus, Submitted as Acknowledged, Told, Violation,
};

const KEY: &str = "w/belter_0/0";

fn id() -> WorkflowId {
    "research_0123456789ab".parse().unwrap()
}

fn step() -> StepId {
    StepId::new("belter_0").unwrap()
}

fn submitted() -> Event {
    let request = RequestDraft::research("How does a workflow survive a crash?").parse(&Limits::default()).unwrap();
    let principal = Principal::local();
    Event::Submitted(Box::new(Submitted { request, principal, seed: 1, strategy_version: 1, request_id: None }))
}

fn started(resumed: bool) -> Event {
    Event::Started(Started { deadline: Timestamp::from_millis(9), resumed })
}

fn planned() -> Event {
    Event::StepPlanned(Arc::new(StepSpec::agent(step(), Role::Researcher, "Do it")))
}

fn call(number: u32, attempt: u16) -> Event {
    Event::CallStarted(CallStarted {
        call: CallNo::new(number),
        step: step(),
        turn: 0,
        position: 0,
        attempt,
        target: Target::Model { provider: "scripted".parse().unwrap(), model: None },
        idempotency_key: KEY.to_owned(),
        reserved: Reserved::default(),
        hedges: None,
    })
}

fn abandoned(number: u32) -> Event {
    Event::CallAbandoned(CallAbandoned::new(CallNo::new(number), step(), Abandoned::Crash))
}

fn answered(number: u32) -> Event {
    Event::CallCompleted(Box::new(CallCompleted {
        call: CallNo::new(number),
        step: step(),
        output: Payload::Inline("so".into()),
        is_error: false,
        usage: Usage::default(),
        cost: Cost::FREE,
        evidence: Vec::new(),
        parked_ms: 0,
        run_ms: 1,
    }))
}

fn failure() -> Failure {
    Failure::new(FailureClass::NoResult, "nothing")
}

fn step_failed() -> Event {
    let facts = StepSpec::agent(step(), Role::Researcher, "Do it").facts(StepUsage::default());
    Event::StepFailed(StepFailed { step: step(), facts, failure: failure() })
}

fn failed() -> Event {
    Event::Failed(Failed { failure: failure() })
}

/// A workflow whose worker died during its one call.
fn events() -> Vec<Event> {
    vec![
        submitted(),
        started(false),
        planned(),
        call(0, 1),
        abandoned(0),
        started(true),
        call(1, 2),
        answered(1),
        step_failed(),
        failed(),
    ]
}

fn log(events: Vec<Event>) -> Vec<Recorded> {
    let at = Timestamp::from_millis(1);
    let record = |event| Arc::new(Record { at, progress: Progress::default(), event });
    (1..).zip(events).map(|(seq, event)| Recorded { seq: Seq::new(seq), record: record(event) }).collect()
}

fn told(number: usize) -> Told {
    Told { id: format!("0-{number}-0"), name: "agent_start".to_owned(), data: String::new() }
}

fn history_of(events: Vec<Event>) -> History {
    History {
        submitted: vec![Acknowledged { key: "k".to_owned(), id: id() }],
        logs: [(id(), log(events))].into(),
        told: [(id(), (0..5).map(told).collect())].into(),
        ..History::default()
    }
}

fn history() -> History {
    history_of(events())
}

/// A history of these events has a violation of this kind.
#[track_caller]
fn red(history: &History, expected: impl Fn(&Violation) -> bool) {
    let verdict = history.check();
    assert!(verdict.count(expected) > 0, "{:?}", verdict.violations);
}

#[track_caller]
fn red_reader(saw: Vec<Told>, ended: bool, expected: impl Fn(&Violation) -> bool) {
    red(&History { readers: vec![Reader { id: id(), saw, ended }], ..history() }, expected);
}

#[test]
fn a_history_with_a_crash_in_it_is_right() {
    let asked = ModelAsked { id: id(), key: Some(KEY.to_owned()) };
    let seen = |status, head| SeenStatus { status, head: Some(Seq::new(head)) };
    let history = History {
        readers: vec![
            Reader { id: id(), saw: (0..3).map(told).collect(), ended: false },
            Reader { id: id(), saw: (0..5).map(told).collect(), ended: true },
        ],
        looks: vec![(id(), log(events())[2..6].to_vec())],
        statuses: vec![(id(), vec![seen(Status::Queued, 1), seen(Status::Running, 6), seen(Status::Failed, 10)])],
        asked: vec![asked.clone(), asked],
        ..history()
    };
    let verdict = history.check();
    verdict.assert_clean("a crash");
    assert_eq!((verdict.workflows, verdict.records, verdict.events), (1, 10, 8));
    assert_eq!((verdict.given_up, verdict.paid_again), (1, 1));
}

#[test]
fn what_was_acknowledged_and_is_not_there_is_lost() {
    let mut history = history();
    let other: WorkflowId = "research_ba9876543210".parse().unwrap();
    history.submitted.push(Acknowledged { key: "other".to_owned(), id: other });
    red(&history, |violation| matches!(violation, Violation::Lost { .. }) && violation.is_loss());
}

#[test]
fn one_key_makes_one_workflow_and_nobody_else_makes_any() {
    let mut history = history();
    let other: WorkflowId = "research_ba9876543210".parse().unwrap();
    history.logs.insert(other.clone(), log(events()));
    red(&history, |violation| matches!(violation, Violation::Unasked(_)));
    history.submitted.push(Acknowledged { key: "k".to_owned(), id: other });
    red(&history, |violation| matches!(violation, Violation::Duplicated { .. }) && violation.is_duplicate());
}

#[test]
fn a_log_with_a_hole_in_it_is_found() {
    let mut history = history();
    history.logs.get_mut(&id()).unwrap().remove(4);
    red(&history, |violation| matches!(violation, Violation::Gap { .. }) && violation.is_gap());
}

#[test]
fn a_record_that_was_another_one_before_is_found() {
    let mut other = events();
    other[4] = started(true);
    let history = History { looks: vec![(id(), log(other))], ..history() };
    red(&history, |violation| matches!(violation, Violation::Rewritten { seq, .. } if seq.value() == 5));
}

#[test]
fn a_record_that_is_no_longer_there_is_found() {
    let mut history = history();
    history.looks = vec![(id(), log(events()))];
    history.logs.get_mut(&id()).unwrap().pop();
    red(&history, |violation| matches!(violation, Violation::Rewritten { seq, .. } if seq.value() == 10));
}

#[test]
fn a_call_or_step_that_ends_twice_is_found() {
    for (place, event) in [(8, answered(1)), (9, step_failed())] {
        let mut events = events();
        events.insert(place, event);
        red(&history_of(events), |violation| matches!(violation, Violation::EndedTwice { .. }));
    }
}

#[test]
fn a_call_that_was_answered_or_is_open_is_not_made_again() {
    for place in [4, 8] {
        let mut events = events();
        events.insert(place, call(2, 3));
        red(&history_of(events), |violation| matches!(violation, Violation::Rerun { what, .. } if what.contains(KEY)));
    }
}

#[test]
fn a_step_that_has_ended_is_not_started_again() {
    let mut events = events();
    events.insert(9, planned());
    red(&history_of(events), |violation| matches!(violation, Violation::Rerun { what, .. } if what == "step belter_0"));
}

#[test]
fn nothing_follows_the_end() {
    let mut events = events();
    events.push(started(true));
    let history = history_of(events);
    red(&history, |violation| matches!(violation, Violation::AfterEnd { .. }));
    red(&history, |violation| matches!(violation, Violation::Illegal(_)));
}

#[test]
fn a_workflow_that_has_not_ended_is_found() {
    let mut events = events();
    events.pop();
    red(&history_of(events), |violation| matches!(violation, Violation::Unfinished { status: Status::Running, .. }));
}

#[test]
fn a_cancellation_or_an_answer_that_was_acknowledged_is_in_the_log() {
    let history = History { cancelled: vec![id()], ..history() };
    red(&history, |violation| matches!(violation, Violation::CancelLost { status: Status::Failed, .. }));
    let answered = vec![Answered { id: id(), step: step(), answer: "yes".to_owned() }];
    let history = History { answered: answered.clone(), ..history };
    red(&history, |violation| matches!(violation, Violation::AnswerLost { times: 0, .. }));
    let asking = InputRequested { step: step(), question: "Well?".to_owned() };
    let given = || Event::InputGiven(InputGiven { step: step(), answer: "yes".to_owned() });
    let events = vec![submitted(), started(false), planned(), Event::InputRequested(asking), given(), given()];
    red(&History { answered, ..history_of(events) }, |violation| {
        matches!(violation, Violation::AnswerLost { times: 2, .. })
    });
}

#[test]
fn a_status_a_client_is_told_is_the_one_of_its_place_and_never_goes_back() {
    let seen = |status, head: Option<u64>| SeenStatus { status, head: head.map(Seq::new) };
    for wrong in [
        vec![seen(Status::Completed, Some(10))],
        vec![seen(Status::Running, Some(6)), seen(Status::Running, Some(4))],
        vec![seen(Status::Running, None), seen(Status::Queued, None)],
        vec![seen(Status::Failed, None), seen(Status::Completed, None)],
    ] {
        let history = History { statuses: vec![(id(), wrong)], ..history() };
        red(&history, |violation| matches!(violation, Violation::StatusWrong { .. }));
    }
}

#[test]
fn a_reader_sees_the_stream_as_it_is() {
    red_reader([0, 2].map(told).into(), false, |violation| matches!(violation, Violation::ReaderGap { .. }));
    red_reader([0, 1, 1].map(told).into(), false, |violation| matches!(violation, Violation::ReaderTwice { .. }));
    red_reader([0, 9].map(told).into(), false, |violation| matches!(violation, Violation::ReaderRewritten { .. }));
    red_reader([0, 1].map(told).into(), true, |violation| matches!(violation, Violation::ReaderGap { .. }));
    red_reader((0..6).map(told).collect(), true, |violation| matches!(violation, Violation::ReaderRewritten { .. }));
}

#[test]
fn a_reader_is_reset_only_when_the_store_lost_something() {
    let reset = Told { name: "stream_reset".to_owned(), ..told(0) };
    let saw: Vec<Told> = [told(0), told(9), reset].into_iter().chain((0..5).map(told)).collect();
    red_reader(saw.clone(), true, |violation| matches!(violation, Violation::ReaderReset(_)));
    let readers = vec![Reader { id: id(), saw, ended: true }];
    History { readers, tail_was_lost: true, ..history() }.check().assert_clean("a tail was lost");
}

#[test]
fn what_goes_with_a_lost_tail_is_counted_apart() {
    let lost = Acknowledged { key: "other".to_owned(), id: "research_ba9876543210".parse().unwrap() };
    // It saw an end that is none any more.
    let readers = vec![Reader { id: id(), saw: [0, 9].map(told).into(), ended: true }];
    let history = History { readers, tail_was_lost: true, ..history() };
    let submitted = [history.submitted.clone(), vec![lost]].concat();
    let verdict = History { submitted, ..history }.check();
    verdict.assert_clean("a tail was lost");
    assert_eq!(verdict.gone_with_the_tail, 2);
}

#[test]
fn a_reader_of_a_lost_tail_that_is_not_reset_is_a_violation() {
    let readers = vec![Reader { id: id(), saw: [0, 9].map(told).into(), ended: false }];
    let verdict = History { readers, tail_was_lost: true, ..history() }.check();
    assert_eq!(verdict.count(|violation| matches!(violation, Violation::ReaderRewritten { .. })), 1);
    let saw = [told(0), told(9)].into_iter().chain((2..5).map(told)).collect();
    let readers = vec![Reader { id: id(), saw, ended: true }];
    let verdict = History { readers, tail_was_lost: true, ..history() }.check();
    assert_eq!(verdict.violations.len(), 1, "its end is the end there is: {:?}", verdict.violations);
}

#[test]
fn a_model_is_asked_no_more_often_than_the_log_says() {
    for key in [Some(KEY.to_owned()), None] {
        let asked = vec![ModelAsked { id: id(), key }; 3];
        let history = History { asked, ..history() };
        red(&history, |violation| matches!(violation, Violation::Unlogged { asked: 3, intents: 2, .. }));
    }
}
