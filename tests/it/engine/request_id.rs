//! One name for a client's request: in the log, at the provider, in every log line about its workflow.

use std::{
    io,
    sync::{Arc, Mutex},
};

use mcp_orchestrator::{ResumeOptions, SubmitOptions};
use mcp_orchestrator_domain::{Event, FailureClass, RequestId, Role, Seq, Status, WorkflowId};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use super::harness::{Engine, research};

fn named(id: &str) -> SubmitOptions {
    SubmitOptions { request_id: Some(RequestId::new(id).unwrap()), ..SubmitOptions::default() }
}

/// What a provider was told of requests, each once.
fn heard(provider: &ScriptedProvider, of: &WorkflowId) -> Vec<Option<String>> {
    let asked = provider.asked();
    let mut heard: Vec<_> = asked
        .iter()
        .filter(|asked| asked.key.starts_with(of.as_str()))
        .map(|asked| asked.request_id.as_ref().map(ToString::to_string))
        .collect();
    heard.dedup();
    heard
}

#[tokio::test]
async fn a_submitted_request_id_is_in_the_log_and_reaches_the_provider_with_every_call() {
    let engine = Engine::start(ScriptedProvider::obliging(2));
    let id = engine.handle.submit_with(research(2), named("req-1")).await.unwrap();
    let unnamed = engine.submit(research(2)).await;
    engine.handle.settled(&id).await.unwrap();
    engine.handle.settled(&unnamed).await.unwrap();
    assert_eq!(heard(&engine.provider, &id), [Some("req-1".to_owned())]);
    assert_eq!(heard(&engine.provider, &unnamed), [None]);
    let log = engine.handle.records(&id, Seq::ZERO, 1).await.unwrap();
    let Event::Submitted(submitted) = &log[0].record.event else { panic!("{log:?}") };
    assert_eq!(submitted.request_id, Some(RequestId::new("req-1").unwrap()));
}

#[tokio::test]
async fn a_continuation_carries_the_request_that_asked_for_it() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.input.role {
        Role::Researcher => Act::Fail(FailureClass::Auth, None),
        _ => Act::Say(obliging(asked, 2)),
    }));
    let id = engine.handle.submit_with(research(2), named("req-1")).await.unwrap();
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Failed);
    let options = ResumeOptions { request_id: named("req-2").request_id, ..ResumeOptions::default() };
    let next = engine.handle.resume(&id, options).await.unwrap();
    engine.handle.settled(&next).await.unwrap();
    assert_eq!(heard(&engine.provider, &next), [Some("req-2".to_owned())]);
}

#[tokio::test]
async fn every_line_about_a_workflow_names_it_and_its_request_and_none_repeats_what_was_said() {
    // For the whole program, as a program does it: what listens on one thread only would miss lines that another thread was
    // the first to write. The lines of the other tests are left out below.
    let lines = Lines::default();
    tracing_subscriber::fmt().json().with_writer(lines.clone()).init();

    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "belter_1" => Act::Fail(FailureClass::Auth, None),
        "camina" => Act::Hang,
        _ => Act::Say(obliging(asked, 2)),
    }));
    let id = engine.handle.submit_with(research(2), named("req-1")).await.unwrap();
    engine.until("the last call runs", |provider| provider.asked().iter().any(|a| a.step() == "camina")).await;
    engine.handle.cancel(&id, "enough").await.unwrap();
    engine.handle.settled(&id).await.unwrap();

    let text: String = lines.text().lines().filter(|line| line.contains(id.as_str())).collect::<Vec<_>>().join("\n");
    let about: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(about.iter().all(|line| line["span"]["workflow_id"] == id.as_str()), "{text}");
    assert!(about.iter().all(|line| line["span"]["request_id"] == "req-1"), "{text}");
    let said = |message: &str, step: &str| {
        let mut of = about.iter().map(|line| &line["fields"]);
        let found = of.find(|fields| fields["message"] == message && (step.is_empty() || fields["step"] == step));
        found.unwrap_or_else(|| panic!("no {message:?} of {step:?} in {text}")).clone()
    };
    for message in ["workflow claimed", "workflow started"] {
        said(message, "");
    }
    let started = said("call started", "belter_0");
    assert_eq!((&started["target"], &started["attempt"]), (&"scripted".into(), &1.into()));
    let answered = said("call ended", "belter_0");
    assert_eq!((&answered["outcome"], answered["duration_ms"].is_u64()), (&"answered".into(), true));
    let failed = said("call ended", "belter_1");
    assert_eq!((&failed["outcome"], &failed["class"]), (&"failed".into(), &"auth".into()));
    assert_eq!(said("call ended", "camina")["outcome"], "aborted");
    assert_eq!(said("workflow ended", "")["status"], "cancelled");
    for secret in ["Find out about", "is clear", "survive a crash", "as the script says", "enough"] {
        assert!(!text.contains(secret), "{secret:?} in {text}");
    }
}

/// Log lines, kept.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
