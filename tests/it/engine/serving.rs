//! What a server asks of an engine: streams it can end, ends it can count, and a way to stop taking work.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, TryStreamExt};
use mcp_orchestrator::{
    ClientEvent, EndedWorkflow, Error, Handle, WorkerMode,
    event::{ClientData, CloseReason, StreamItem},
};
use mcp_orchestrator_domain::{Principal, Role, Status, WorkflowId};
use mcp_orchestrator_store::{MemoryStore, Store};
use mcp_orchestrator_streaming::Cursor;
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

use super::harness::{Engine, research};

fn holding_agents() -> ScriptedProvider {
    ScriptedProvider::new(|asked| match asked.input.role {
        Role::Researcher => Act::Hold("found".to_owned()),
        _ => Act::Say(obliging(asked, 2)),
    })
}

fn told(ends: &mut Receiver<EndedWorkflow>) -> Vec<(WorkflowId, Status)> {
    std::iter::from_fn(|| ends.try_recv().ok()).map(|ended| (ended.id, ended.status)).collect()
}

async fn ended(handle: &Handle, id: &WorkflowId) -> Status {
    handle.settled(id).await.unwrap().summary.status
}

#[tokio::test]
async fn every_end_is_told_once_and_by_who_wrote_it() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let one = Engine::start_on(store.clone(), holding_agents(), |builder| builder.with_running_max(2));
    let two = Engine::start_on(store, ScriptedProvider::obliging(2), |b| b.with_worker_mode(WorkerMode::None));
    let (mut by_one, mut by_two) = (one.handle.ends(), two.handle.ends());

    let runs = one.submit(research(2)).await;
    let is_stopped = one.submit(research(2)).await;
    one.until("both run", |provider| provider.running() == 4).await;
    let queued = one.submit(research(2)).await;
    assert_eq!(one.handle.running(), 2);
    two.handle.cancel(&is_stopped, "from afar").await.unwrap();
    two.handle.cancel(&queued, "not needed").await.unwrap();
    assert!(two.handle.cancel(&queued, "again").await.is_err());
    one.until("the other's calls are aborted", |provider| provider.running() == 2).await;
    one.provider.release();
    assert_eq!(ended(&one.handle, &runs).await, Status::Completed);
    assert_eq!(ended(&one.handle, &is_stopped).await, Status::Cancelled);

    assert_eq!(told(&mut by_one), [(runs, Status::Completed)]);
    assert_eq!(told(&mut by_two), [(is_stopped, Status::Cancelled), (queued, Status::Cancelled)]);
}

#[tokio::test]
async fn an_end_says_whose_it_was_and_how_long_it_took() {
    let engine = Engine::start(holding_agents());
    let mut ends = engine.handle.ends();
    let other = engine.handle.for_principal(Principal::named("other"));
    let id = other.submit(research(2)).await.unwrap();
    engine.until("its agents run", |provider| provider.running() == 2).await;
    engine.clock.advance(Duration::from_secs(7));
    other.cancel(&id, "enough").await.unwrap();
    let end = ends.recv().await.unwrap();
    assert_eq!((&end.id, end.pattern.as_str(), end.status), (&id, "beltalowda", Status::Cancelled));
    assert_eq!((end.principal, end.duration), (Principal::named("other"), Some(Duration::from_secs(7))));
}

#[tokio::test]
async fn an_end_is_told_although_who_asked_for_it_has_gone() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = Engine::start_on(store, ScriptedProvider::obliging(2), |b| b.with_worker_mode(WorkerMode::None));
    let mut ends = engine.handle.ends();
    let id = engine.submit(research(2)).await;
    assert!(engine.handle.cancel(&id, "").now_or_never().is_none(), "it was to be left half way");
    assert_eq!(ends.recv().await.unwrap().id, id);
    engine.handle.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!(ends.try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test]
async fn draining_takes_nothing_more_and_lets_what_runs_go_on() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let one = Engine::start_on(store.clone(), holding_agents(), |builder| builder.with_running_max(1));
    let runs = one.submit(research(2)).await;
    one.until("it runs", |provider| provider.running() == 2).await;
    let queued = one.submit(research(2)).await;
    let events = one.handle.events(&queued, Cursor::START).await.unwrap();
    assert!(!one.handle.is_draining());

    one.handle.drain();
    one.handle.drain();
    assert!(one.handle.is_draining());
    assert!(matches!(one.handle.submit(research(2)).await, Err(Error::ShuttingDown)));
    assert_eq!(one.handle.running(), 1);
    one.provider.release();
    assert_eq!(ended(&one.handle, &runs).await, Status::Completed);
    assert_eq!(one.handle.running(), 0);
    assert_eq!(one.handle.status(&queued).await.unwrap().summary.status, Status::Queued);

    // Another takes the rest, and who reads it here sees it to its end.
    let two = Engine::start_on(store, ScriptedProvider::obliging(2), |builder| builder);
    assert_eq!(ended(&two.handle, &queued).await, Status::Completed);
    let events: Vec<ClientEvent> = events.try_collect().await.unwrap();
    let closed = ClientData::StreamClosed { status: Some(Status::Completed), reason: CloseReason::Ended };
    assert_eq!(events.last().unwrap().data, closed);
    assert!(one.provider.asked().iter().all(|asked| asked.key.starts_with(runs.as_str())));
    one.handle.shutdown(Duration::ZERO).await.unwrap();
    assert!(one.handle.is_draining());
}

#[tokio::test]
async fn a_stream_that_a_shutdown_closed_goes_on_elsewhere_without_gap_or_duplicate() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let one = Engine::start_on(store.clone(), holding_agents(), |builder| builder);
    let id = one.submit(research(2)).await;
    let stream = one.handle.events(&id, Cursor::START).await.unwrap();
    one.until("its agents run", |provider| provider.running() == 2).await;
    assert_eq!(one.handle.readers(), 1);
    let (mut before, ended) =
        tokio::join!(stream.try_collect::<Vec<ClientEvent>>().map(Result::unwrap), one.handle.shutdown(Duration::ZERO));
    ended.unwrap();
    let closing = before.pop().unwrap();
    assert_eq!(closing.data, ClientData::StreamClosed { status: None, reason: CloseReason::Shutdown });

    let two = Engine::start_on(store, ScriptedProvider::obliging(2), |builder| builder);
    let after = two.handle.events(&id, closing.id).await.unwrap();
    before.extend(after.try_collect::<Vec<_>>().await.unwrap());
    assert_eq!(before, two.events(&id).await);
}

#[tokio::test]
async fn streams_can_be_closed_while_everything_else_goes_on() {
    let engine = Engine::start(holding_agents());
    let id = engine.submit(research(2)).await;
    engine.until("its agents run", |provider| provider.running() == 2).await;
    let stream = engine.handle.events(&id, Cursor::START).await.unwrap();
    engine.handle.close_streams();
    engine.handle.close_streams();
    let names: Vec<ClientEvent> = stream.try_collect().await.unwrap();
    assert_eq!(names.last().unwrap().event_type().as_str(), "stream_closed");
    let later = engine.event_names(&id).await;
    assert_eq!(later, ["stream_closed"]);
    engine.provider.release();
    assert_eq!(ended(&engine.handle, &id).await, Status::Completed);
}

#[tokio::test]
async fn a_watch_shows_text_while_it_is_written_and_the_events_as_everybody_sees_them() {
    let engine = Engine::start(holding_agents());
    let held = engine.submit(research(1)).await;
    engine.until("its agent runs", |provider| provider.running() == 1).await;
    let id = engine.submit(research(1)).await;
    let mut watch = engine.handle.watch(&id, Cursor::START).await.unwrap();
    let mut seen = Vec::new();
    let mut deltas = Vec::new();
    while let Some(item) = watch.next().await {
        match item.unwrap() {
            StreamItem::Event(event) => seen.push(event.event.clone()),
            StreamItem::Delta(json) => {
                deltas.push(String::from_utf8(json.to_vec()).unwrap());
                engine.provider.release();
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(deltas, [r#"{"agent_id":"belter_0","text":"found"}"#]);
    assert_eq!(seen, engine.events(&id).await);
    assert_eq!(ended(&engine.handle, &held).await, Status::Completed);
}
