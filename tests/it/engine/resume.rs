//! Never pay twice: after a stop, a crash or a failure, what was answered is not asked again.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{Callable, RequestDraft, ResumeOptions, StepDraft, ToolError, WorkerMode};
use mcp_orchestrator_domain::{FailureClass, Role, Seq, Status};
use mcp_orchestrator_store::{MemoryStore, NewWorkflow, Store};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};

use super::harness::{Engine, research};

#[tokio::test]
async fn a_shutdown_gives_the_workflow_back_and_the_next_engine_finishes_it() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let one = Engine::start_on(store.clone(), holding("belter_2"), |builder| builder);
    let id = one.submit(research(4)).await;
    one.until("only the held agent runs", |p| p.asked().len() == 5 && p.running() == 1).await;
    one.handle.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!(one.provider.running(), 0);

    let two = Engine::start_on(store, ScriptedProvider::obliging(4), |builder| builder);
    assert_eq!(two.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    let asked: Vec<String> = two.provider.asked().iter().map(|asked| asked.step().to_owned()).collect();
    assert!(asked.contains(&"belter_2".to_owned()));
    assert!(!asked.iter().any(|step| ["planner", "belter_0", "belter_1", "belter_3"].contains(&step.as_str())));
}

#[tokio::test]
async fn a_cancelled_workflow_is_continued_as_a_new_one_without_asking_again() {
    let engine = Engine::start(holding("belter_1"));
    let id = engine.submit(research(3)).await;
    engine.until("only the held agent runs", |p| p.asked().len() == 4 && p.running() == 1).await;
    engine.handle.cancel(&id, "").await.unwrap();
    let spent = engine.handle.status(&id).await.unwrap().summary.progress.spent;

    let next = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    assert_ne!(next, id);
    engine.until("the held agent is asked again", |p| p.running() == 1).await;
    engine.provider.release();
    let row = engine.handle.settled(&next).await.unwrap();
    assert_eq!(row.summary.status, Status::Completed);
    assert!(row.summary.progress.spent.usage.total() > spent.usage.total());
    let again: Vec<String> = engine
        .provider
        .asked()
        .iter()
        .filter(|asked| asked.key.starts_with(next.as_str()))
        .map(|asked| asked.step().to_owned())
        .collect();
    assert!(!again.iter().any(|step| ["planner", "belter_0", "belter_2"].contains(&step.as_str())));
    assert_eq!(engine.handle.status(&id).await.unwrap().summary.status, Status::Cancelled);
}

#[tokio::test]
async fn a_failed_workflow_is_continued_and_its_failed_agents_get_another_try() {
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let engine = Engine::start(ScriptedProvider::new(move |asked| match asked.input.role {
        Role::Researcher if is_broken.load(std::sync::atomic::Ordering::Relaxed) => Act::Fail(FailureClass::Auth, None),
        _ => Act::Say(obliging(asked, 2)),
    }));
    let id = engine.submit(research(2)).await;
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Failed);
    broken.store(false, std::sync::atomic::Ordering::Relaxed);
    let next = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    assert_eq!(engine.handle.settled(&next).await.unwrap().summary.status, Status::Completed);
    assert_eq!(engine.provider.asked().iter().filter(|asked| asked.step() == "planner").count(), 1);
}

#[tokio::test]
async fn a_workflow_is_continued_once_however_often_that_is_asked() {
    let engine = Engine::start(holding("belter_1"));
    let id = engine.submit(research(3)).await;
    engine.until("only the held agent runs", |p| p.asked().len() == 4 && p.running() == 1).await;
    engine.handle.cancel(&id, "").await.unwrap();

    let first = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    engine.until("the held agent is asked again", |p| p.running() == 1).await;
    let asked = engine.provider.asked().len();
    let again = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(engine.provider.asked().len(), asked);

    // The one that continues it is cancelled too: now that one is what goes on.
    engine.handle.cancel(&first, "").await.unwrap();
    let second = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    assert!(second != first && second != id);
    engine.until("the held agent is asked a third time", |p| p.running() == 1).await;
    engine.provider.release();
    assert_eq!(engine.handle.settled(&second).await.unwrap().summary.status, Status::Completed);

    // What has been done is not done again.
    let asked = engine.provider.asked().len();
    assert_eq!(engine.handle.resume(&id, ResumeOptions::default()).await.unwrap(), second);
    assert_eq!(engine.provider.asked().len(), asked);
}

#[tokio::test]
async fn the_time_nobody_worked_is_not_the_workflows_after_a_crash() {
    let one = Engine::start(holding("belter_1"));
    let id = one.submit(research(2)).await;
    one.until("only the held agent runs", |p| p.asked().len() == 3 && p.running() == 1).await;
    one.until_recorded(&id, "step_completed", 2).await;
    // What a process that was killed right now would leave: its log, with a call nobody has ended.
    let row = one.handle.status(&id).await.unwrap();
    let log = one.handle.records(&id, Seq::ZERO, 1000).await.unwrap();
    let left = NewWorkflow {
        id: id.clone(),
        principal: row.principal,
        pattern: row.pattern,
        needs: row.needs,
        priority: row.priority,
        idempotency: None,
        records: log.into_iter().map(|recorded| recorded.record).collect(),
        summary: row.summary,
        reserved_for: None,
        queue_max: None,
    };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let two = Engine::start_on(store.clone(), ScriptedProvider::obliging(2), |builder| builder);
    two.clock.advance(Duration::from_secs(7 * 24 * 3600));
    store.create(left).await.unwrap();
    let ended = two.handle.settled(&id).await.unwrap().summary;
    assert_eq!(ended.status, Status::Completed, "{:?}", ended.failure);
}

#[tokio::test]
async fn a_worker_without_the_tools_leaves_the_workflow_to_one_that_has_them() {
    let count = || Callable::new("count", "Counts.", async |_| Ok::<_, ToolError>("3".to_owned())).unwrap();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let one = Engine::start_on(store.clone(), holding("gather"), |builder| builder.with_tool(count()));
    let draft = RequestDraft::sequential("How does a workflow survive a crash?")
        .with_step(StepDraft::agent("gather", "Gather what there is"))
        .with_step(StepDraft::tool("number", "count"))
        .with_step(StepDraft::agent("write", "Write the report").with_tools([""; 0]));
    let id = one.submit(draft).await;
    one.until("the agent runs", |p| p.running() == 1).await;
    one.handle.shutdown(Duration::ZERO).await.unwrap();

    for _ in 0..7 {
        let only = WorkerMode::Only(vec![id.clone()]);
        let without = Engine::start_on(store.clone(), ScriptedProvider::obliging(1), |b| b.with_worker_mode(only));
        let error = without.handle.settled(&id).await.unwrap_err();
        assert!(error.to_string().contains("the tool count is not registered here"), "{error}");
        without.handle.shutdown(Duration::ZERO).await.unwrap();
    }
    let with = Engine::start_on(store, ScriptedProvider::obliging(1), |builder| builder.with_tool(count()));
    let ended = with.handle.settled(&id).await.unwrap().summary;
    assert_eq!(ended.status, Status::Completed, "{:?}", ended.failure);
}

#[tokio::test]
async fn a_worker_of_its_own_work_runs_what_is_submitted_and_resumed_through_it() {
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let provider = ScriptedProvider::new(move |asked| match asked.input.role {
        Role::Researcher if is_broken.load(std::sync::atomic::Ordering::Relaxed) => Act::Fail(FailureClass::Auth, None),
        _ => Act::Say(obliging(asked, 2)),
    });
    let engine = Engine::start_with(provider, |builder| builder.with_worker_mode(WorkerMode::Own));
    let id = engine.submit(research(2)).await;
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Failed);
    broken.store(false, std::sync::atomic::Ordering::Relaxed);
    let next = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    assert_eq!(engine.handle.settled(&next).await.unwrap().summary.status, Status::Completed);
}

#[tokio::test]
async fn a_written_step_that_failed_is_tried_again_whatever_was_done_beside_it() {
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let engine = Engine::start(ScriptedProvider::new(move |asked| match asked.step() {
        "a" if is_broken.load(std::sync::atomic::Ordering::Relaxed) => Act::Fail(FailureClass::Auth, None),
        "b" => Act::Hold("Beside it.".to_owned()),
        _ => Act::Say(obliging(asked, 1)),
    }));
    let step = |id: &str| StepDraft::agent(id, format!("Do {id}"));
    let draft = RequestDraft::custom("How does a workflow survive a crash?")
        .with_step(step("a"))
        .with_step(step("b"))
        .with_step(step("c").with_needs(["b"]))
        .with_step(step("d").with_needs(["a", "c"]));
    let id = engine.submit(draft).await;
    // What needs only `b` is planned after `a` has failed.
    engine.until_recorded(&id, "step_failed", 1).await;
    engine.clock.advance(Duration::from_secs(1));
    engine.provider.release();
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Failed);
    broken.store(false, std::sync::atomic::Ordering::Relaxed);
    let next = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    assert_eq!(engine.handle.settled(&next).await.unwrap().summary.status, Status::Completed);
    let asked: Vec<String> = engine.provider.asked().iter().map(|asked| asked.step().to_owned()).collect();
    assert_eq!(asked.iter().filter(|step| *step == "a").count(), 2, "{asked:?}");
    assert_eq!(asked.iter().filter(|step| *step == "b" || *step == "c").count(), 2, "{asked:?}");
}

#[tokio::test]
async fn a_tools_answer_is_not_asked_for_again_after_a_restart() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("a.md"),
        "# Crashes\n\nA workflow survives a crash because its log is durable.\n",
    )
    .unwrap();
    let path = folder.path().to_path_buf();
    let script = |hold: bool| {
        ScriptedProvider::new(move |asked| match asked.step() {
            "belter_0" if asked.input.tool_calls_made == 0 => {
                Act::CallTool("corpus_search", r#"{"query":"workflow crash log"}"#.to_owned())
            }
            "belter_0" if hold => Act::Hang,
            "belter_0" | "camina" | "synthesis" => {
                let id = asked.input.spans.first().map(|span| span.id.to_string()).unwrap_or_default();
                Act::Say(format!("A workflow survives a crash because its log is durable. [{id}]"))
            }
            _ => Act::Say(obliging(asked, 1)),
        })
    };
    let one = Engine::start_on(store.clone(), script(true), |builder| builder.with_corpus("docs", &path));
    let id = one.submit(research(1)).await;
    one.until("the agent has its tool's answer", |p| {
        p.asked().iter().any(|a| a.step() == "belter_0" && a.input.tool_calls_made == 1)
    })
    .await;
    one.handle.shutdown(Duration::ZERO).await.unwrap();

    let two = Engine::start_on(store, script(false), |builder| builder.with_corpus("docs", &path));
    let results = two.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    let first = &two.provider.asked()[0];
    assert_eq!((first.step(), first.input.tool_calls_made), ("belter_0", 1));
    assert!(
        first.messages.iter().any(
            |m| matches!(m, mcp_orchestrator_domain::Message::Tool(t) if t.content.contains("its log is durable"))
        )
    );
    let report = results.report().unwrap();
    assert_eq!(report.outcome, mcp_orchestrator_domain::Outcome::Answered);
    assert_eq!(report.cited().len(), 1);
    assert_eq!(results.evidence.len(), 1);
}

#[tokio::test]
async fn an_agent_that_named_an_unknown_tool_goes_on_after_a_restart_without_asking_again() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.md"), "The log of a workflow survives a crash.\n").unwrap();
    let script = |hold: bool| {
        ScriptedProvider::new(move |asked| match (asked.step(), asked.input.tool_calls_made) {
            ("belter_0", 0) => Act::CallTools(vec![("crystal_ball", "{}".to_owned())]),
            ("belter_0", 1) => Act::CallTool("corpus_search", r#"{"query":"log"}"#.to_owned()),
            ("belter_0", _) if hold => Act::Hang,
            _ => Act::Say(obliging(asked, 1)),
        })
    };
    let one = Engine::start_on(store.clone(), script(true), |builder| builder.with_corpus("docs", folder.path()));
    let id = one.submit(research(1)).await;
    one.until("the third turn is asked", |p| p.asked().iter().any(|a| a.input.tool_calls_made == 2)).await;
    one.handle.shutdown(Duration::ZERO).await.unwrap();

    let two = Engine::start_on(store, script(false), |builder| builder.with_corpus("docs", folder.path()));
    assert_eq!(two.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    let first = &two.provider.asked()[0];
    assert_eq!((first.step(), first.input.tool_calls_made), ("belter_0", 2));
    let before = one.provider.asked();
    assert_eq!(first.messages, before[before.len() - 1].messages);
}

#[tokio::test]
async fn an_agent_that_ran_out_of_time_gets_new_time_when_its_workflow_is_continued() {
    let hangs = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_hanging = Arc::clone(&hangs);
    let engine = Engine::start(ScriptedProvider::new(move |asked| match asked.input.role {
        Role::Researcher if is_hanging.load(std::sync::atomic::Ordering::Relaxed) => Act::Hang,
        _ => Act::Say(obliging(asked, 2)),
    }));
    let id = engine.submit(research(1)).await;
    engine.until("the agent hangs", |provider| provider.running() == 1).await;
    engine.until_recorded(&id, "call_started", 1).await;
    for _ in 0..200 {
        engine.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Failed);
    hangs.store(false, std::sync::atomic::Ordering::Relaxed);
    let next = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    assert_eq!(engine.handle.settled(&next).await.unwrap().summary.status, Status::Completed);
}

fn holding(step: &'static str) -> ScriptedProvider {
    ScriptedProvider::new(move |asked| {
        if asked.step() == step { Act::Hold("late".to_owned()) } else { Act::Say(obliging(asked, 4)) }
    })
}
