//! A service that does with each request as a test says, and remembers when each came.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::{Cost, FailureClass, ModelName, Money, ProviderName, Usage};
use mcp_orchestrator_providers::{
    Allowance, Capabilities, ChatAnswer, ChatRequest, DeltaSink, Provider, ProviderError, RateLimits,
};
use tokio::time::{Instant, sleep};

#[derive(Clone, Debug)]
pub(crate) enum Act {
    Say(&'static str),
    /// Answers, and says that so many requests are left until then.
    SayLeft(u64, Duration),
    Fail(FailureClass, Option<Duration>),
    /// Shows a piece of text, then fails.
    Break(&'static str, FailureClass),
    Hang,
}

type Script = dyn Fn(usize) -> (Duration, Act) + Send + Sync;

#[derive(Clone)]
pub(crate) struct Stub {
    name: ProviderName,
    script: Arc<Script>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    came: Vec<(Instant, String)>,
    models: Vec<Option<ModelName>>,
    running: usize,
    peak: usize,
}

impl Stub {
    /// A service that thinks for so long and then does so, by the number of the request from 0.
    pub(crate) fn new(script: impl Fn(usize) -> (Duration, Act) + Send + Sync + 'static) -> Self {
        Self { name: ProviderName::new("stub").unwrap(), script: Arc::new(script), seen: Arc::default() }
    }

    pub(crate) fn saying(text: &'static str) -> Self {
        Self::new(move |_| (Duration::ZERO, Act::Say(text)))
    }

    pub(crate) fn failing(class: FailureClass) -> Self {
        Self::new(move |_| (Duration::ZERO, Act::Fail(class, None)))
    }

    /// When each request came, with its key.
    pub(crate) fn came(&self) -> Vec<(Instant, String)> {
        self.seen.lock().unwrap().came.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.came().len()
    }

    pub(crate) fn models(&self) -> Vec<Option<ModelName>> {
        self.seen.lock().unwrap().models.clone()
    }

    pub(crate) fn running(&self) -> usize {
        self.seen.lock().unwrap().running
    }

    pub(crate) fn peak(&self) -> usize {
        self.seen.lock().unwrap().peak
    }
}

struct Running<'a>(&'a Stub);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.seen.lock().unwrap().running -= 1;
    }
}

#[async_trait]
impl Provider for Stub {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
        Capabilities { is_model: true, tools: true, ..Capabilities::default() }
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.came.push((Instant::now(), request.idempotency_key.to_owned()));
            seen.models.push(request.model.cloned());
            seen.running += 1;
            seen.peak = seen.peak.max(seen.running);
            seen.came.len() - 1
        };
        let _running = Running(self);
        let (thinks, act) = (self.script)(number);
        sleep(thinks).await;
        let text = match act {
            Act::Say(text) => text,
            Act::SayLeft(..) => "fine",
            Act::Break(text, class) => {
                sink.text(text);
                return Err(ProviderError::new(class, "it broke"));
            }
            Act::Fail(class, asked) => {
                let mut error = ProviderError::new(class, "as the test says");
                error.retry_after = asked;
                error.cost = Cost::Reported(Money::from_pico_usd(1));
                return Err(error);
            }
            Act::Hang => std::future::pending().await,
        };
        sink.text(text);
        let requests = match act {
            Act::SayLeft(remaining, reset) => Some(Allowance { remaining, reset }),
            _ => None,
        };
        Ok(ChatAnswer {
            usage: Usage { input: 10, output: 10, ..Usage::default() },
            cost: Cost::Reported(Money::from_pico_usd(10)),
            limits: RateLimits { requests, tokens: None },
            ..ChatAnswer::text(text)
        })
    }

    async fn check(&self) -> Result<(), ProviderError> {
        match (self.script)(0).1 {
            Act::Hang => std::future::pending().await,
            Act::Fail(class, _) => Err(ProviderError::new(class, "as the test says")),
            _ => Ok(()),
        }
    }
}
