//! The contract of a tool. Owns its description, call and answer; knows no registry and no protocol.

use std::{fmt, ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use mcp_orchestrator_domain::{CorpusName, Cost, Digest, Principal, Source, Span, ToolSpec};
use serde_json::Value;

use crate::span::{digest_of, span};

/// Something agents and clients can call.
///
/// Shared by all workflows and called concurrently. Dropping the future of [`call`](Tool::call) cancels it; what must
/// not be cut in half belongs into a task of the tool's own.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Tool`",
    note = "implement `description` and `call` in an `#[async_trait] impl`",
    note = "a tool in an `Arc` is registered as it is: see `Builder::with_shared_tool`"
)]
pub trait Tool: Send + Sync + 'static {
    /// Name, purpose, arguments and bounds. Called often; must be cheap and always the same.
    fn description(&self) -> &ToolDescription;

    /// Does it. The arguments have been checked against the schema.
    ///
    /// # Errors
    /// [`ToolError`]; an agent is told its message and goes on.
    async fn call(&self, call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError>;
}

/// What a tool is.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "tools build it")]
pub struct ToolDescription {
    /// Name, purpose and arguments as models see them.
    pub spec: ToolSpec,
    /// A group for listing, for example `corpus`.
    pub category: String,
    /// Words for listing.
    pub tags: Vec<String>,
    /// How long a call may take.
    pub time_limit: Duration,
    /// Whether a call after a crash may be made again without harm.
    pub repeatable: bool,
    /// Whether its answers are sources: an agent that has one is expected to cite.
    pub is_source: bool,
}

/// One call.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct ToolInvocation<'a> {
    /// The arguments: an object that fits the schema.
    pub arguments: &'a Value,
    /// The same for every attempt of the same call.
    pub idempotency_key: &'a str,
    /// Whose workflow calls.
    pub principal: &'a Principal,
    /// The corpora this workflow may search; empty: all.
    pub corpora: &'a [CorpusName],
}

/// What a tool answered.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "tools build it")]
pub struct ToolAnswer {
    /// The answer for a model. Foreign text belongs into `spans`: the engine shows each span's quote, fenced and with
    /// its id, after this text.
    pub content: String,
    /// Evidence found, best first.
    pub spans: Vec<Arc<Span>>,
    /// The texts the spans point into, each once.
    pub snapshots: Vec<Snapshot>,
    /// What it cost.
    pub cost: Cost,
}

/// The UTF-8 text that was indexed or fetched. [`Snapshot::of`] makes one, [`Snapshot::quote`] the evidence in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tools build it")]
pub struct Snapshot {
    /// SHA-256 of the text.
    pub digest: Digest,
    /// The text.
    pub text: Arc<str>,
}

impl Snapshot {
    /// A text with its hash.
    #[must_use]
    pub fn of(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        Self { digest: digest_of(&text), text }
    }

    /// Evidence: the passage at a range of bytes, as agents may cite it. `None` when the range is empty, out of the text,
    /// or cuts a character.
    #[must_use]
    pub fn quote(&self, range: Range<usize>, source: &Arc<Source>) -> Option<Arc<Span>> {
        let passage = self.text.get(range.clone()).filter(|passage| !passage.is_empty())?;
        Some(span(self.digest, &range, passage, Arc::clone(source)))
    }
}

/// Why a tool failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// The caller's fault: the arguments, by name.
    #[error("argument {argument}: {detail}")]
    Arguments {
        /// Which one, as a JSON pointer.
        argument: String,
        /// What is wrong with it.
        detail: String,
    },
    /// No such tool.
    #[error("no tool is named {0:?}")]
    Unknown(String),
    /// It took longer than its limit.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The tool's own failure.
    #[error("{message}")]
    Failed {
        /// What to read.
        message: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The tool panicked.
    #[error("the tool panicked")]
    Panicked,
}

impl ToolError {
    /// A failure of the tool's own with nothing behind it.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), source: None }
    }
}

impl fmt::Debug for dyn Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tool").field(&self.description().spec.name).finish()
    }
}

fn _object_safe(_: &dyn Tool) {}
