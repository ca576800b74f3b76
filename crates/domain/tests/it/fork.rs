//! Continuing an ended workflow: what was paid for is taken over, what failed is open again.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    CallState, Cost, Event, Failed, Failure, FailureClass, Money, Recorded, Rejected, Stage, Started, StepCompleted,
    StepFailed, StepOutput, StepUsage, Timestamp, Workflow, WorkflowId, fork_at_head,
};
use proptest::prelude::*;

use crate::model::{attempts, completed_call, id, log_of, spec, started_call, step, submitted};

fn new_id() -> WorkflowId {
    WorkflowId::from_random("research", [9; 16]).unwrap()
}

fn written(events: Vec<Event>) -> (Workflow, Vec<Recorded>) {
    let (mut workflow, first) = Workflow::submit(id(), submitted(), Timestamp::from_millis(1));
    let mut log = vec![first];
    for (event, at) in events.into_iter().zip(2..) {
        log.push(workflow.advance(event, Timestamp::from_millis(at)).unwrap());
    }
    (workflow, log)
}

fn end(number: u8, well: Option<u32>) -> Event {
    let facts = spec(number, Stage::Agents, Vec::new()).facts(StepUsage::default());
    match well {
        Some(call) => Event::StepCompleted(StepCompleted {
            step: step(number),
            facts,
            output: StepOutput::Call(mcp_orchestrator_domain::CallNo::new(call)),
        }),
        None => Event::StepFailed(StepFailed {
            step: step(number),
            facts,
            failure: Failure::new(FailureClass::Network, "cut"),
        }),
    }
}

#[test]
fn completed_steps_are_taken_over_and_the_failed_one_is_open_again() {
    let cost = Cost::Reported(Money::from_pico_usd(5));
    let (workflow, log) = written(vec![
        Event::Started(Started { deadline: Timestamp::from_millis(1000), resumed: false }),
        Event::StepPlanned(Arc::new(spec(0, Stage::Agents, Vec::new()))),
        Event::StepPlanned(Arc::new(spec(1, Stage::Agents, Vec::new()))),
        started_call(0, step(0), None),
        completed_call(0, step(0), cost, 11),
        end(0, Some(0)),
        end(1, None),
        Event::Failed(Failed { failure: Failure::new(FailureClass::NoResult, "no report") }),
    ]);
    let (fork, records) = fork_at_head(&workflow, &log, new_id(), submitted(), Timestamp::from_millis(50)).unwrap();
    assert!(fork.step("s0").unwrap().is_completed());
    assert!(fork.step("s1").unwrap().is_open());
    assert_eq!(fork.spent(), workflow.spent());
    assert!(
        matches!(&records[1].record.event, Event::Forked(forked) if forked.reopened == [step(1)] && forked.at == workflow.head())
    );
    assert_eq!(Workflow::fold(new_id(), &records).unwrap().unwrap().head(), fork.head());
}

#[test]
fn what_was_built_without_a_failed_step_stays() {
    let (workflow, log) = written(vec![
        Event::Started(Started { deadline: Timestamp::from_millis(1000), resumed: false }),
        Event::StepPlanned(Arc::new(spec(0, Stage::Agents, Vec::new()))),
        end(0, None),
        Event::StepPlanned(Arc::new(spec(1, Stage::Synthesis, Vec::new()))),
        started_call(0, step(1), None),
        completed_call(0, step(1), Cost::FREE, 0),
        end(1, Some(0)),
        Event::Failed(Failed { failure: Failure::new(FailureClass::NoResult, "no report") }),
    ]);
    let (fork, _) = fork_at_head(&workflow, &log, new_id(), submitted(), Timestamp::from_millis(50)).unwrap();
    assert!(fork.step("s0").unwrap().failure().is_some());
}

#[test]
fn an_unfinished_or_completed_workflow_is_not_continued_as_another() {
    let (workflow, log) = written(Vec::new());
    let refused = fork_at_head(&workflow, &log, new_id(), submitted(), Timestamp::from_millis(50));
    assert!(matches!(refused, Err(Rejected::NotEnded(_))));
}

proptest! {
    #[test]
    fn any_ended_workflow_is_continued_without_losing_an_answer(attempts in attempts()) {
        let (mut workflow, mut log) = log_of(&attempts);
        if !workflow.status().is_terminal() {
            let reason = mcp_orchestrator_domain::Command::Cancel { reason: String::new() };
            for event in workflow.decide(&reason).unwrap() {
                log.push(workflow.advance(event, Timestamp::from_millis(900)).unwrap());
            }
        }
        prop_assume!(workflow.result().is_none());
        let (fork, records) = fork_at_head(&workflow, &log, new_id(), submitted(), Timestamp::from_millis(999)).unwrap();
        let answered = |workflow: &Workflow| workflow.calls().iter().filter(|c| matches!(c.state, CallState::Completed { .. })).count();
        prop_assert_eq!(answered(&fork), answered(&workflow));
        prop_assert_eq!(fork.spent(), workflow.spent());
        prop_assert!(fork.open_calls().next().is_none());
        prop_assert!(!fork.status().is_terminal());
        let folded = Workflow::fold(new_id(), &records).unwrap().unwrap();
        prop_assert_eq!(folded.progress(), fork.progress());
    }
}
