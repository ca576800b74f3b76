//! Forks at positions: whatever the strategy and wherever the cut, what was answered is not asked again, and the workflow
//! that is forked is left alone.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use mcp_orchestrator::{
    Callable, ConditionDraft, Error, ForkOptions, Principal, RequestDraft, ResumeOptions, StepDraft, SuccessDraft,
    ToolError, WorkflowId,
};
use mcp_orchestrator_domain::{
    CallState, Event, FailureClass, Money, Recorded, Rejected, Role, Seq, Status, Target, Workflow, whole_plans,
};
use mcp_orchestrator_providers::Price;
use mcp_orchestrator_store::{ListFilter, MemoryStore, Store};
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, obliging};
use proptest::prelude::*;
use serde_json::{Map, json};

use super::harness::{Engine, research};

const TASK: &str = "How does a workflow survive a crash?";

fn agent(id: &str) -> StepDraft {
    StepDraft::agent(id, format!("Do {id}"))
}

/// One workflow of every strategy, between them with every kind of step.
fn drafts() -> [(&'static str, RequestDraft); 7] {
    let arguments = Map::from_iter([("text".to_owned(), json!({ "from": "draft" }))]);
    [
        ("beltalowda", RequestDraft { synthesis_group_size: Some(2), ..research(4) }),
        ("one agent", RequestDraft { num_agents: Some(1), ..RequestDraft::research(TASK) }),
        ("swarm", RequestDraft { num_agents: Some(3), ..RequestDraft::search(TASK) }),
        (
            "sequential",
            RequestDraft::sequential(TASK)
                .with_step(agent("gather"))
                .with_step(StepDraft::tool("count", "count_words").with_argument_from("text", "gather", ""))
                .with_step(StepDraft::ask("approve", "Is this enough?"))
                .with_step(agent("write")),
        ),
        (
            "conditional",
            RequestDraft::conditional(TASK, ConditionDraft::agent("Is it about crashes or about money?"))
                .with_step(agent("read"))
                .with_branch("crashes", [agent("explain")])
                .with_branch("money", [agent("count"), agent("tell")]),
        ),
        (
            "iterative",
            RequestDraft::iterative(TASK, SuccessDraft::predicate("count_words", arguments))
                .with_step(agent("draft"))
                .with_step(agent("polish")),
        ),
        (
            "custom",
            RequestDraft::custom(TASK)
                .with_step(agent("left"))
                .with_step(agent("right"))
                .with_step(agent("middle").with_needs(["left", "right"]))
                .with_step(agent("last").with_needs(["middle"])),
        ),
    ]
}

/// Answers that do not depend on the workflow, so that a fork is told what the workflow it is of would have been.
fn answer(asked: &Asked) -> Act {
    match asked.step() {
        "condition" => Act::Say(r#"{"branch":"money","reason":"It asks for a price."}"#.to_owned()),
        "draft-1" => Act::Say("Too short.".to_owned()),
        "draft-2" => Act::Say("This draft has quite a few more words.".to_owned()),
        _ => Act::Say(obliging(asked, 4)),
    }
}

fn count_words() -> Callable {
    let count = async |arguments: serde_json::Value| {
        let text = arguments["text"].as_str().ok_or_else(|| ToolError::failed("there is no text"))?;
        let words = text.split_whitespace().count();
        Ok(json!({ "words": words, "done": words > 6 }).to_string())
    };
    Callable::new("count_words", "Counts words.", count).unwrap()
}

fn price() -> Price {
    Price { input_per_million: Money::from_usd(1.0).unwrap(), output_per_million: Money::from_usd(2.0).unwrap() }
}

fn engine(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Engine {
    let provider = ScriptedProvider::new(script).with_price(price());
    Engine::start_with(provider, |builder| builder.with_tool(count_words()))
}

/// Waits for the end, and says yes to whatever is asked on the way.
async fn ended(engine: &Engine, id: &WorkflowId) -> Status {
    let ended = async {
        loop {
            let row = engine.handle.status(id).await.unwrap();
            match row.summary.status {
                Status::Waiting => {
                    for question in engine.handle.questions(id).await.unwrap() {
                        engine.handle.answer(id, question.step, "yes").await.unwrap();
                    }
                }
                status if status.is_terminal() => return status,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap_or_else(|_| panic!("{id} does not end"))
}

async fn log(engine: &Engine, id: &WorkflowId) -> Vec<Recorded> {
    engine.handle.records(id, Seq::ZERO, 1000).await.unwrap()
}

/// Calls by what names them in any workflow: step, turn, place among the turn's tools, and whether a model is asked.
fn answered(workflow: &Workflow) -> HashSet<(String, u16, u16, bool)> {
    let done =
        workflow.calls().iter().filter(|call| matches!(call.state, CallState::Completed { is_error: false, .. }));
    done.map(|call| {
        let is_model = matches!(call.target, Target::Model { .. });
        (workflow.steps()[call.step].id().to_string(), call.turn, call.position, is_model)
    })
    .collect()
}

/// Forks at a position and sees that nothing is paid twice. Answers with how the fork ended.
async fn forked_at(engine: &Engine, id: &WorkflowId, before: &[Recorded], at: Seq) -> Status {
    let begins = whole_plans(before, at);
    let taken = &before[..usize::try_from(begins.value()).unwrap()];
    let source = Workflow::fold(id.clone(), taken).unwrap().unwrap();
    let options = ForkOptions { at: Some(at), ..ForkOptions::default() };
    let fork = engine.handle.fork(id, options).await.unwrap();
    assert!(fork.made.is_some() && fork.id != *id);
    let status = ended(engine, &fork.id).await;

    let records = log(engine, &fork.id).await;
    assert!(records.iter().zip(1..).all(|(recorded, seq)| recorded.seq == Seq::new(seq)), "the log has a gap");
    let workflow = Workflow::fold(fork.id.clone(), &records).unwrap().unwrap();
    let known = answered(&source);
    let mut own = 0;
    for call in workflow.calls().iter().filter(|call| !call.inherited) {
        let is_model = matches!(call.target, Target::Model { .. });
        let name = (workflow.steps()[call.step].id().to_string(), call.turn, call.position, is_model);
        assert!(!known.contains(&name), "at {at}: {name:?} is asked again");
        own += u32::from(is_model);
    }
    let paid = engine.provider.asked().iter().filter(|asked| asked.key.starts_with(fork.id.as_str())).count();
    assert_eq!(paid, own as usize, "at {at}: what is asked is in the log");

    let from = workflow.forked_from().unwrap();
    assert_eq!((&from.id, from.at, from.spent.cost), (id, begins, source.spent().cost));
    assert_eq!(from.spent.usage, source.spent().usage);
    assert_eq!(from.spent.calls as usize, source.calls().iter().filter(|call| !call.is_open()).count());
    let row = engine.handle.status(&fork.id).await.unwrap();
    assert_eq!(row.summary.forked_from.as_ref(), Some(from));
    assert_eq!(log(engine, id).await, before, "at {at}: the workflow itself has changed");
    status
}

#[tokio::test]
async fn every_strategy_is_forked_at_every_position_and_pays_nothing_twice() {
    for (name, draft) in drafts() {
        let engine = engine(answer);
        let id = engine.submit(draft).await;
        assert_eq!(ended(&engine, &id).await, Status::Completed, "{name}");
        let before = log(&engine, &id).await;
        for at in 1..=before.len() as u64 {
            let status = forked_at(&engine, &id, &before, Seq::new(at)).await;
            assert_eq!(status, Status::Completed, "{name} at {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn a_workflow_in_which_calls_fail_is_forked_anywhere(which in 0..7_usize, broken in any::<u16>(), cut in any::<usize>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_, draft) = drafts()[which].clone();
            // The same steps fail in the workflow itself and never in its forks.
            let original = Arc::new(std::sync::OnceLock::<WorkflowId>::new());
            let known = Arc::clone(&original);
            let engine = engine(move |asked| {
                let sum = asked.step().bytes().map(u16::from).sum::<u16>();
                let is_first = known.get().is_none_or(|id| asked.key.starts_with(id.as_str()));
                if is_first && broken >> (sum % 16) & 1 == 1 && asked.input.role != Role::Planner {
                    return Act::Fail(FailureClass::Auth, None);
                }
                answer(asked)
            });
            let id = engine.submit(draft).await;
            ended(&engine, &id).await;
            original.set(id.clone()).unwrap();
            let before = log(&engine, &id).await;
            let at = Seq::new(1 + (cut % before.len()) as u64);
            let status = forked_at(&engine, &id, &before, at).await;
            assert_eq!(status, Status::Completed, "at {at} of {}", before.len());
        });
    }
}

#[tokio::test]
async fn a_workflow_that_runs_is_forked_and_not_disturbed() {
    let engine = engine(|asked| match asked.step() {
        "belter_1" => Act::Hold(obliging(asked, 3)),
        _ => answer(asked),
    });
    let id = engine.submit(research(3)).await;
    engine.until_recorded(&id, "step_completed", 3).await;
    let planned = log(&engine, &id).await;
    let at = planned.iter().find(|recorded| matches!(recorded.record.event, Event::StepCompleted(_))).unwrap().seq;
    let options = ForkOptions { at: Some(at), ..ForkOptions::default() };
    let fork = engine.handle.fork(&id, options).await.unwrap();
    engine.until("both hold", |provider| provider.running() == 2).await;
    engine.provider.release();
    assert_eq!(ended(&engine, &id).await, Status::Completed);
    assert_eq!(ended(&engine, &fork.id).await, Status::Completed);
    let asked = engine.provider.asked();
    assert_eq!(asked.iter().filter(|asked| asked.step() == "planner").count(), 1);
    assert_eq!(asked.iter().filter(|asked| asked.step() == "belter_1").count(), 2);
}

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
    let later = mcp_orchestrator_domain::Timestamp::from_millis(u64::MAX / 2);
    assert_eq!(store.purge(later, 10).await.unwrap().workflows, 1);
    assert!(engine.handle.status(&id).await.is_err());
    engine.provider.release();
    assert_eq!(ended(&engine, &fork.id).await, Status::Completed);
    let results = engine.handle.results(&fork.id).await.unwrap();
    let texts: BTreeMap<_, _> = results.steps.iter().map(|step| (step.id.as_str(), step.text.clone())).collect();
    assert_eq!(texts["belter_0"].as_deref(), Some(long.trim()));
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
