//! A workflow that kills its workers is held back, whatever they managed to write, and goes on when somebody says so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use mcp_orchestrator::{Error, RequestDraft, ResumeOptions, StepDraft, WorkerMode};
use mcp_orchestrator_domain::{
    Abandoned, CallAbandoned, CallNo, CallStarted, Event, PatternName, Record, Reserved, Role, Seq, Started, Status,
    StepId, StepSpec, Target, Timestamp, Workflow, WorkflowId,
};
use mcp_orchestrator_store::{After, Append, Claim, Lease, Lineage, MemoryStore, Store, Which, WorkerId, Writer};
use mcp_orchestrator_strategies::{Inputs, Next, Pattern, Prompt, Strategy};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging, store_suite::Dial};

use super::harness::{Engine, research};

const LEASE: Duration = Duration::from_secs(15);

/// Workers that die of it: each takes over, writes what `last_words` says, and is never heard of again.
struct Doomed {
    store: Arc<dyn Store>,
    dial: Dial,
    died: u32,
}

impl Doomed {
    fn new() -> Self {
        let dial = Dial::new();
        Self { store: Arc::new(MemoryStore::with_now(dial.clock())), dial, died: 0 }
    }

    async fn claim(&mut self, id: &WorkflowId) -> Lease {
        self.died += 1;
        let worker = WorkerId(format!("doomed-{}", self.died).into());
        let claim = Claim {
            worker: &worker,
            which: Which::Only(std::slice::from_ref(id)),
            max: 1,
            ttl: LEASE,
            cluster_max: None,
        };
        self.store.claim(claim).await.unwrap().pop().expect("it is there to be claimed")
    }

    async fn die(&mut self, id: &WorkflowId, last_words: impl Fn(u32) -> Vec<Event>) {
        let lease = self.claim(id).await;
        let row = self.store.get(id).await.unwrap().unwrap();
        let events = last_words(self.died);
        if !events.is_empty() {
            let record =
                |event| Arc::new(Record { at: Timestamp::from_millis(1), progress: row.summary.progress, event });
            let append = Append {
                id: id.clone(),
                expected: lease.head,
                lineage: Lineage::UNKNOWN,
                writer: Writer::Owner(lease.lease.epoch),
                append_id: self.died.into(),
                records: events.into_iter().map(record).collect(),
                summary: row.summary.clone(),
                after: After::Keep,
            };
            self.store.append(append).await.unwrap();
        }
        self.dial.turn(LEASE + Duration::from_secs(1));
    }

    /// An engine that only submits, cancels and resumes.
    fn desk(&self) -> Engine {
        Engine::start_on(Arc::clone(&self.store), ScriptedProvider::obliging(1), |builder| {
            builder.with_worker_mode(WorkerMode::None)
        })
    }

    fn engine(&self, provider: ScriptedProvider) -> Engine {
        Engine::start_on(Arc::clone(&self.store), provider, |builder| builder)
    }
}

fn took_over(died: u32) -> Event {
    Event::Started(Started { deadline: Timestamp::from_millis(u64::MAX / 2), resumed: died > 1 })
}

/// What an engine that dies in a call writes: it took over, gave up the dead one's call, and made the same call again.
fn asked_again(died: u32) -> Vec<Event> {
    let step: StepId = "approve".parse().unwrap();
    let mut events = Vec::new();
    if died > 1 {
        let call = CallNo::new(died - 2);
        events.push(Event::CallAbandoned(CallAbandoned::new(call, step.clone(), Abandoned::Crash)));
    }
    events.push(took_over(died));
    if died == 1 {
        let spec = StepSpec::agent(step.clone(), Role::Custom("approve".to_owned()), "Do approve");
        events.push(Event::StepPlanned(Arc::new(spec)));
    }
    events.push(Event::CallStarted(CallStarted {
        call: CallNo::new(died - 1),
        step,
        turn: 0,
        position: 0,
        attempt: 1,
        target: Target::Model { provider: "scripted".parse().unwrap(), model: None },
        idempotency_key: "key".to_owned(),
        reserved: Reserved::default(),
        hedges: None,
    }));
    events
}

async fn held_back(engine: &Engine, id: &WorkflowId, workers: u32) {
    let answer = tokio::time::timeout(Duration::from_secs(20), engine.handle.settled(id)).await.expect("it is told");
    assert!(matches!(answer, Err(Error::Poisoned { workers: died }) if died == workers), "{answer:?}");
    let row = engine.handle.status(id).await.unwrap();
    assert_eq!((row.summary.status, row.summary.poisoned, row.owner), (Status::Waiting, Some(workers), None));
}

#[tokio::test]
async fn a_workflow_that_kills_every_worker_before_it_writes_anything_is_held_back() {
    let mut doomed = Doomed::new();
    let desk = doomed.desk();
    let id = desk.submit(research(2)).await;
    for _ in 0..5 {
        doomed.die(&id, |_| Vec::new()).await;
    }
    let engine = doomed.engine(ScriptedProvider::obliging(2));
    held_back(&engine, &id, 5).await;
    assert!(engine.provider.asked().is_empty());
    // It stays so, whatever time passes.
    doomed.dial.turn(LEASE * 100);
    let looks = [engine.submit(research(1)).await, engine.submit(research(1)).await];
    for other in looks {
        assert_eq!(engine.handle.settled(&other).await.unwrap().summary.status, Status::Completed);
    }
    held_back(&engine, &id, 5).await;

    // As the same one it is tried again, and the count begins anew.
    assert_eq!(desk.handle.resume(&id, ResumeOptions::default()).await.unwrap(), id);
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    let names = engine.event_names(&id).await;
    assert_eq!(names[..3], ["workflow_start", "workflow_poisoned", "workflow_revived"]);
    assert_eq!(engine.handle.status(&id).await.unwrap().summary.poisoned, None);
}

#[tokio::test]
async fn workers_that_write_that_they_took_over_and_asked_again_have_died_all_the_same() {
    let mut doomed = Doomed::new();
    let desk = doomed.desk();
    let draft = RequestDraft::sequential("How does a workflow survive a crash?")
        .with_step(StepDraft::agent("approve", "Do approve"));
    let id = desk.submit(draft).await;
    // The first one planned a step, which is progress: it is not counted.
    for _ in 0..5 {
        doomed.die(&id, asked_again).await;
    }
    let row = doomed.store.get(&id).await.unwrap().unwrap();
    assert!(row.head > Seq::new(10), "their logs grew");
    doomed.die(&id, asked_again).await;
    let engine = doomed.engine(ScriptedProvider::obliging(1));
    held_back(&engine, &id, 5).await;
    assert!(engine.provider.asked().is_empty());

    engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    let ended = engine.handle.settled(&id).await.unwrap().summary;
    assert_eq!(ended.status, Status::Completed, "{:?}", ended.failure);
    assert_eq!(engine.provider.asked()[0].step(), "approve");
}

#[tokio::test]
async fn what_is_settled_between_deaths_is_progress() {
    let mut doomed = Doomed::new();
    let id = doomed.desk().submit(research(2)).await;
    for _ in 0..4 {
        doomed.die(&id, |_| Vec::new()).await;
    }
    let fired = |_| {
        vec![took_over(1), Event::TimerFired(mcp_orchestrator_domain::TimerFired { due: Timestamp::from_millis(1) })]
    };
    doomed.die(&id, fired).await;
    for _ in 0..3 {
        doomed.die(&id, |_| vec![took_over(2)]).await;
    }
    let engine = doomed.engine(ScriptedProvider::obliging(2));
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
}

#[tokio::test]
async fn workers_that_give_it_back_in_order_have_not_died_of_it() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let hold = || {
        ScriptedProvider::new(|asked| match asked.input.role {
            Role::Researcher => Act::Hold("found".to_owned()),
            _ => Act::Say(obliging(asked, 1)),
        })
    };
    let first = Engine::start_on(Arc::clone(&store), hold(), |builder| builder);
    let id = first.submit(research(1)).await;
    first.until("it runs", |provider| provider.running() == 1).await;
    first.handle.shutdown(Duration::ZERO).await.unwrap();
    // A rolling deployment that hands a long call from one replica to the next.
    for _ in 0..8 {
        let next = Engine::start_on(Arc::clone(&store), hold(), |builder| builder);
        next.until("it runs", |provider| provider.running() == 1).await;
        next.handle.shutdown(Duration::ZERO).await.unwrap();
    }
    let last = Engine::start_on(store, ScriptedProvider::obliging(1), |builder| builder);
    assert_eq!(last.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
}

#[tokio::test]
async fn a_workflow_that_is_held_back_can_be_cancelled_and_then_goes_on_as_a_new_one() {
    let mut doomed = Doomed::new();
    let id = doomed.desk().submit(research(1)).await;
    for _ in 0..5 {
        doomed.die(&id, |_| Vec::new()).await;
    }
    let engine = doomed.engine(ScriptedProvider::obliging(1));
    held_back(&engine, &id, 5).await;
    engine.handle.cancel(&id, "enough").await.unwrap();
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Cancelled);
    let next = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    assert_ne!(next, id);
    assert_eq!(engine.handle.settled(&next).await.unwrap().summary.status, Status::Completed);
}

#[tokio::test]
async fn how_many_workers_may_die_is_a_choice() {
    let mut doomed = Doomed::new();
    let desk = doomed.desk();
    let (once, never) = (desk.submit(research(1)).await, desk.submit(research(1)).await);
    doomed.die(&once, |_| Vec::new()).await;
    for _ in 0..20 {
        doomed.die(&never, |_| Vec::new()).await;
    }
    let patient = Engine::start_on(Arc::clone(&doomed.store), ScriptedProvider::obliging(1), |builder| {
        builder.with_poison_after(0).with_worker_mode(WorkerMode::Only(vec![never.clone()]))
    });
    assert_eq!(patient.handle.settled(&never).await.unwrap().summary.status, Status::Completed);
    let strict = Engine::start_on(Arc::clone(&doomed.store), ScriptedProvider::obliging(1), |builder| {
        builder.with_poison_after(1)
    });
    held_back(&strict, &once, 1).await;
}

#[tokio::test]
async fn a_mended_queue_does_not_let_it_run() {
    let mut doomed = Doomed::new();
    let id = doomed.desk().submit(research(1)).await;
    for _ in 0..5 {
        doomed.die(&id, |_| Vec::new()).await;
    }
    let engine = doomed.engine(ScriptedProvider::obliging(1));
    held_back(&engine, &id, 5).await;
    // Everything that waits is claimable after it, and waits again.
    assert_eq!(doomed.store.repair().await, Ok(1));
    engine.until_recorded(&id, "poisoned", 2).await;
    held_back(&engine, &id, 5).await;
    assert!(engine.provider.asked().is_empty());
}

/// A strategy that takes its worker's run down with it, before anything of it is in hand.
struct Deadly {
    name: PatternName,
    deaths: Arc<AtomicU32>,
}

impl Strategy for Deadly {
    fn name(&self) -> &PatternName {
        &self.name
    }

    fn version(&self) -> u32 {
        self.deaths.fetch_add(1, Ordering::SeqCst);
        panic!("as the test wants it")
    }

    fn describe(&self) -> Pattern {
        Pattern::new(self.name.clone(), 1, "Deadly", "Takes its run down.")
    }

    fn next(&self, _workflow: &Workflow) -> Next {
        Next::wait()
    }

    fn render(&self, _step: &StepSpec, _inputs: &Inputs<'_>) -> Prompt {
        Prompt::default()
    }
}

#[tokio::test]
async fn a_run_that_panics_again_and_again_is_held_back_and_others_go_on() {
    let doomed = Doomed::new();
    let deaths = Arc::new(AtomicU32::new(0));
    let name: PatternName = "deadly".parse().unwrap();
    let harmless = Harmless(name.clone());
    let desk = Engine::start_on(Arc::clone(&doomed.store), ScriptedProvider::obliging(1), |builder| {
        builder.with_worker_mode(WorkerMode::None).with_strategy(harmless)
    });
    let id = desk.submit(RequestDraft { pattern: Some("deadly".to_owned()), ..research(1) }).await;
    let strategy = Deadly { name, deaths: Arc::clone(&deaths) };
    let engine = Engine::start_on(Arc::clone(&doomed.store), ScriptedProvider::obliging(1), |builder| {
        builder.with_strategy(strategy)
    });
    for death in 1..=5 {
        engine.until("its run panics", |_| deaths.load(Ordering::SeqCst) == death).await;
        // Its lease is not given back: it runs out.
        let other = engine.submit(research(1)).await;
        assert_eq!(engine.handle.settled(&other).await.unwrap().summary.status, Status::Completed);
        assert_eq!(deaths.load(Ordering::SeqCst), death);
        doomed.dial.turn(LEASE + Duration::from_secs(1));
    }
    let poisoned = async {
        while engine.handle.status(&id).await.unwrap().summary.poisoned.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), poisoned).await.expect("it is held back");
    held_back(&engine, &id, 5).await;
    assert_eq!(deaths.load(Ordering::SeqCst), 5);
}

/// The same strategy where it is only submitted.
struct Harmless(PatternName);

impl Strategy for Harmless {
    fn name(&self) -> &PatternName {
        &self.0
    }

    fn version(&self) -> u32 {
        1
    }

    fn describe(&self) -> Pattern {
        Pattern::new(self.0.clone(), 1, "Harmless", "Submitted here, run elsewhere.")
    }

    fn next(&self, _workflow: &Workflow) -> Next {
        Next::wait()
    }

    fn render(&self, _step: &StepSpec, _inputs: &Inputs<'_>) -> Prompt {
        Prompt::default()
    }
}
