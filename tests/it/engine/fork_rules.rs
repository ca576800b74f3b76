//! What a fork is given and refused, what it shows of where it is from, and what is known at a position.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mcp_orchestrator::{Error, ForkOptions, Principal, RequestDraft, ResumeOptions};
use mcp_orchestrator_domain::{
    Event, FailureClass, Money, PatternName, Rejected, Role, Seq, Status, StepSpec, Timestamp, Workflow,
};
use mcp_orchestrator_store::{ListFilter, MemoryStore, Retention, Store, StoreError};
use mcp_orchestrator_strategies::{Inputs, Next, Pattern, Prompt, Strategy};
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, StoreCall, Tap, TappedStore, obliging};
use serde_json::json;

use super::{
    forking::{answer, ended, engine, log, price},
    harness::{Engine, research},
};

#[tokio::test]
async fn a_fork_goes_on_with_what_it_asks_for_and_counts_what_was_paid_before() {
    let engine = engine(answer);
    let id = engine.submit(research(3)).await;
    assert_eq!(ended(&engine, &id).await, Status::Completed);
    let before = log(&engine, &id).await;
    let camina = before
        .iter()
        .find(|recorded| matches!(&recorded.record.event, Event::StepPlanned(spec) if spec.role == Role::Executive));
    let at = Seq::new(camina.unwrap().seq.value() - 1);
    let set = RequestDraft {
        model: Some("larger".to_owned()),
        title: Some("Once more".to_owned()),
        document_formats: Some(vec!["json".to_owned()]),
        budget_usd: Some(1.0),
        ..RequestDraft::default()
    };
    let fork = engine.handle.fork(&id, ForkOptions { at: Some(at), set, ..ForkOptions::default() }).await.unwrap();
    let made = fork.made.unwrap();
    assert_eq!(made.row.summary.title.as_ref(), "Once more");
    let results = engine.handle.wait(&fork.id).await.unwrap();
    assert_eq!(results.documents.len(), 1);
    assert!(results.documents[0].name.ends_with(".json"));
    let own: Vec<_> = engine.provider.asked().into_iter().filter(|a| a.key.starts_with(fork.id.as_str())).collect();
    assert_eq!(own.iter().map(Asked::step).collect::<Vec<_>>(), ["camina"]);
    assert_eq!(own[0].model.as_ref().unwrap().as_str(), "larger");
    let summary = results.row.summary;
    let (spent, from) = (summary.progress.spent, summary.forked_from.unwrap());
    assert_eq!((from.spent.model_calls, spent.model_calls), (4, 5));
    assert_eq!(spent.total_cost(), Some(price().of(5 * 100, 5 * 20)));
    assert!(from.spent.cost > Money::ZERO);
    let told = engine.events(&fork.id).await;
    let event = serde_json::to_value(&told[1]).unwrap();
    assert_eq!(event["event_type"], "workflow_forked");
    assert_eq!(event["data"]["forked_from"], json!({ "task_id": id, "at": at }));
}

#[tokio::test]
async fn what_comes_too_late_and_what_is_not_there_is_refused_by_name() {
    let engine = engine(answer);
    let id = engine.submit(research(2)).await;
    assert_eq!(ended(&engine, &id).await, Status::Completed);
    let head = engine.handle.status(&id).await.unwrap().head;
    let fields = async |at: u64, set: RequestDraft| {
        let options = ForkOptions { at: Some(Seq::new(at)), set, ..ForkOptions::default() };
        match engine.handle.fork(&id, options).await {
            Err(Error::Invalid(invalid)) => invalid.to_string(),
            other => panic!("{other:?}"),
        }
    };
    for at in [0, head.value() + 1] {
        assert_eq!(
            fields(at, RequestDraft::default()).await,
            format!("at: is {at}, and the log has the positions 1 to {head}")
        );
    }
    let late = RequestDraft { num_agents: Some(3), ..RequestDraft::default() };
    assert!(
        fields(head.value(), late.clone()).await.starts_with("num_agents: was used for what is planned at position 3")
    );
    let unknown = RequestDraft { provider_name: Some("nobody".to_owned()), ..RequestDraft::default() };
    let options = ForkOptions { at: Some(head), set: unknown, ..ForkOptions::default() };
    assert!(matches!(engine.handle.fork(&id, options).await, Err(Error::UnknownProvider { .. })));
    let stranger = engine.handle.for_principal(Principal::named("stranger"));
    let options = ForkOptions { at: Some(head), ..ForkOptions::default() };
    assert!(matches!(stranger.fork(&id, options.clone()).await, Err(Error::NotFound(_))));
    assert!(matches!(stranger.results_at(&id, head).await, Err(Error::NotFound(_))));
    assert!(matches!(engine.handle.results_at(&id, Seq::ZERO).await, Err(Error::Invalid(_))));
    let headless = engine.handle.fork(&id, ForkOptions::default()).await;
    assert!(matches!(headless, Err(Error::Rejected(Rejected::NotEnded(Status::Completed)))));
    assert_eq!(engine.handle.list(ListFilter::default()).await.unwrap().len(), 1, "nothing was started");
    engine.handle.drain();
    assert!(matches!(engine.handle.fork(&id, options).await, Err(Error::ShuttingDown)));
}

#[tokio::test]
async fn the_same_key_is_the_same_fork_and_never_another_one() {
    let engine = engine(answer);
    let id = engine.submit(research(2)).await;
    ended(&engine, &id).await;
    let key = || Some("once".to_owned());
    let options = |at| ForkOptions { at: Some(Seq::new(at)), idempotency_key: key(), ..ForkOptions::default() };
    let first = engine.handle.fork(&id, options(5)).await.unwrap();
    let again = engine.handle.fork(&id, options(5)).await.unwrap();
    assert_eq!((again.id, again.made), (first.id.clone(), None));
    assert!(matches!(engine.handle.fork(&id, options(6)).await, Err(Error::IdempotencyMismatch)));
    let without = ForkOptions { idempotency_key: None, ..options(5) };
    assert_ne!(engine.handle.fork(&id, without).await.unwrap().id, first.id);
}

#[tokio::test]
async fn at_its_head_a_failed_workflow_is_continued_once_and_with_changes() {
    let engine = engine(|asked| match (&asked.model, &asked.input.role) {
        (None, Role::Researcher) => Act::Fail(FailureClass::Auth, None),
        _ => answer(asked),
    });
    let id = engine.submit(research(2)).await;
    assert_eq!(ended(&engine, &id).await, Status::Failed);
    let set = RequestDraft { agent_model: Some("another".to_owned()), ..RequestDraft::default() };
    let options = ForkOptions { set, ..ForkOptions::default() };
    let next = engine.handle.fork(&id, options.clone()).await.unwrap();
    assert_eq!(ended(&engine, &next.id).await, Status::Completed);
    let again = engine.handle.fork(&id, options).await.unwrap();
    assert_eq!((&again.id, again.made), (&next.id, None));
    assert_eq!(engine.handle.resume(&id, ResumeOptions::default()).await.unwrap(), next.id);
    assert_eq!(engine.provider.asked().iter().filter(|asked| asked.step() == "planner").count(), 1);
}

#[tokio::test]
async fn a_fork_outlives_the_workflow_it_was_forked_from() {
    let long: String = "The harbour is deep and wide. ".repeat(2_000);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let text = long.clone();
    let provider = ScriptedProvider::new(move |asked| match &asked.input.role {
        Role::Researcher => Act::Say(text.clone()),
        Role::Executive => Act::Hold(obliging(asked, 2)),
        _ => answer(asked),
    });
    let engine = Engine::start_on(Arc::clone(&store), provider, |builder| builder);
    let id = engine.submit(research(2)).await;
    engine.until("the report is being written", |provider| provider.running() == 1).await;
    let head = engine.handle.status(&id).await.unwrap().head;
    let fork = engine.handle.fork(&id, ForkOptions { at: Some(head), ..ForkOptions::default() }).await.unwrap();
    engine.until("both write", |provider| provider.running() == 2).await;
    engine.handle.cancel(&id, "").await.unwrap();
    let later = Timestamp::from_millis(u64::MAX / 2);
    assert_eq!(
        store.purge(&Retention { finished_before: Some(later), ..Retention::default() }, 10).await.unwrap().workflows,
        1
    );
    assert!(engine.handle.status(&id).await.is_err());
    engine.provider.release();
    assert_eq!(ended(&engine, &fork.id).await, Status::Completed);
    let results = engine.handle.results(&fork.id).await.unwrap();
    let texts: BTreeMap<_, _> = results.steps.iter().map(|step| (step.id.as_str(), step.text.clone())).collect();
    assert_eq!(texts["belter_0"].as_deref(), Some(long.trim()));
}

/// Takes every ended workflow away right before the next one is created.
struct Purges {
    inner: Arc<dyn Store>,
    is_armed: AtomicBool,
}

#[mcp_orchestrator::async_trait]
impl Tap for Purges {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        if matches!(call, StoreCall::Create(_)) && self.is_armed.load(Ordering::Relaxed) {
            self.inner
                .purge(
                    &Retention { finished_before: Some(Timestamp::from_millis(u64::MAX / 2)), ..Retention::default() },
                    10,
                )
                .await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_workflow_that_is_taken_away_while_it_is_forked_leaves_no_fork_that_runs() {
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let store = TappedStore::new(Arc::clone(&inner), Purges { inner, is_armed: AtomicBool::new(false) });
    let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
    let engine = Engine::start_on(shared, ScriptedProvider::new(answer), |builder| builder);
    let id = engine.submit(research(2)).await;
    ended(&engine, &id).await;
    store.tap.is_armed.store(true, Ordering::Relaxed);
    let options = ForkOptions { at: Some(Seq::new(5)), ..ForkOptions::default() };
    assert!(matches!(engine.handle.fork(&id, options).await, Err(Error::NotFound(gone)) if gone == id));
    let left = engine.handle.list(ListFilter::default()).await.unwrap();
    assert!(left.iter().all(|row| row.summary.status == Status::Cancelled), "{left:?}");
}

/// The default strategy as a later version has it.
struct Later(PatternName);

impl Strategy for Later {
    fn name(&self) -> &PatternName {
        &self.0
    }

    fn version(&self) -> u32 {
        2
    }

    fn describe(&self) -> Pattern {
        Pattern::new(self.0.clone(), 2, "Later", "Plans otherwise.")
    }

    fn next(&self, _: &Workflow) -> Next {
        Next::wait()
    }

    fn render(&self, _: &StepSpec, _: &Inputs<'_>) -> Prompt {
        Prompt::default()
    }
}

#[tokio::test]
async fn what_another_version_of_the_strategy_planned_is_not_gone_on_with() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let one = Engine::start_on(Arc::clone(&store), ScriptedProvider::new(answer), |builder| builder);
    let id = one.submit(research(2)).await;
    ended(&one, &id).await;
    one.handle.shutdown(Duration::ZERO).await.unwrap();
    let two = Engine::start_on(store, ScriptedProvider::new(answer), |builder| {
        builder.without_strategies().with_strategy(Later(PatternName::new("beltalowda").unwrap()))
    });
    let fork = async |at| two.handle.fork(&id, ForkOptions { at: Some(Seq::new(at)), ..ForkOptions::default() }).await;
    let refused = fork(3).await.unwrap_err().to_string();
    assert!(refused.contains("at: is 3: version 1 of beltalowda planned"), "{refused}");
    assert!(fork(2).await.unwrap().made.is_some(), "nothing was planned by then");
}

#[tokio::test]
async fn results_at_a_position_are_what_was_known_then() {
    let engine = engine(answer);
    let id = engine.submit(RequestDraft { citation_gate: Some("off".to_owned()), ..research(3) }).await;
    assert_eq!(ended(&engine, &id).await, Status::Completed);
    let records = log(&engine, &id).await;
    let mut reported = false;
    for recorded in &records {
        let then = engine.handle.results_at(&id, recorded.seq).await.unwrap();
        let summary = &then.row.summary;
        assert_eq!((then.row.head, &summary.progress), (recorded.seq, &recorded.record.progress));
        let ended = records
            .iter()
            .take_while(|other| other.seq <= recorded.seq)
            .filter(|other| matches!(other.record.event, Event::StepCompleted(_) | Event::StepFailed(_)));
        assert_eq!(then.steps.len(), ended.count());
        reported |= matches!(recorded.record.event, Event::ReportChecked(_));
        assert_eq!(then.document.is_some(), reported);
        assert_eq!(summary.status.is_terminal(), recorded.record.event.is_terminal());
    }
    let last = engine.handle.results_at(&id, records.last().unwrap().seq).await.unwrap();
    let now = engine.handle.results(&id).await.unwrap();
    assert_eq!((&last.row, &last.documents, &last.steps), (&now.row, &now.documents, &now.steps));
}
