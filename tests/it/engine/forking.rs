//! Forks at positions: whatever the strategy and wherever the cut, what was answered is not asked again, and the workflow
//! that is forked is left alone.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, OnceLock},
    time::Duration,
};

use mcp_orchestrator::{
    Callable, ConditionDraft, ForkOptions, RequestDraft, StepDraft, SuccessDraft, ToolError, WorkflowId,
};
use mcp_orchestrator_domain::{
    CallState, Event, FailureClass, Money, Recorded, Role, Seq, Status, Target, Workflow, whole_plans,
};
use mcp_orchestrator_providers::Price;
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, obliging};
use proptest::prelude::{ProptestConfig, any, proptest};
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
pub(super) fn answer(asked: &Asked) -> Act {
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

pub(super) fn price() -> Price {
    Price { input_per_million: Money::from_usd(1.0).unwrap(), output_per_million: Money::from_usd(2.0).unwrap() }
}

pub(super) fn engine(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Engine {
    let provider = ScriptedProvider::new(script).with_price(price());
    Engine::start_with(provider, |builder| builder.with_tool(count_words()))
}

/// Waits for the end, and says yes to whatever is asked on the way.
pub(super) async fn ended(engine: &Engine, id: &WorkflowId) -> Status {
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

pub(super) async fn log(engine: &Engine, id: &WorkflowId) -> Vec<Recorded> {
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

/// The names of all steps.
fn steps(workflow: &Workflow) -> BTreeSet<String> {
    workflow.steps().iter().map(|step| step.id().to_string()).collect()
}

/// Forks at a position and sees that nothing is paid twice. Answers with how the fork ended.
async fn forked_at(engine: &Engine, id: &WorkflowId, before: &[Recorded], at: Seq) -> Workflow {
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
    assert_eq!(workflow.status(), status);
    workflow
}

#[tokio::test]
async fn every_strategy_is_forked_at_every_position_and_pays_nothing_twice() {
    for (name, draft) in drafts() {
        let engine = engine(answer);
        let id = engine.submit(draft).await;
        assert_eq!(ended(&engine, &id).await, Status::Completed, "{name}");
        let before = log(&engine, &id).await;
        let original = Workflow::fold(id.clone(), &before).unwrap().unwrap();
        for at in 1..=before.len() as u64 {
            let fork = forked_at(&engine, &id, &before, Seq::new(at)).await;
            assert_eq!(fork.status(), Status::Completed, "{name} at {at}");
            assert_eq!(steps(&fork), steps(&original), "{name} at {at}");
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
            let original = Arc::new(OnceLock::<WorkflowId>::new());
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
            let fork = forked_at(&engine, &id, &before, at).await;
            assert_eq!(fork.status(), Status::Completed, "at {at} of {}", before.len());
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
