//! What can go wrong at the facade, by blame.

use mcp_orchestrator_domain::{Failure, IllegalTransition, InvalidRequest, Rejected, WorkflowId};
use mcp_orchestrator_store::StoreError;

/// Why a call of the facade failed. Nothing was started or changed unless the variant says so. After
/// [`Error::Store`] with [`StoreError::Unavailable`] nobody knows whether what was asked for was done; of a submission
/// [`Error::Unsure`] says so.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller's: fields of the request break rules.
    #[error("invalid request: {0}")]
    Invalid(#[from] InvalidRequest),
    /// The caller's: no such workflow for this principal.
    #[error("no workflow is named {0}")]
    NotFound(WorkflowId),
    /// The caller's: no such strategy.
    #[error("no pattern is named {name:?}; there are {known}")]
    UnknownPattern {
        /// The name asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The caller's or the operator's: no such provider.
    #[error("no provider is named {name:?}; there are {known}")]
    UnknownProvider {
        /// The name asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The caller's or the operator's: no such corpus.
    #[error("no corpus is named {name:?}; there are {known}")]
    UnknownCorpus {
        /// The name asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The operator's: two parts have one name, and requests could not tell them apart.
    #[error("two {kind} are named {name:?}")]
    DuplicateName {
        /// What they are, for example `providers`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// The operator's: nobody can answer.
    #[error("no provider is registered")]
    NoProvider,
    /// The caller's: a money budget cannot be held when nobody knows the price.
    #[error("a budget in US dollars cannot be held: the price of {} is not known", priced(.provider, .model.as_deref()))]
    UnknownPrice {
        /// The provider.
        provider: String,
        /// Its model, if one is chosen.
        model: Option<String>,
    },
    /// The caller's: the workflow's status does not allow it.
    #[error(transparent)]
    Rejected(Rejected),
    /// Worker after worker died of the workflow: nobody runs it until it is resumed or cancelled.
    #[error("{}", mcp_orchestrator_streaming::held_back(*.workers))]
    Poisoned {
        /// How many.
        workers: u32,
    },
    /// The caller's: the idempotency key was used with another request.
    #[error("the idempotency key was used with another request")]
    IdempotencyMismatch,
    /// The operator's: as many workflows wait as may. Nothing was stored; it may be tried again when fewer wait.
    #[error("the queue is full: {queued} workflows wait, {queue_max} may")]
    QueueFull {
        /// How many wait, at least.
        queued: u64,
        /// How many may.
        queue_max: u64,
    },
    /// The caller's: the idempotency key is not one.
    #[error("an idempotency key is 1 to 200 visible ASCII characters")]
    InvalidIdempotencyKey,
    /// The workflow failed; that is its result.
    #[error("the workflow failed: {0}")]
    Failed(Failure),
    /// The workflow was cancelled; that is its result.
    #[error("the workflow was cancelled")]
    Cancelled,
    /// The operator's: a name, a folder or a tool's schema that cannot be used.
    #[error("cannot build the orchestrator: {0}")]
    Build(String),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store's: it did not answer, and may have stored the workflow all the same. A submission that is repeated
    /// under the same idempotency key makes no second one, and is told which one there is. Without a key, the status of this id
    /// says whether it was stored, once the store answers; with one, an earlier try may have another id.
    #[error("it is not known whether {id} was stored: {error}")]
    Unsure {
        /// The id the workflow has if it was.
        id: WorkflowId,
        /// What the store said last.
        error: StoreError,
    },
    /// The engine is shutting down; a workflow goes on when a worker claims it again.
    #[error("the orchestrator is shutting down")]
    ShuttingDown,
    /// Ours: the log says something that may not be, or a part broke its contract.
    #[error("internal error: {0}")]
    Internal(String),
}

/// A model of a provider, in words.
fn priced(provider: &str, model: Option<&str>) -> String {
    model.map_or_else(|| provider.to_owned(), |model| format!("{model} at {provider}"))
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<IllegalTransition> for Error {
    fn from(illegal: IllegalTransition) -> Self {
        Self::Internal(illegal.to_string())
    }
}
