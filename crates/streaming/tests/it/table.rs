//! The whole table, as clients receive it.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::Recorded;
use mcp_orchestrator_streaming::{ClientEventType, translate};

use crate::story;

/// Each record by name, then what clients are told of it.
fn told(log: &[Recorded]) -> String {
    let mut text = String::new();
    for recorded in log {
        text.push_str(&format!("# {} {}\n", recorded.seq, recorded.record.event.kind()));
        for event in translate(&story::id(), recorded) {
            text.push_str(&serde_json::to_string(&event).unwrap());
            text.push('\n');
        }
    }
    text
}

#[test]
fn every_record_is_told_as_agreed() {
    insta::assert_snapshot!(told(&story::eventful(story::completed())));
}

#[test]
fn a_failed_workflow_closes_its_stream_after_the_error() {
    let log = story::eventful(story::failed());
    insta::assert_snapshot!(told(&log[log.len() - 1..]));
}

#[test]
fn a_cancelled_workflow_closes_its_stream_too() {
    let log = story::eventful(story::cancelled());
    insta::assert_snapshot!(told(&log[log.len() - 1..]));
}

#[test]
fn a_failed_agent_keeps_its_id_its_type_and_its_subtask() {
    let log = story::eventful(story::completed());
    let events: Vec<_> = log.iter().flat_map(|recorded| translate(&story::id(), recorded)).collect();
    let facts = |wanted: ClientEventType| {
        let event = events
            .iter()
            .find(|event| {
                event.event_type() == wanted && event.agent_id.as_ref().is_some_and(|id| id.as_str() == "belter_1")
            })
            .unwrap();
        let data = serde_json::to_value(&event.data).unwrap();
        ["subtask_id", "description", "agent_type", "specialization"].map(|field| data[field].clone())
    };
    assert_eq!(facts(ClientEventType::AgentStart), facts(ClientEventType::AgentError));
}

#[test]
fn decisions_are_told_when_they_are_planned() {
    insta::assert_snapshot!(told(&story::decisive()));
}

#[test]
fn a_fork_tells_whose_history_it_has_before_it_tells_that_history() {
    insta::assert_snapshot!(told(&story::forked()));
}

#[test]
fn who_watches_is_told_that_a_workflow_is_held_back_and_tried_again() {
    let log = story::held_back();
    insta::assert_snapshot!(told(&log[log.len() - 2..]));
}

#[test]
fn every_name_but_that_of_resets_is_given_by_the_table() {
    let given: BTreeSet<&str> = [story::completed(), story::failed(), story::cancelled()]
        .into_iter()
        .flat_map(story::eventful)
        .chain(story::decisive())
        .chain(story::forked())
        .chain(story::held_back())
        .flat_map(|recorded| translate(&story::id(), &recorded))
        .map(|event| event.event_type().as_str())
        .collect();
    let missing: Vec<&str> =
        ClientEventType::ALL.iter().map(|name| name.as_str()).filter(|name| !given.contains(name)).collect();
    assert_eq!(missing, ["stream_reset"]);
}
