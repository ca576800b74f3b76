//! Budgets over random trees of calls: whatever is planned, fails, is tried again, asked beside, answered by somebody else, cut
//! off by a crash and continued as another workflow, what is spent and what is set aside stay within them at every record.

use std::{
    cell::Cell,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use mcp_orchestrator::{
    ForkOptions, Handle, Hedge, ListFilter, Orchestrator, RequestDraft, ResumeOptions, Status, StepDraft,
    domain::{Abandoned, CallState, Cost, FailureClass, Money, ProviderName, Recorded, Seq, Usage, Workflow},
};
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_providers::{Price, estimated_prompt_tokens};
use mcp_orchestrator_store::Store;
use mcp_orchestrator_testkit::{Act, Asked, Luck, ManualClock, ScriptedProvider, TappedStore};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::{
    killer::{Killer, Moment},
    place::{Memory, Place},
    point::{runtime, whole_log},
    story::{count_words, sequential},
};

/// Workflows that are tried.
const CASES: u32 = 96;
/// Turns of the clock within which everything has ended: a call that hangs has 180 seconds.
const TURNS_MAX: usize = 6_000;

/// What is tried once: a plan, budgets, a moment of death. The rest is luck.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    steps: u64,
    tokens: Option<u64>,
    cents: Option<u64>,
    calls: Option<u64>,
    dies_at: Option<(usize, usize)>,
}

fn cases() -> impl Strategy<Value = Case> {
    let budgets = (
        proptest::option::weighted(0.7, 2_500..40_000_u64),
        proptest::option::weighted(0.7, 4..60_u64),
        proptest::option::weighted(0.5, 2..30_u64),
    );
    let dies_at = proptest::option::weighted(0.7, (1..14_usize, 0..Moment::ALL.len()));
    (any::<u64>(), 1..7_u64, budgets, dies_at).prop_map(|(seed, steps, (tokens, cents, calls), dies_at)| Case {
        seed,
        steps,
        tokens,
        cents,
        calls,
        dies_at,
    })
}

/// What has happened over all cases: a test of budgets in which nothing goes wrong proves nothing.
#[derive(Debug, Default)]
struct Seen {
    deaths: Cell<usize>,
    continued: Cell<usize>,
    beaten: Cell<usize>,
    cut_off: Cell<usize>,
    failed: Cell<usize>,
    refused: Cell<usize>,
    completed: Cell<usize>,
}

fn more(counter: &Cell<usize>, by: usize) {
    counter.set(counter.get() + by);
}

#[test]
fn whatever_happens_to_whatever_is_planned_no_budget_is_exceeded_at_any_record() {
    let seen = Seen::default();
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    runner
        .run(&cases(), |case| {
            run(&case, &seen);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let Seen { deaths, continued, beaten, cut_off, failed, refused, completed } = &seen;
    for (what, count) in [
        ("engines died", deaths),
        ("workflows were continued as others", continued),
        ("calls were beaten", beaten),
        ("calls were cut off", cut_off),
        ("calls failed", failed),
        ("calls were refused for a budget", refused),
        ("workflows completed", completed),
    ] {
        assert!(count.get() >= CASES as usize / 16, "only {} {what}: {seen:?}", count.get());
    }
}

/// Runs a case over two lives, then continues what came of it twice, and looks at every record of all logs.
fn run(case: &Case, seen: &Seen) {
    let place = Memory::fresh();
    let first = runtime();
    let killer = Killer::new(case.dies_at.map(|(at, moment)| (at, Moment::ALL[moment])));
    let (died, handle) = first.block_on(async {
        let life = Life::begin(case, 0, place.open().await, killer);
        let died = tokio::select! {
            biased;
            () = life.store.tap.death() => true,
            () = async { let id = life.handle.submit(draft(case)).await.unwrap(); life.settle(&id).await; } => false,
        };
        (died, life.handle)
    });
    drop(first);
    drop(handle);
    place.owner_died();
    more(&seen.deaths, usize::from(died));
    runtime().block_on(async {
        let store = place.open().await;
        let life = Life::begin(case, 1, store.clone(), Killer::new(None));
        let Some(row) = store.list(&ListFilter::default()).await.unwrap().pop() else { return };
        life.settle(&row.id).await;
        let mut ids = vec![row.id.clone()];
        if let Ok(next) = life.handle.resume(&row.id, ResumeOptions::default()).await {
            life.settle(&next).await;
            ids.push(next);
        }
        let length = whole_log(&*store, &row.id).await.len() as u64;
        let at = Some(Seq::new(2 + Luck(case.seed).below(length - 1, "fork")));
        if let Ok(next) = life.handle.fork(&row.id, ForkOptions { at, ..ForkOptions::default() }).await {
            let next = next.id;
            life.settle(&next).await;
            ids.push(next);
        }
        more(&seen.continued, ids.len() - 1);
        for id in &ids {
            let log = whole_log(&*store, id).await;
            let workflow = within_budgets(case, id, &log);
            note(&workflow, seen);
        }
    });
}

/// Holds what is spent and set aside after each record against the budgets.
fn within_budgets(case: &Case, id: &WorkflowId, log: &[Recorded]) -> Workflow {
    let mut workflow = Workflow::open(id.clone(), &log[0]).unwrap();
    let budget = workflow.request().budget;
    for recorded in &log[1..] {
        workflow.apply(recorded).unwrap();
        let (spent, reserved, held) = (workflow.spent(), workflow.reserved(), workflow.held());
        let place = || format!("{case:?}: {id} after record {}, {:?}", recorded.seq, recorded.record.event);
        if let Some(max) = budget.tokens_max {
            let taken = spent.usage.total() + reserved.0 + held.0;
            assert!(taken <= max, "{taken} of {max} tokens, {}", place());
        }
        if let Some(max) = budget.cost_max {
            let taken = spent.cost.plus(reserved.1).plus(held.1);
            assert!(taken <= max && workflow.unbounded_calls() == 0, "{taken} of {max}, {}", place());
        }
        if let Some(max) = budget.calls_max {
            assert!(spent.calls <= max, "{} of {max} calls, {}", spent.calls, place());
        }
        assert_eq!(recorded.record.progress.spent, *spent, "clients are told what the log says, {}", place());
    }
    let of_steps = workflow.steps().iter().fold(Cost::FREE, |sum, step| sum.plus(step.used().cost));
    assert_eq!(of_steps.known(), workflow.spent().total_cost(), "{case:?}: every call is some step's");
    assert_eq!(workflow.reserved(), (0, Money::ZERO), "{case:?}: nothing stays set aside for calls that have ended");
    workflow
}

fn note(workflow: &Workflow, seen: &Seen) {
    let count = |is: &dyn Fn(&CallState) -> bool| workflow.calls().iter().filter(|call| is(&call.state)).count();
    let abandoned = |reasons: &'static [Abandoned]| move |state: &CallState| matches!(state, CallState::Abandoned { reason, .. } if reasons.contains(reason));
    more(&seen.beaten, count(&abandoned(&[Abandoned::Hedge])));
    more(&seen.cut_off, count(&abandoned(&[Abandoned::Crash, Abandoned::Stopped])));
    more(&seen.failed, count(&|state| matches!(state, CallState::Failed { .. })));
    let of_budget = workflow.steps().iter().filter_map(|step| step.failure());
    more(&seen.refused, of_budget.filter(|failure| failure.class == FailureClass::Budget).count());
    more(&seen.completed, usize::from(workflow.status() == Status::Completed));
}

/// An engine with its clock.
struct Life {
    handle: Handle,
    clock: ManualClock,
    store: Arc<TappedStore<Killer>>,
}

impl Life {
    fn begin(case: &Case, number: u64, store: Arc<dyn Store>, killer: Killer) -> Self {
        let (clock, store) = (ManualClock::new(), TappedStore::new(store, killer));
        let luck = Luck(case.seed.wrapping_add(number));
        let provider = |name: &'static str, dollars: f64| {
            let price = Price {
                input_per_million: Money::from_usd(dollars).unwrap(),
                output_per_million: Money::from_usd(dollars * 5.0).unwrap(),
            };
            ScriptedProvider::new(move |asked| act(luck, name, price, asked)).named(name).with_price(price)
        };
        let second = ProviderName::new("second").unwrap();
        let handle = Orchestrator::builder_shared(Arc::<TappedStore<Killer>>::clone(&store))
            .with_provider(provider("first", 3.0))
            .with_provider(provider("second", 1.0))
            .with_fallback([second])
            .with_hedge(Hedge::After(Duration::from_secs(10)))
            .with_tool(count_words(&sequential(), &Arc::new(AtomicUsize::new(0))))
            .with_clock(clock.clone())
            .build()
            .unwrap()
            .start();
        Self { handle, clock, store }
    }

    /// Lets time pass until a workflow has ended.
    async fn settle(&self, id: &WorkflowId) {
        for _ in 0..TURNS_MAX {
            for _ in 0..12 {
                tokio::task::yield_now().await;
            }
            if self.handle.status(id).await.unwrap().summary.status.is_terminal() {
                return;
            }
            self.clock.advance(Duration::from_millis(500));
        }
        panic!("{id} does not end");
    }
}

/// Agents and tools that read what some of those before them wrote.
fn draft(case: &Case) -> RequestDraft {
    let luck = Luck(case.seed);
    let mut draft = RequestDraft::custom("How does a workflow survive a crash?");
    for number in 0..case.steps {
        let id = format!("s{number}");
        let needs: Vec<String> = (0..number)
            .filter(|other| luck.happens(40, ("needs", number, other)))
            .map(|other| format!("s{other}"))
            .collect();
        let step = match luck.below(6, ("kind", number)) {
            0 => StepDraft::tool(id, "count_words").with_argument("text", "some words"),
            1 | 2 => StepDraft::agent(id, "Count").with_tools(["count_words"]),
            _ => StepDraft::agent(id, "Write"),
        };
        draft = draft.with_step(step.with_needs(needs));
    }
    #[expect(clippy::cast_precision_loss, reason = "a few cents")]
    let budget_usd = case.cents.map(|cents| cents as f64 / 100.0);
    RequestDraft { budget_usd, budget_tokens: case.tokens, max_calls: case.calls, ..draft }
}

/// What a model does with a request, and what it takes for it: at most what was set aside.
fn act(luck: Luck, name: &str, price: Price, asked: &Asked) -> Act {
    let turn = |what: &'static str| (what, name, &asked.key, asked.before);
    let prompt = estimated_prompt_tokens(&asked.messages, &[]);
    let usage = Usage {
        input: luck.below(prompt + 1, turn("input")),
        output: luck.below(400, turn("output")),
        ..Usage::default()
    };
    let charged = Money::from_pico_usd(luck.below(price.of(usage.input, usage.output).pico_usd() + 1, turn("cost")));
    let cost = match luck.below(4, turn("bill")) {
        0 => Cost::Unknown,
        1 => Cost::Estimated(charged),
        _ => Cost::Reported(charged),
    };
    let say = || Act::Say(format!("The finding of {} is clear.", asked.step()));
    let act = match luck.below(20, turn("act")) {
        0 => return Act::Hang,
        1 => Act::Fail(FailureClass::Network, None),
        2 => Act::Fail(FailureClass::Server, None),
        3 => Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(3))),
        4 => Act::Fail(FailureClass::QuotaExhausted, None),
        5 => Act::SayCut("The finding".to_owned()),
        6 => Act::Fail(FailureClass::Decode, None),
        7..10 => Act::Hang,
        10..14 if !asked.input.tools.is_empty() => Act::CallTool("count_words", r#"{"text":"a b"}"#.to_owned()),
        _ => say(),
    };
    match act {
        Act::Hang if asked.key.ends_with("/hedge") => Act::Bill(usage, cost, Box::new(say())),
        Act::Hang => act,
        act => Act::Bill(usage, cost, Box::new(act)),
    }
}
