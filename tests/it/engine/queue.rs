//! The queue: bounded, by priority, first come first served within one.

use mcp_orchestrator::{Error, SubmitOptions, WorkerMode};
use mcp_orchestrator_domain::{RequestDraft, Role, Status, WorkflowId};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};

use super::harness::{Engine, research};

fn with_priority(priority: u64) -> RequestDraft {
    RequestDraft { priority: Some(priority), ..research(1) }
}

#[tokio::test]
async fn workflows_run_one_after_the_other_by_priority_and_then_by_age() {
    let engine = Engine::start_with(
        ScriptedProvider::new(|asked| match asked.input.role {
            Role::Researcher => Act::Hold(obliging(asked, 1)),
            _ => Act::Say(obliging(asked, 1)),
        }),
        |builder| builder.with_running_max(1),
    );
    let first = engine.submit(with_priority(5)).await;
    engine.until("the first runs", |provider| provider.running() == 1).await;
    let mut waiting: Vec<(u64, WorkflowId)> = Vec::new();
    for priority in [5, 9, 5, 0] {
        waiting.push((priority, engine.submit(with_priority(priority)).await));
    }
    assert_eq!(engine.handle.status(&waiting[0].1).await.unwrap().summary.status, Status::Queued);
    let expected = [&first, &waiting[1].1, &waiting[0].1, &waiting[2].1, &waiting[3].1];
    for id in expected {
        engine.until("it is its turn", |provider| provider.running() == 1).await;
        engine.provider.release();
        assert_eq!(engine.handle.settled(id).await.unwrap().summary.status, Status::Completed);
    }
    assert_eq!(engine.provider.running_peak(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_on_one_store_share_the_work_and_run_nothing_twice() {
    let one = Engine::start(ScriptedProvider::obliging(3));
    let two = Engine::start_on(one.store.clone(), ScriptedProvider::obliging(3), |builder| builder);
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(one.submit(research(3)).await);
    }
    for id in &ids {
        assert_eq!(two.handle.settled(id).await.unwrap().summary.status, Status::Completed);
    }
    let mut keys: Vec<String> = one.provider.asked().into_iter().chain(two.provider.asked()).map(|a| a.key).collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), all);
    one.handle.shutdown(std::time::Duration::ZERO).await.unwrap();
    two.handle.shutdown(std::time::Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_full_queue_refuses_what_is_submitted_and_loses_nothing() {
    let engine = Engine::start_with(ScriptedProvider::obliging(1), |builder| {
        builder.with_queue_max(2).with_worker_mode(WorkerMode::None)
    });
    let keyed = |key: &str| SubmitOptions { idempotency_key: Some(key.to_owned()), ..SubmitOptions::default() };
    let first = engine.handle.submit_with(research(1), keyed("first")).await.unwrap();
    let second = engine.submit(research(1)).await;
    let full = engine.handle.submit(research(1)).await;
    assert!(matches!(full, Err(Error::QueueFull { queued: 2, queue_max: 2 })), "{full:?}");
    assert_eq!(engine.handle.submit_with(research(1), keyed("first")).await.unwrap(), first);
    assert!(engine.handle.submit_with(research(1), keyed("third")).await.is_err());

    // A worker that runs it makes room; the refused key is as good as new.
    let worker = Engine::start_on(engine.store.clone(), ScriptedProvider::obliging(1), |builder| builder);
    for id in [&first, &second] {
        assert_eq!(worker.handle.settled(id).await.unwrap().summary.status, Status::Completed);
    }
    let third = engine.handle.submit_with(research(1), keyed("third")).await.unwrap();
    assert_eq!(worker.handle.settled(&third).await.unwrap().summary.status, Status::Completed);
    assert_eq!(engine.handle.list(Default::default()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_a_worker_submits_for_itself_waits_behind_nobody() {
    let crowded = Engine::start_with(ScriptedProvider::obliging(1), |builder| {
        builder.with_queue_max(1).with_worker_mode(WorkerMode::None)
    });
    crowded.submit(research(1)).await;
    let own = Engine::start_on(crowded.store.clone(), ScriptedProvider::obliging(1), |builder| {
        builder.with_queue_max(1).with_worker_mode(WorkerMode::Own)
    });
    let id = own.submit(research(1)).await;
    assert_eq!(own.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
}
