//! Continuing an ended workflow: what was paid for is taken over, what failed is open again.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    CallState, Cost, Event, Failed, Failure, FailureClass, Money, Recorded, Rejected, Seq, Stage, Started,
    StepCompleted, StepFailed, StepOutput, StepUsage, Timestamp, Workflow, WorkflowId, fork, fork_at_head, whole_plans,
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
            is_cut: false,
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

#[test]
fn a_call_that_was_open_is_made_again_and_costs_the_fork_nothing() {
    let (_, log) = written(vec![
        Event::Started(Started { deadline: Timestamp::from_millis(1000), resumed: false }),
        Event::StepPlanned(Arc::new(spec(0, Stage::Agents, Vec::new()))),
        started_call(0, step(0), Some(Money::from_pico_usd(70))),
        completed_call(0, step(0), Cost::Reported(Money::from_pico_usd(5)), 11),
    ]);
    let before = &log[..4];
    let source = Workflow::fold(id(), before).unwrap().unwrap();
    let (forked, records) = fork(&source, before, new_id(), submitted(), Timestamp::from_millis(50)).unwrap();
    let Event::Forked(event) = &records[1].record.event else { panic!("the second record says where it is from") };
    assert_eq!((&event.from, event.at), (&id(), Seq::new(4)));
    assert_eq!(forked.calls().len(), 0);
    assert_eq!((forked.spent().total_cost(), forked.held()), (Some(Money::ZERO), (0, Money::ZERO)));
    assert!(forked.step("s0").unwrap().is_open());
}

#[test]
fn steps_that_were_planned_together_are_taken_over_together() {
    let (_, log) = written(vec![
        Event::Started(Started { deadline: Timestamp::from_millis(1000), resumed: false }),
        Event::StepPlanned(Arc::new(spec(0, Stage::Agents, Vec::new()))),
        Event::StepPlanned(Arc::new(spec(1, Stage::Agents, Vec::new()))),
        Event::StepPlanned(Arc::new(spec(2, Stage::Agents, Vec::new()))),
        started_call(0, step(0), None),
    ]);
    let begins: Vec<u64> = (1..=6).map(|at| whole_plans(&log, Seq::new(at)).value()).collect();
    assert_eq!(begins, [1, 2, 2, 2, 5, 6]);
}

#[test]
fn a_new_time_limit_holds_for_open_steps_and_for_no_other() {
    let mut under = submitted();
    under.request.timeouts.agent_ms = 1000;
    let (mut source, first) = Workflow::submit(id(), under.clone(), Timestamp::from_millis(1));
    let mut log = vec![first];
    for event in [
        Event::Started(Started { deadline: Timestamp::from_millis(9000), resumed: false }),
        Event::StepPlanned(Arc::new(spec(0, Stage::Agents, Vec::new()))),
        Event::StepPlanned(Arc::new(spec(1, Stage::Agents, Vec::new()))),
        started_call(0, step(0), None),
        completed_call(0, step(0), Cost::FREE, 1),
        end(0, Some(0)),
    ] {
        log.push(source.advance(event, Timestamp::from_millis(2)).unwrap());
    }
    under.request.timeouts.agent_ms = 7000;
    let (forked, _) = fork(&source, &log, new_id(), under, Timestamp::from_millis(50)).unwrap();
    let limit = |name: &str| forked.step(name).unwrap().spec().time_limit_ms;
    assert_eq!((limit("s0"), limit("s1")), (1000, 7000));
}

proptest! {
    #[test]
    fn any_workflow_is_forked_at_any_position_without_losing_an_answer(attempts in attempts(), cut in any::<usize>()) {
        let (_, log) = log_of(&attempts);
        let asked = Seq::new(1 + (cut % log.len()) as u64);
        let at = whole_plans(&log, asked);
        prop_assert!(at >= Seq::new(1) && at <= asked);
        let log = &log[..usize::try_from(at.value()).unwrap()];
        let source = Workflow::fold(id(), log).unwrap().unwrap();
        let (forked, records) = fork(&source, log, new_id(), submitted(), Timestamp::from_millis(999)).unwrap();
        let answered = |workflow: &Workflow| workflow.calls().iter().filter(|c| matches!(c.state, CallState::Completed { .. })).count();
        let completed = |workflow: &Workflow| workflow.steps().iter().filter(|step| step.is_completed()).count();
        prop_assert_eq!((answered(&forked), completed(&forked)), (answered(&source), completed(&source)));
        prop_assert_eq!(forked.steps().len(), source.steps().len());
        // What is open there has not happened here: it costs nothing, and nothing is set aside for it.
        let open = u32::try_from(source.open_calls().count()).unwrap();
        let mut spent = *source.spent();
        (spent.calls, spent.model_calls) = (spent.calls - open, spent.model_calls - open);
        prop_assert_eq!(forked.spent(), &spent);
        prop_assert_eq!(forked.held(), source.held());
        prop_assert_eq!(forked.reserved(), (0, Money::ZERO));
        prop_assert_eq!(&forked.forked_from().unwrap().spent, &spent);
        prop_assert!(forked.open_calls().next().is_none());
        prop_assert!(!forked.status().is_terminal());
        prop_assert!(records.iter().zip(1..).all(|(recorded, seq)| recorded.seq == Seq::new(seq)));
        let folded = Workflow::fold(new_id(), &records).unwrap().unwrap();
        prop_assert_eq!(folded.progress(), forked.progress());
        prop_assert_eq!(folded.forked_from(), forked.forked_from());
    }

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
