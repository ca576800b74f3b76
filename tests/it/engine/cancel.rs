//! Cancel means stop.

use mcp_orchestrator::Error;
use mcp_orchestrator_domain::{Rejected, Role, Status};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};

use super::harness::{Engine, research};

fn holding_agents() -> ScriptedProvider {
    ScriptedProvider::new(|asked| match asked.input.role {
        Role::Researcher => Act::Hold("found".to_owned()),
        _ => Act::Say(obliging(asked, 4)),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_cancel_returns_no_call_runs_and_none_starts_any_more() {
    let engine = Engine::start(holding_agents());
    let id = engine.submit(research(4)).await;
    engine.until("four agents run", |provider| provider.running() == 4).await;

    engine.handle.cancel(&id, "enough").await.unwrap();

    assert_eq!(engine.provider.running(), 0);
    let asked = engine.provider.asked().len();
    engine.provider.release();
    let row = engine.handle.settled(&id).await.unwrap();
    assert_eq!(row.summary.status, Status::Cancelled);
    let names = engine.event_names(&id).await;
    assert_eq!(names[names.len() - 2..], ["workflow_cancelled", "stream_closed"]);
    assert_eq!(engine.provider.asked().len(), asked);
}

#[tokio::test]
async fn a_queued_workflow_is_cancelled_before_it_runs() {
    let engine = Engine::start_with(holding_agents(), |builder| builder.with_running_max(1));
    let first = engine.submit(research(1)).await;
    engine.until("the first runs", |provider| provider.running() == 1).await;
    let second = engine.submit(research(1)).await;
    engine.handle.cancel(&second, "").await.unwrap();
    assert_eq!(engine.handle.status(&second).await.unwrap().summary.status, Status::Cancelled);
    engine.handle.cancel(&first, "").await.unwrap();
    assert!(engine.provider.asked().iter().all(|asked| asked.key.starts_with(first.as_str())));
}

#[tokio::test]
async fn another_engine_on_the_same_store_stops_it() {
    let engine = Engine::start(holding_agents());
    let other = Engine::start_on(engine.store.clone(), ScriptedProvider::obliging(1), |builder| {
        builder.with_worker_mode(mcp_orchestrator::WorkerMode::None)
    });
    let id = engine.submit(research(3)).await;
    engine.until("the agents run", |provider| provider.running() == 3).await;
    other.handle.cancel(&id, "from afar").await.unwrap();
    engine.until("the calls are aborted", |provider| provider.running() == 0).await;
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Cancelled);
}

#[tokio::test]
async fn an_ended_workflow_stays_as_it_ended() {
    let engine = Engine::start(ScriptedProvider::obliging(1));
    let id = engine.submit(research(1)).await;
    engine.handle.settled(&id).await.unwrap();
    let refused = engine.handle.cancel(&id, "").await;
    assert!(matches!(refused, Err(Error::Rejected(Rejected::Ended(Status::Completed)))));
    assert_eq!(engine.handle.status(&id).await.unwrap().summary.status, Status::Completed);
}
