//! What goes wrong at a server of others, what it is here, and that it is survived: each fault is met once bare, where its class
//! counts, and once with retries around, where the answer counts. Knows how a fault is asked of llmock, and no other server.

use std::time::Duration;

use mcp_orchestrator_domain::{FailureClass as Class, Retry as Chance};
use mcp_orchestrator_providers::{
    ChatAnswer, Provider, ProviderError,
    layers::{Retry, RetryLimits},
};
use mcp_orchestrator_testkit::provider_suite::Pieces;
use serde_json::{Value, json};

use super::{
    grid::{Cell, Feature},
    questions::{SEARCH, called, chat, offered, results, system, user},
};

/// The pause a rate limit asks for where it asks for one.
const PAUSE: Duration = Duration::from_secs(1);

/// One fault.
pub(super) struct Fault {
    pub(super) feature: Feature,
    /// What it is here.
    pub(super) class: Class,
    /// How it is asked of a server.
    pub(super) told: &'static str,
    pause: Option<Duration>,
}

/// The faults of llmock, as it is told to have them but for where in the stream.
pub(super) const FAULTS: [Fault; 8] = [
    Fault::new(Feature::Key, Class::Auth, r#"{"type":"fail","status":401}"#),
    Fault::new(Feature::RateLimit, Class::RateLimited, r#"{"type":"fail","status":429,"retry_after":1}"#).with_pause(),
    Fault::new(Feature::Broken, Class::Server, r#"{"type":"fail","status":500}"#),
    Fault::new(Feature::Overload, Class::Overloaded, r#"{"type":"fail","status":529}"#),
    Fault::new(Feature::Cut, Class::Truncated, r#"{"type":"stream_fault","kind":"truncate"}"#),
    Fault::new(Feature::Dropped, Class::Network, r#"{"type":"stream_fault","kind":"disconnect"}"#),
    Fault::new(Feature::Garbled, Class::Decode, r#"{"type":"stream_fault","kind":"malformed"}"#),
    Fault::new(Feature::Stalled, Class::Timeout, r#"{"type":"stream_fault","kind":"stall","stall_seconds":30}"#),
];

impl Fault {
    pub(super) const fn new(feature: Feature, class: Class, told: &'static str) -> Self {
        Self { feature, class, told, pause: None }
    }

    /// The same from a server that asks for a pause, which must be heard.
    pub(super) const fn with_pause(mut self) -> Self {
        self.pause = Some(PAUSE);
        self
    }

    /// What llmock is told: the fault for the next request that matches, after so many events if it is one of a stream.
    pub(super) fn behavior(&self, matching: &Value, after: u32) -> Value {
        let mut told: Value = serde_json::from_str(self.told).unwrap_or_default();
        told["match"] = matching.clone();
        if self.is_of_stream() {
            told["after_chunks"] = after.into();
        }
        told
    }

    /// Whether llmock has it in the middle of a stream.
    pub(super) fn is_of_stream(&self) -> bool {
        self.told.contains("stream_fault")
    }

    /// Whether asking again helps.
    pub(super) fn passes(&self) -> bool {
        self.class.retry() != Chance::Never
    }

    /// Meets the fault bare: it is what it is.
    pub(super) async fn bare(&self, provider: &dyn Provider, question: &str) -> Cell {
        let outcome = chat(provider, &[system(), user(question)], &mut Pieces::default(), |_| {}).await;
        let is_right = |error: &ProviderError| {
            error.class() == self.class && (self.pause.is_none() || error.retry_after == self.pause)
        };
        match outcome {
            Err(error) if is_right(&error) => Cell::Passed("ok".to_owned()),
            Err(error) => Cell::Failed(format!("{error}, pause {:?}", error.retry_after)),
            Ok(answer) => Cell::Failed(format!("an answer: {:?}", answer.reply)),
        }
    }

    /// Meets it with retries around: it is survived, or told at once.
    pub(super) async fn with_retries(&self, provider: &Retry, asked: Asked) -> Cell {
        // What no other fault is met with: whoever grades us knows requests by what is in them.
        let question = format!("{SEARCH}, {}", self.feature.as_str());
        let (messages, tools) = ([system(), user(&question)], offered());
        let mut pieces = Pieces::default();
        let tools: &[_] = if asked == Asked::Call { &tools } else { &[] };
        match chat(provider, &messages, &mut pieces, |request| request.tools = tools).await {
            Ok(answer) if self.passes() && asked.is_answered(&answer) => Cell::Passed("ok".to_owned()),
            Err(error) if !self.passes() && error.class() == self.class => Cell::Passed("ok".to_owned()),
            Ok(answer) => Cell::Failed(format!("with retries: {:?}", answer.reply)),
            Err(error) => Cell::Failed(format!("with retries: {} {error}", error.class().as_str())),
        }
    }
}

/// What is asked for. A text that somebody has begun to read is not asked for again, so a text must break at its beginning to be
/// asked for again, and a call may break anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Text,
    Call,
}

impl Asked {
    /// Events before it breaks.
    pub(super) fn after(self) -> u32 {
        u32::from(self == Self::Call)
    }

    fn is_answered(self, answer: &ChatAnswer) -> bool {
        let message = &answer.reply.message;
        match self {
            Self::Text => !message.text.is_empty(),
            Self::Call => message.tool_calls.len() == 1,
        }
    }
}

/// Retries as an embedder has them who changes nothing.
pub(super) fn patient(provider: impl Provider) -> Retry {
    Retry::new(provider, RetryLimits::default())
}

/// A call whose arguments are half a text.
pub(super) fn half_arguments(matching: &Value) -> Value {
    json!({"type": "tool_fault", "kind": "malformed_arguments", "match": matching})
}

/// Gets such a call: it is there as it came, and the conversation can go on. `always_json` is a wire that has no way to send half
/// a text.
pub(super) async fn meets_half_arguments(provider: &dyn Provider, always_json: bool) -> Cell {
    let (answer, messages) = match called(provider).await {
        Ok(called) => called,
        Err(error) => return Cell::Failed(error.to_string()),
    };
    let [call] = &answer.reply.message.tool_calls[..] else { return Cell::Failed(format!("{:?}", answer.reply)) };
    if serde_json::from_str::<Value>(&call.arguments).is_ok() != always_json {
        return Cell::Failed(format!("{call:?}"));
    }
    results(provider, messages, &answer.reply.message).await.into()
}
