//! A store that refuses for a while: what was paid for is kept and nothing is paid twice.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator::{Builder, Clock, Error, ForkOptions, SystemClock};
use mcp_orchestrator_domain::{Role, Seq, Status, Timestamp};
use mcp_orchestrator_store::{ListFilter, MemoryStore, Store, StoreError};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, StoreCall, Tap, TappedStore, obliging};

use super::harness::{Engine, SkipsPauses, research};

fn away() -> StoreError {
    StoreError::Unavailable("as the test says".to_owned())
}

/// Refuses so many appends from the first one with an answer on, and counts them.
struct Refuses {
    what: fn() -> StoreError,
    left: AtomicUsize,
    refused: AtomicUsize,
}

impl Refuses {
    fn appends(most: usize, what: fn() -> StoreError) -> Self {
        Self { what, left: AtomicUsize::new(most), refused: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Tap for Refuses {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        let StoreCall::Append(append) = call else { return Ok(()) };
        let has_answer = append.records.iter().any(|record| record.event.kind() == "call_completed");
        let take = |left: usize| left.checked_sub(1);
        if has_answer && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err((self.what)());
        }
        Ok(())
    }
}

fn skips(builder: Builder) -> Builder {
    builder.with_clock(SkipsPauses::default())
}

fn on(tap: Refuses) -> (Arc<TappedStore<Refuses>>, Arc<dyn Store>) {
    let tapped = TappedStore::new(Arc::new(MemoryStore::new()), tap);
    (Arc::clone(&tapped), tapped)
}

#[tokio::test]
async fn an_answer_that_a_store_refuses_at_once_for_most_of_a_minute_is_kept() {
    for what in [away, || StoreError::Full("as the test says".to_owned())] {
        let (_, store) = on(Refuses::appends(50, what));
        let engine = Engine::start_on(store, ScriptedProvider::obliging(3), skips);
        let id = engine.submit(research(3)).await;
        assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
        // A planner, three agents, and whoever writes the report.
        let mut keys: Vec<String> = engine.provider.asked().into_iter().map(|asked| asked.key).collect();
        let asked = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), asked, "nobody was asked twice");
    }
}

/// Tries until patience ends: the first, one after each pause that grows to a second, and one after each second and what is
/// left of a minute.
const TRIES: usize = 1 + 5 + 58 + 1;

#[tokio::test]
async fn what_was_paid_for_is_offered_once_more_when_patience_ends_and_no_call_is_said_to_have_begun() {
    let clock = Arc::new(SkipsPauses::default());
    let now = Arc::clone(&clock);
    let inner = MemoryStore::with_now(Arc::new(move || now.now()));
    let tapped = TappedStore::new(Arc::new(inner), Refuses::appends(TRIES, away));
    let store: Arc<dyn Store> = Arc::<TappedStore<Refuses>>::clone(&tapped) as _;
    let engine = Engine::start_on(Arc::clone(&store), ScriptedProvider::obliging(3), |builder| {
        builder.with_clock(Shared(Arc::clone(&clock)))
    });
    let id = engine.submit(research(3)).await;
    let faulted = engine.handle.settled(&id).await;
    assert!(matches!(faulted, Err(Error::Store(StoreError::Unavailable(_)))), "{faulted:?}");
    assert_eq!(tapped.tap.refused.load(Ordering::SeqCst), TRIES, "and then it was taken");
    let log = store.read(&id, Seq::ZERO, 1000).await.unwrap().records;
    let kinds: Vec<_> = log.iter().map(|recorded| recorded.record.event.kind()).collect();
    let (begun, back) = ("call_started", "call_completed");
    let count = |kind: &str| kinds.iter().filter(|known| **known == kind).count();
    assert_eq!((count(begun), count(back)), (1, 1), "{kinds:?}");

    // Left alone for a while, it goes on.
    clock.0.advance(Duration::from_secs(10));
    engine.until("it has ended", |_| engine.provider.asked().len() == 5).await;
    let mut keys: Vec<String> = engine.provider.asked().into_iter().map(|asked| asked.key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5, "nobody was asked twice");
}

/// One clock of an engine and its store.
struct Shared(Arc<SkipsPauses>);

#[async_trait]
impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        self.0.sleep_until(deadline).await;
    }
}

#[tokio::test]
async fn a_store_that_refuses_keeps_no_engine_from_ending() {
    let (tapped, store) = on(Refuses::appends(usize::MAX, away));
    // Its clock stands: only the end of the engine ends the pause.
    let engine = Engine::start_on(store, ScriptedProvider::obliging(1), |builder| builder);
    let clock = engine.clock.clone();
    engine.submit(research(1)).await;
    engine.until("it is refused", |_| tapped.tap.refused.load(Ordering::SeqCst) > 0).await;
    let moves = async {
        let began = tapped.tap.refused.load(Ordering::SeqCst);
        while tapped.tap.refused.load(Ordering::SeqCst) == began {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(3));
        pending::<()>().await;
    };
    tokio::select! {
        ended = engine.handle.shutdown(Duration::ZERO) => ended.unwrap(),
        () = moves => {}
    }
}

/// A store that is away when the test says so.
struct Away(AtomicBool);

#[async_trait]
impl Tap for Away {
    async fn before(&self, _call: StoreCall<'_>) -> Result<(), StoreError> {
        if self.0.load(Ordering::SeqCst) { Err(away()) } else { Ok(()) }
    }
}

/// Lets time go by, a second at a time.
async fn seconds(count: usize) {
    for _ in 0..count {
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_whose_leases_are_late_does_not_claim_what_it_runs_itself() {
    let clock = SystemClock::new();
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::with_now(Arc::new(move || clock.now())));
    let tapped = TappedStore::new(inner, Away(AtomicBool::new(false)));
    let provider = ScriptedProvider::new(|asked| match asked.input.role {
        Role::Researcher => Act::Hold("found".to_owned()),
        _ => Act::Say(obliging(asked, 1)),
    });
    let engine = Engine::start_on(tapped.clone(), provider, |builder| builder.with_clock(clock));
    let id = engine.submit(research(1)).await;
    seconds(3).await;
    assert_eq!(engine.provider.running(), 1, "the agent runs");
    let asked = engine.provider.asked().len();

    tapped.tap.0.store(true, Ordering::SeqCst);
    seconds(21).await;
    tapped.tap.0.store(false, Ordering::SeqCst);
    seconds(10).await;
    assert_eq!(engine.provider.running(), 1);
    assert_eq!(engine.provider.asked().len(), asked, "nobody was asked again");
    engine.provider.release();
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
}

/// Lets a run end on a fault, and then so many tries to give its workflow back fail.
struct Unreleased {
    is_sound: AtomicBool,
    left: AtomicUsize,
    released: AtomicUsize,
}

#[async_trait]
impl Tap for Unreleased {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        let take = |left: usize| left.checked_sub(1);
        match call {
            StoreCall::Append(_) if !self.is_sound.load(Ordering::SeqCst) => {
                Err(StoreError::Unreadable("as the test says".to_owned()))
            }
            StoreCall::Release if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() => {
                self.is_sound.store(true, Ordering::SeqCst);
                Err(away())
            }
            _ => Ok(()),
        }
    }

    async fn after(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        if matches!(call, StoreCall::Release) {
            self.released.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_workflow_that_cannot_go_on_here_is_given_back_also_when_the_store_refuses_that_at_first() {
    let tap = Unreleased { is_sound: AtomicBool::new(false), left: AtomicUsize::new(5), released: AtomicUsize::new(0) };
    let tapped = TappedStore::new(Arc::new(MemoryStore::new()), tap);
    let engine = Engine::start_on(tapped.clone(), ScriptedProvider::obliging(1), skips);
    let id = engine.submit(research(1)).await;
    engine.until("it is given back", |_| tapped.tap.released.load(Ordering::SeqCst) == 1).await;
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
}

/// The answer to the first creation is lost; after it the rows cannot be looked at for a while, when `blinds`.
struct Speechless {
    is_armed: AtomicBool,
    blinds: bool,
    is_blind: AtomicBool,
}

impl Speechless {
    fn new(blinds: bool) -> Self {
        Self { is_armed: AtomicBool::new(false), blinds, is_blind: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Tap for Speechless {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        let is_blind = matches!(call, StoreCall::Get) && self.is_blind.load(Ordering::SeqCst);
        if is_blind { Err(away()) } else { Ok(()) }
    }

    async fn after(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        if !matches!(call, StoreCall::Create(_)) || !self.is_armed.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        self.is_blind.store(self.blinds, Ordering::SeqCst);
        if self.blinds { Ok(()) } else { Err(away()) }
    }
}

#[tokio::test]
async fn a_submission_whose_first_answer_is_lost_is_told_and_made_once() {
    let tapped = TappedStore::new(Arc::new(MemoryStore::new()), Speechless::new(false));
    tapped.tap.is_armed.store(true, Ordering::SeqCst);
    let engine = Engine::start_on(tapped, ScriptedProvider::obliging(1), skips);
    let id = engine.submit(research(1)).await;
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    assert_eq!(engine.handle.list(ListFilter::default()).await.unwrap().len(), 1);
}

/// Goes away with the answer to a creation, done or not, until it is called back.
struct Vanishing {
    does: bool,
    is_away: AtomicBool,
}

#[async_trait]
impl Tap for Vanishing {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        let vanishes = matches!(call, StoreCall::Create(_)) && !self.does;
        if vanishes || self.is_away.load(Ordering::SeqCst) { Err(away()) } else { Ok(()) }
    }

    async fn after(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        if !matches!(call, StoreCall::Create(_)) {
            return Ok(());
        }
        self.is_away.store(true, Ordering::SeqCst);
        Err(away())
    }
}

#[tokio::test]
async fn a_submission_that_nobody_answers_says_that_it_is_not_known_and_how_to_find_out() {
    for does in [true, false] {
        let tap = Vanishing { does, is_away: AtomicBool::new(false) };
        let tapped = TappedStore::new(Arc::new(MemoryStore::new()), tap);
        let engine = Engine::start_on(tapped.clone(), ScriptedProvider::obliging(1), skips);
        let told = engine.handle.submit(research(1)).await;
        let Err(Error::Unsure { id, error: StoreError::Unavailable(_) }) = &told else { panic!("{told:?}") };
        assert!(told.as_ref().unwrap_err().to_string().contains(id.as_str()), "{told:?}");
        tapped.tap.is_away.store(false, Ordering::SeqCst);
        match engine.handle.settled(id).await {
            Ok(row) if does => assert_eq!(row.summary.status, Status::Completed),
            Err(Error::NotFound(unknown)) if !does => assert_eq!(&unknown, id),
            other => panic!("stored: {does}, and it says {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_fork_that_is_stored_is_told_although_its_source_cannot_be_looked_at() {
    let tapped = TappedStore::new(Arc::new(MemoryStore::new()), Speechless::new(true));
    let engine = Engine::start_on(tapped.clone(), ScriptedProvider::obliging(1), skips);
    let id = engine.submit(research(1)).await;
    engine.handle.settled(&id).await.unwrap();
    tapped.tap.is_armed.store(true, Ordering::SeqCst);
    let options = ForkOptions { at: Some(Seq::new(5)), ..ForkOptions::default() };
    let forked = engine.handle.fork(&id, options).await.unwrap();
    tapped.tap.is_blind.store(false, Ordering::SeqCst);
    assert!(forked.made.is_some());
    assert_eq!(engine.handle.settled(&forked.id).await.unwrap().summary.status, Status::Completed);
}
