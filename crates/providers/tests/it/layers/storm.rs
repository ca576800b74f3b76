//! A governor that is told nothing, in front of services that take ten requests a second and differ in how many at once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::{FailureClass, Message, ModelName, ProviderName};
use mcp_orchestrator_providers::{
    Capabilities, ChatAnswer, ChatRequest, DeltaSink, NoDeltas, Provider, ProviderError,
    layers::{Governor, GovernorLimits},
};
use mcp_orchestrator_testkit::provider_suite::{input, request};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// What the service takes a second.
const RATE: f64 = 10.0;
/// How long a request is on its way there, and how long the service thinks.
const LAG: Duration = Duration::from_millis(3);
const LATENCY: Duration = Duration::from_millis(1_500);
/// Who asks, and how often each.
const ASKING: usize = 100;
const TIMES: usize = 6;

/// Takes so many a second, of which it saves up a share.
struct Service {
    name: ProviderName,
    saved_max: f64,
    asks: Option<Duration>,
    state: Mutex<State>,
}

struct State {
    saved: f64,
    at: Instant,
    refused: usize,
}

#[async_trait]
impl Provider for Service {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
        Capabilities::default()
    }

    async fn chat(&self, _request: ChatRequest<'_>, _sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        sleep(LAG).await;
        if !self.admits() {
            let mut error = ProviderError::new(FailureClass::RateLimited, "too many");
            error.retry_after = self.asks;
            return Err(error);
        }
        sleep(LATENCY).await;
        Ok(ChatAnswer::text("so"))
    }
}

impl Service {
    fn admits(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        let now = Instant::now();
        state.saved = (state.saved + (now - state.at).as_secs_f64() * RATE).min(self.saved_max);
        state.at = now;
        if state.saved < 1.0 {
            state.refused += 1;
            return false;
        }
        state.saved -= 1.0;
        true
    }
}

/// How long six hundred answers took, beside the time they take at the service's rate, and how many requests were refused.
async fn storm(saved_seconds: f64, asks: Option<Duration>) -> (f64, usize) {
    let (at, saved_max) = (Instant::now(), RATE * saved_seconds);
    let state = Mutex::new(State { saved: saved_max, at, refused: 0 });
    let name = ProviderName::new("service").unwrap();
    let service = Arc::new(Service { name, saved_max, asks, state });
    let provider: Arc<dyn Provider> = Arc::<Service>::clone(&service);
    let governor = Arc::new(Governor::around(provider, GovernorLimits::default()));
    let mut asking = JoinSet::new();
    for _ in 0..ASKING {
        let governor = Arc::clone(&governor);
        asking.spawn(async move {
            let (input, messages) = (input(), [Message::User("x".to_owned())]);
            let mut answered = 0;
            while answered < TIMES {
                match governor.chat(request(&messages, &input), &mut NoDeltas).await {
                    Ok(_) => answered += 1,
                    Err(error) => sleep(error.retry_after.unwrap_or_default()).await,
                }
            }
        });
    }
    while let Some(ended) = asking.join_next().await {
        ended.unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "six hundred")]
    let ideal = (ASKING * TIMES) as f64 / RATE;
    let refused = service.state.lock().unwrap().refused;
    (at.elapsed().as_secs_f64() / ideal, refused)
}

#[tokio::test(start_paused = true)]
async fn a_limit_nobody_tells_is_learned_whatever_the_service_takes_at_once() {
    for (saved_seconds, longest, refused_max) in [(0.3, 1.6, 15), (1.0, 1.1, 15), (6.0, 1.0, 35)] {
        for asks in [Some(Duration::from_secs(1)), None] {
            let (of_ideal, refused) = storm(saved_seconds, asks).await;
            println!("{saved_seconds} s at once, asks for {asks:?}: {of_ideal:.3} of the shortest, {refused} refused");
            assert!(of_ideal <= longest, "{saved_seconds} s at once, asks for {asks:?}: {of_ideal}");
            assert!(refused <= refused_max, "{saved_seconds} s at once, asks for {asks:?}: {refused} refused");
        }
    }
}
