//! Fifty workflows of eight agents against a service that takes five requests a second: nothing is lost, little is wasted.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator::{
    Clock as _, Handle, MemoryStore, Orchestrator, Provider, Store, SystemClock, WorkerMode,
    layers::{Governor, GovernorLimits, StoreLimits},
    provider::{Allowance, RateLimits},
};
use mcp_orchestrator_domain::{
    Cost, Event, FailureClass, ModelName, ProviderName, Recorded, RequestDraft, Role, Seq, Status, StepInput, Usage,
};
use mcp_orchestrator_providers::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Price, ProviderError};
use tokio::time::{Instant, sleep};

use super::harness::research;

const WORKFLOWS: usize = 50;
const AGENTS: u64 = 8;
/// What the service takes a second.
const RATE: f64 = 5.0;
const MINUTE: Duration = Duration::from_secs(60);
/// How long it thinks.
const LATENCY: Duration = Duration::from_millis(1_500);

/// How a service counts.
#[derive(Clone, Copy, PartialEq)]
enum Counts {
    /// Five a second, five at once at most. It says nothing of it.
    Evenly,
    /// Three hundred in each minute of the clock. It says with each answer what is left.
    ByTheMinute,
}

/// A service that refuses whatever is beyond its limit.
struct Service {
    name: ProviderName,
    counts: Counts,
    state: Mutex<State>,
}

struct State {
    held: f64,
    at: Instant,
    answered: usize,
    refused: usize,
    /// Pauses it asked for, whatever the number of requests it refused until the last one was over.
    pauses: usize,
    paused_until: Instant,
}

impl Service {
    fn new(counts: Counts) -> Arc<Self> {
        let at = Instant::now();
        let held = if counts == Counts::Evenly { RATE } else { RATE * 60.0 };
        let state = State { held, at, answered: 0, refused: 0, pauses: 0, paused_until: at };
        Arc::new(Self { name: ProviderName::new("service").unwrap(), counts, state: Mutex::new(state) })
    }

    /// Takes the request and says what is left, or says how long to wait.
    fn admit(&self) -> Result<Option<Allowance>, Duration> {
        let mut state = self.state.lock().unwrap();
        let now = Instant::now();
        let passed = now - state.at;
        let reset = match self.counts {
            Counts::Evenly => {
                state.held = (state.held + passed.as_secs_f64() * RATE).min(RATE);
                state.at = now;
                Duration::from_secs_f64((1.0 - state.held).max(0.0) / RATE + 0.001)
            }
            Counts::ByTheMinute => {
                if passed >= MINUTE {
                    (state.held, state.at) = (RATE * 60.0, now);
                }
                state.at + MINUTE - now
            }
        };
        if state.held < 1.0 {
            state.refused += 1;
            if now >= state.paused_until {
                state.pauses += 1;
                state.paused_until = now + reset;
            }
            return Err(reset);
        }
        state.held -= 1.0;
        state.answered += 1;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most three hundred")]
        let remaining = state.held as u64;
        Ok((self.counts == Counts::ByTheMinute).then_some(Allowance { remaining, reset }))
    }
}

#[async_trait]
impl Provider for Service {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
        Capabilities { is_model: true, price: Some(Price::FREE), ..Capabilities::default() }
    }

    async fn chat(&self, request: ChatRequest<'_>, _sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let left = match self.admit() {
            Ok(left) => left,
            Err(pause) => {
                return Err(ProviderError::new(FailureClass::RateLimited, "too many").with_retry_after(pause));
            }
        };
        sleep(LATENCY).await;
        let left = left.map(|left| Allowance { reset: left.reset.saturating_sub(LATENCY), ..left });
        Ok(ChatAnswer {
            usage: Usage { input: 100, output: 20, ..Usage::default() },
            cost: Cost::FREE,
            limits: RateLimits { requests: left, tokens: None },
            ..ChatAnswer::text(said(request.input))
        })
    }
}

fn said(input: &StepInput) -> String {
    match input.role {
        Role::Planner => (1..=AGENTS).map(|part| format!("{part}. Find out about part number {part}\n")).collect(),
        _ => "The finding is clear.".to_owned(),
    }
}

/// What a storm has come to.
#[derive(Debug)]
struct Storm {
    took: Duration,
    answered: usize,
    refused: usize,
    pauses: usize,
}

impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (answered, took) = (self.answered, self.took.as_secs_f64());
        let (times, refused, pauses) = (self.of_ideal(), self.refused, self.pauses);
        write!(f, "{answered} answers in {took:.1} s, {times:.3} of the shortest; {refused} refused in {pauses} pauses")
    }
}

impl Storm {
    /// How long, of the shortest time the limit allows.
    fn of_ideal(&self) -> f64 {
        self.took.as_secs_f64() / (self.answered as f64 / RATE)
    }
}

/// Lets it loose and checks that nothing is lost: every answer the service gave is in a log, and every agent is in a report.
async fn storm(counts: Counts, limits: GovernorLimits) -> Storm {
    let service = Service::new(counts);
    let clock = SystemClock::new();
    let store = Arc::new(MemoryStore::with_now(Arc::new(move || clock.now())));
    let shared: Arc<dyn Provider> = Arc::<Service>::clone(&service);
    let handle = Orchestrator::builder_shared(store)
        .with_provider(Governor::around(shared, limits))
        .with_running_max(WORKFLOWS)
        .with_clock(clock)
        .with_seed(7)
        .build()
        .unwrap()
        .start();
    let began = Instant::now();
    let mut ids = Vec::new();
    for _ in 0..WORKFLOWS {
        ids.push(handle.submit(research(AGENTS)).await.unwrap());
    }
    let mut completed = 0;
    for id in &ids {
        let results = handle.wait(id).await.unwrap();
        assert_eq!(results.row.summary.status, Status::Completed, "{:?}", results.row.summary);
        assert!(results.document.unwrap().gaps.is_empty(), "an agent is missing");
        assert!(results.steps.iter().all(|step| step.used.run_ms < 10_000), "waiting counted as an agent's time");
        let log = handle.records(id, Seq::ZERO, 1000).await.unwrap();
        completed += log.iter().filter(|recorded| matches!(recorded.record.event, Event::CallCompleted(_))).count();
    }
    let took = began.elapsed();
    handle.shutdown(Duration::from_secs(1)).await.unwrap();
    let state = service.state.lock().unwrap();
    let storm = Storm { took, answered: state.answered, refused: state.refused, pauses: state.pauses };
    assert_eq!(completed, storm.answered, "an answer was lost: {storm:?}");
    assert!(storm.answered >= WORKFLOWS * (AGENTS as usize + 2), "{storm:?}");
    storm
}

#[tokio::test(start_paused = true)]
async fn a_storm_within_a_limit_that_is_known_wastes_nothing() {
    let known = GovernorLimits { requests_per_minute: Some(300), ..GovernorLimits::default() };
    let storm = storm(Counts::Evenly, known).await;
    println!("{storm}");
    assert_eq!(storm.refused, 0, "{storm:?}");
    assert!(storm.of_ideal() <= 1.1, "{} {storm:?}", storm.of_ideal());
}

#[tokio::test(start_paused = true)]
async fn a_storm_within_a_limit_the_service_tells_wastes_nothing() {
    let storm = storm(Counts::ByTheMinute, GovernorLimits::default()).await;
    println!("{storm}");
    assert_eq!(storm.refused, 0, "{storm:?}");
    assert!(storm.of_ideal() <= 1.1, "{} {storm:?}", storm.of_ideal());
}

#[tokio::test(start_paused = true)]
async fn a_storm_against_a_limit_nobody_tells_wastes_one_call_for_each_pause() {
    let storm = storm(Counts::Evenly, GovernorLimits::default()).await;
    println!("{storm}");
    assert!(storm.refused <= storm.pauses && storm.refused <= 18, "{storm:?}");
    assert!(storm.of_ideal() <= 1.1, "{} {storm:?}", storm.of_ideal());
}

#[tokio::test(start_paused = true)]
async fn a_storm_in_which_nobody_waits_for_longer_than_half_a_minute_wastes_nothing_either() {
    let known = GovernorLimits { requests_per_minute: Some(300), wait_max: MINUTE / 2, ..GovernorLimits::default() };
    let storm = storm(Counts::Evenly, known).await;
    println!("{storm}");
    assert_eq!(storm.refused, 0, "{storm:?}");
    assert!(storm.of_ideal() <= 1.1, "{} {storm:?}", storm.of_ideal());
}

#[tokio::test(start_paused = true)]
async fn a_storm_with_bounded_waits_against_a_limit_nobody_tells_wastes_one_call_for_each_pause() {
    let storm = storm(Counts::Evenly, GovernorLimits { wait_max: MINUTE / 2, ..GovernorLimits::default() }).await;
    println!("{storm}");
    assert!(storm.refused <= storm.pauses && storm.refused <= 18, "{storm:?}");
    assert!(storm.of_ideal() <= 1.1, "{} {storm:?}", storm.of_ideal());
}

#[tokio::test(start_paused = true)]
async fn a_storm_with_bounded_waits_within_a_limit_the_service_tells_wastes_nothing() {
    let storm = storm(Counts::ByTheMinute, GovernorLimits { wait_max: MINUTE / 2, ..GovernorLimits::default() }).await;
    println!("{storm}");
    assert_eq!(storm.refused, 0, "{storm:?}");
    assert!(storm.of_ideal() <= 1.1, "{} {storm:?}", storm.of_ideal());
}

/// An engine on a store, around a service it shares with others.
fn engine(store: &Arc<MemoryStore>, clock: SystemClock, seed: u64, provider: Governor) -> Handle {
    let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(store);
    let builder = Orchestrator::builder_shared(store).with_provider(provider).with_clock(clock).with_seed(seed);
    builder.with_worker_mode(WorkerMode::Own).build().unwrap().start()
}

#[tokio::test(start_paused = true)]
async fn an_agents_time_limit_does_not_run_while_it_waits_in_the_line() {
    let (clock, service) = (SystemClock::new(), Service::new(Counts::Evenly));
    let store = Arc::new(MemoryStore::with_now(Arc::new(move || clock.now())));
    let provider: Arc<dyn Provider> = service;
    let slow = GovernorLimits { requests_per_minute: Some(2), ..GovernorLimits::default() };
    let handle = engine(&store, clock, 1, Governor::around(provider, slow));
    let id = handle
        .submit(RequestDraft { timeout_seconds: Some(10.0), workflow_timeout_seconds: Some(3_600.0), ..research(3) })
        .await
        .unwrap();
    let results = handle.wait(&id).await.unwrap();
    assert!(results.document.unwrap().gaps.is_empty());
    let waited: Vec<u64> = handle.records(&id, Seq::ZERO, 1000).await.unwrap().iter().filter_map(parked_ms).collect();
    assert!(waited.iter().any(|parked_ms| *parked_ms > 50_000), "{waited:?}");
    handle.shutdown(Duration::from_secs(1)).await.unwrap();
}

fn parked_ms(recorded: &Recorded) -> Option<u64> {
    match &recorded.record.event {
        Event::CallCompleted(completed) => Some(completed.parked_ms),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn engines_on_one_store_keep_to_one_limit_together() {
    let (clock, service) = (SystemClock::new(), Service::new(Counts::Evenly));
    let store = Arc::new(MemoryStore::with_now(Arc::new(move || clock.now())));
    let known = GovernorLimits { requests_per_minute: Some(300), ..GovernorLimits::default() };
    let mut engines = Vec::new();
    for seed in 0..3 {
        let shared: Arc<dyn Provider> = Arc::<Service>::clone(&service);
        let limits = StoreLimits::new(Arc::<MemoryStore>::clone(&store)).with_clock(clock);
        engines.push(engine(&store, clock, seed, Governor::around(shared, known).with_shared(Arc::new(limits))));
    }
    let mut submitted = Vec::new();
    for handle in &engines {
        for _ in 0..3 {
            submitted.push((handle, handle.submit(research(AGENTS)).await.unwrap()));
        }
    }
    for (handle, id) in submitted {
        assert!(handle.wait(&id).await.unwrap().document.unwrap().gaps.is_empty());
    }
    assert_eq!(service.state.lock().unwrap().refused, 0, "three times the limit would be refused");
    for handle in engines {
        handle.shutdown(Duration::from_secs(1)).await.unwrap();
    }
}
