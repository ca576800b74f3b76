//! What a fork may ask for differently: what its history was made with stays.

use std::{collections::BTreeMap, sync::Arc};

use mcp_orchestrator_domain::{
    Cost, Event, GateMode, InvalidRequest, Limits, Money, Recorded, Request, RequestDraft, Stage, Started, Timestamp,
    Workflow, changed_request,
};

use crate::model::{completed_call, id, spec, started_call, step, submitted};

/// A workflow that has planned steps of these stages, and has spent 11 tokens in one call if there are any.
fn history(stages: &[Stage]) -> (Workflow, Vec<Recorded>) {
    let (mut workflow, first) = Workflow::submit(id(), submitted(), Timestamp::from_millis(1));
    let mut log = vec![first];
    let mut events = vec![Event::Started(Started { deadline: Timestamp::from_millis(9000), resumed: false })];
    for (stage, number) in stages.iter().zip(0..) {
        events.push(Event::StepPlanned(Arc::new(spec(number, *stage, Vec::new()))));
    }
    if !stages.is_empty() {
        events.push(started_call(0, step(0), Some(Money::from_pico_usd(9))));
        events.push(completed_call(0, step(0), Cost::Reported(Money::from_pico_usd(5_000_000_000)), 11));
    }
    for event in events {
        log.push(workflow.advance(event, Timestamp::from_millis(2)).unwrap());
    }
    (workflow, log)
}

fn change(stages: &[Stage], changes: RequestDraft) -> Result<Request, InvalidRequest> {
    let (workflow, log) = history(stages);
    changed_request(&workflow, &log, changes, &Limits::default())
}

/// The fields that are refused, with the reason of the first.
fn refused(stages: &[Stage], changes: RequestDraft) -> (Vec<&'static str>, String) {
    let refused = change(stages, changes).unwrap_err();
    (refused.errors.iter().map(|error| error.field).collect(), refused.errors[0].detail.clone())
}

#[test]
fn what_is_not_said_stays_as_it_was() {
    let all = [Stage::Planning, Stage::Agents, Stage::Synthesis, Stage::Checking];
    assert_eq!(change(&all, RequestDraft::default()).unwrap(), submitted().request);
}

#[test]
fn who_answers_and_under_which_bounds_may_change_at_any_position() {
    let changes = RequestDraft {
        provider_name: Some("other".to_owned()),
        model: Some("large".to_owned()),
        agent_model: Some("small".to_owned()),
        title: Some("Again".to_owned()),
        context: BTreeMap::from([("year".to_owned(), "2024".to_owned())]),
        document_formats: Some(vec!["json".to_owned()]),
        priority: Some(9),
        budget_tokens: Some(12),
        max_concurrent_agents: Some(2),
        max_retries: Some(0),
        timeout_seconds: Some(7.0),
        ..RequestDraft::default()
    };
    let request = change(&[Stage::Planning, Stage::Checking], changes).unwrap();
    assert_eq!(request.provider.unwrap().as_str(), "other");
    assert_eq!(request.models.primary.unwrap().as_str(), "large");
    assert_eq!(request.models.worker.unwrap().as_str(), "small");
    assert_eq!((request.title.as_str(), request.context["year"].as_str()), ("Again", "2024"));
    assert_eq!((request.priority, request.concurrency_max, request.retries_max), (9, 2, 0));
    assert_eq!((request.budget.tokens_max, request.timeouts.agent_ms), (Some(12), 7000));
    assert_eq!(request.timeouts.workflow_ms, submitted().request.timeouts.workflow_ms, "it never shrinks by itself");
    assert_eq!(request.formats.len(), 1);
}

#[test]
fn another_provider_is_not_asked_for_the_models_of_the_one_before() {
    let mut under = submitted();
    under.request.provider = Some("first".parse().unwrap());
    under.request.models.primary = Some("firsts-best".parse().unwrap());
    let (workflow, first) = Workflow::submit(id(), under, Timestamp::from_millis(1));
    let change = |provider: &str| {
        let changes = RequestDraft { provider_name: Some(provider.to_owned()), ..RequestDraft::default() };
        changed_request(&workflow, std::slice::from_ref(&first), changes, &Limits::default()).unwrap()
    };
    assert_eq!(change("second").models.primary, None);
    assert_eq!(change("first").models.primary.unwrap().as_str(), "firsts-best");
}

#[test]
fn what_the_plan_was_made_with_is_fixed_once_there_is_one() {
    let changes = || RequestDraft { num_agents: Some(3), ..RequestDraft::new("research", "Another task altogether") };
    let without = RequestDraft { pattern: None, ..changes() };
    let request = change(&[], without.clone()).unwrap();
    assert_eq!((request.agents, request.task.as_str()), (3, "Another task altogether"));
    let (fields, why) = refused(&[Stage::Planning], without);
    assert_eq!(fields, ["task", "num_agents"]);
    assert!(why.contains("position 3") && why.contains("at 2 or before"), "{why}");
    assert_eq!(refused(&[], changes()).0, ["pattern"]);
}

#[test]
fn how_results_are_merged_and_checked_is_fixed_later() {
    let merge =
        || RequestDraft { enable_camina: Some(false), synthesis_group_size: Some(2), ..RequestDraft::default() };
    let gate = || RequestDraft { citation_gate: Some("mark".to_owned()), ..RequestDraft::default() };
    assert!(!change(&[Stage::Agents], merge()).unwrap().beltalowda.camina);
    assert_eq!(refused(&[Stage::Agents, Stage::Synthesis], merge()).0, ["synthesis_group_size", "enable_camina"]);
    assert_eq!(change(&[Stage::Agents, Stage::Synthesis], gate()).unwrap().gate, GateMode::Mark);
    assert_eq!(refused(&[Stage::Agents, Stage::Checking], gate()).0, ["citation_gate"]);
}

#[test]
fn a_budget_that_the_history_has_used_up_is_refused() {
    let changes = RequestDraft {
        budget_usd: Some(0.004),
        budget_tokens: Some(11),
        max_calls: Some(1),
        ..RequestDraft::default()
    };
    let (fields, why) = refused(&[Stage::Agents], changes);
    assert_eq!(fields, ["budget_usd", "budget_tokens", "max_calls"]);
    assert!(why.contains("0.005"), "{why}");
}

#[test]
fn every_value_that_is_out_of_range_is_named_as_in_a_submission() {
    let changes = RequestDraft {
        priority: Some(10),
        timeout_seconds: Some(-1.0),
        document_formats: Some(vec!["pdf".to_owned()]),
        model: Some(" ".to_owned()),
        ..RequestDraft::default()
    };
    let mut fields = refused(&[Stage::Agents], changes).0;
    fields.sort_unstable();
    assert_eq!(fields, ["document_formats", "model", "priority", "timeout_seconds"]);
}
