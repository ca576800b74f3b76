//! Everything a command can end with but success: one message, one exit code, one word for programs. Owns that mapping.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use mcp_orchestrator::Error as EngineError;
use mcp_orchestrator_app::{
    BackupError, DefinitionError, DocumentsError, NoHome, OpenStoreError, ProviderChoiceError, SettingsError,
};
use mcp_orchestrator_domain::{CorpusName, Failure, FailureClass, InvalidName, InvalidRequest, Status, WorkflowId};
use mcp_orchestrator_egress::HttpError;
use mcp_orchestrator_store::StoreError;
use mcp_orchestrator_streaming::{InvalidCursor, StreamError};

use crate::{
    commands::BadReport,
    install::InstallError,
    remote::RemoteError,
    reports::Unwritable,
    row::Row,
    task,
    terminal::{Closed, Line, Style, Terminal},
};

mod fields;
mod usage;
mod words;

pub(crate) use fields::{change_of, flag_of, joined};
use fields::{changed, flagged, of_field};
pub(crate) use usage::usage;
use words::{of_engine, of_open};

/// Exit codes; see the table in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Failed = 1,
    Unparsed = 2,
    Refused = 65,
    Unreachable = 69,
    TryAgain = 75,
    Setting = 78,
    Cancelled = 130,
}

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error(transparent)]
    Home(#[from] NoHome),
    #[error(transparent)]
    Settings(SettingsError),
    #[error(transparent)]
    Task(#[from] task::Unreadable),
    #[error("{}", .0.errors.iter().map(flagged).collect::<Vec<_>>().join("; "))]
    Request(InvalidRequest),
    #[error("{}", .0.errors.iter().map(changed).collect::<Vec<_>>().join("; "))]
    Changes(InvalidRequest),
    #[error("{}", joined(format!("--set {name}").trim_end(), .detail))]
    Set { name: String, detail: String },
    #[error(transparent)]
    File(#[from] DefinitionError),
    #[error("{}: {}", .file.display(), .invalid.errors.iter().map(of_field).collect::<Vec<_>>().join("; "))]
    Definition { file: PathBuf, invalid: InvalidRequest },
    #[error("workflow {0} waits for no answer")]
    NoQuestion(WorkflowId),
    #[error("workflow {id} waits for several answers; name the step: {}", .steps.join("; "))]
    SeveralQuestions { id: WorkflowId, steps: Vec<String> },
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Event(#[from] InvalidCursor),
    #[error("--limit is {0}, expected 1 to 500")]
    Limit(usize),
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    #[error("the extractive writer quotes sources: name a folder with --corpus, or ask search services with --web")]
    NoDocuments,
    #[error("workflow {id} searches corpus {corpus}, whose folder is not known here: set `corpora.{corpus}`")]
    UnknownCorpus { id: WorkflowId, corpus: CorpusName },
    #[error(transparent)]
    Provider(ProviderChoiceError),
    #[error(transparent)]
    Out(#[from] Unwritable),
    #[error("{}", of_open(.0))]
    OpenStore(#[from] OpenStoreError),
    #[error("there is no store {}", .0.display())]
    NoStore(PathBuf),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Stream(StreamError),
    #[error("{}", of_engine(.0))]
    Engine(EngineError),
    #[error("cannot run: {0}")]
    Runtime(std::io::Error),
    #[error("workflow {id} failed: {failure}{}", .agents.iter().map(ToString::to_string).collect::<String>())]
    Failed { id: WorkflowId, failure: Failure, agents: Vec<FailedAgent> },
    #[error("workflow {id} is {status} and does not go on here")]
    Stopped { id: WorkflowId, status: Status },
    #[error("workflow {id} is held back: {detail}: mcp-orchestrator resume {id}, or cancel {id}")]
    HeldBack { id: WorkflowId, detail: String },
    #[error("workflow {id} is {status}; it has no report yet")]
    NotEnded { id: WorkflowId, status: Status },
    #[error("workflow {id} is {status}: only a failed or cancelled one is continued with other budgets")]
    Budgets { id: WorkflowId, status: Status },
    #[error("--budget-usd is {0}, expected more than 0 US dollars")]
    BudgetUsd(f64),
    #[error("workflow {0} was cancelled")]
    Cancelled(WorkflowId),
    #[error(transparent)]
    BadReport(#[from] BadReport),
    #[error("the report does not hold: {problems} {}", if *.problems == 1 { "problem" } else { "problems" })]
    Unproved { problems: usize },
    #[error("--store names a store of this process, and --server (or ORCHESTRATOR_SERVER) another one: leave one out")]
    StoreAtServer,
    #[error(
        "a store is looked after where it is: leave out --server and ORCHESTRATOR_SERVER, and name it with --store"
    )]
    DbAtServer,
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(
        "more than {0} workflows have ended: which would go is not told, since --dry-run looks at no more; without it all \
         that are meant go"
    )]
    TooManyEnded(usize),
    #[error("the store is not sound: found {0}")]
    Unsound(usize),
    #[error("--detach needs a server that goes on: name it with --server or ORCHESTRATOR_SERVER")]
    DetachHere,
    #[error(
        "--web asks from this machine: with --server, its operator says which services are asked (`sources.enabled`)"
    )]
    WebThere,
    #[error("--corpus {}: with --server, name a corpus as the server's operator did", .0.display())]
    CorpusThere(PathBuf),
    #[error("{0} not possible with --server: name one workflow")]
    NotAtServer(&'static str),
    #[error(transparent)]
    Remote(RemoteError),
    #[error("an event cannot be read: {0}")]
    Told(#[from] serde_json::Error),
    #[error(transparent)]
    Install(#[from] InstallError),
    #[error("{0} of the checks failed")]
    Unwell(usize),
}

/// An agent that failed for good, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\n  {agent}: {error}")]
pub(crate) struct FailedAgent {
    pub(crate) agent: String,
    pub(crate) error: String,
}

impl CliError {
    /// How a workflow that did not complete ended.
    pub(crate) fn ended(row: &Row, agents: Vec<FailedAgent>) -> Self {
        let id = row.id.clone();
        if let Some(waiting) = row.view.waiting.as_ref().filter(|_| row.view.is_held_back()) {
            return Self::HeldBack { id, detail: waiting.detail.clone() };
        }
        match row.failure() {
            Some(failure) => Self::Failed { id, failure, agents },
            None => Self::Stopped { id, status: row.status },
        }
    }

    /// A refusal in the words of the file it is about.
    pub(crate) fn of_file(self, file: &Path) -> Self {
        match self {
            Self::Request(invalid) => Self::Definition { file: file.to_owned(), invalid },
            Self::Remote(RemoteError::Problem(problem)) => {
                Self::Remote(RemoteError::Problem(Box::new(problem.of_file(file))))
            }
            other => other,
        }
    }

    /// A refusal in the words of a fork: what is wrong is a setting that was to change.
    pub(crate) fn of_changes(self) -> Self {
        match self {
            Self::Request(invalid) => Self::Changes(invalid),
            Self::Remote(RemoteError::Problem(problem)) => {
                Self::Remote(RemoteError::Problem(Box::new(problem.of_changes())))
            }
            other => other,
        }
    }

    /// How the process ends; `None`: quietly, as if all were well.
    pub(crate) fn exit(&self) -> Option<Exit> {
        Some(match self {
            Self::Closed(Closed::Pipe) => return None,
            Self::Closed(Closed::Failed(_)) => Exit::Failed,
            Self::Home(_) | Self::Settings(_) | Self::Provider(_) => Exit::Setting,
            Self::Install(error) => {
                if error.is_setting() {
                    Exit::Setting
                } else {
                    Exit::Refused
                }
            }
            Self::File(DefinitionError::Syntax { .. })
            | Self::StoreAtServer
            | Self::DetachHere
            | Self::DbAtServer
            | Self::WebThere => Exit::Unparsed,
            Self::Remote(RemoteError::Problem(problem)) => problem.exit(),
            Self::Remote(RemoteError::Unreachable { .. } | RemoteError::NotOurs { .. }) => Exit::Unreachable,
            Self::Remote(RemoteError::Address(_)) => Exit::Refused,
            Self::Task(_)
            | Self::Request(_)
            | Self::Changes(_)
            | Self::Set { .. }
            | Self::File(_)
            | Self::Definition { .. }
            | Self::NoQuestion(_)
            | Self::SeveralQuestions { .. }
            | Self::Name(_)
            | Self::Event(_)
            | Self::Limit(_)
            | Self::Documents(_)
            | Self::NoDocuments
            | Self::UnknownCorpus { .. }
            | Self::NotEnded { .. }
            | Self::Budgets { .. }
            | Self::BudgetUsd(_)
            | Self::BadReport(_)
            | Self::CorpusThere(_)
            | Self::NotAtServer(_)
            | Self::Out(_) => Exit::Refused,
            Self::OpenStore(OpenStoreError::Open { source, .. })
            | Self::Store(source)
            | Self::Backup(BackupError::Store(source)) => of_store(source),
            Self::Backup(_) | Self::TooManyEnded(_) => Exit::Refused,
            Self::OpenStore(_) | Self::NoStore(_) => Exit::Setting,
            Self::Stream(StreamError::Store(error))
            | Self::Engine(EngineError::Store(error) | EngineError::Unsure { error, .. }) => of_store(error),
            Self::Stream(StreamError::Unknown(_)) => Exit::Refused,
            Self::Engine(EngineError::UnknownProvider { .. } | EngineError::NoProvider) => Exit::Setting,
            Self::Engine(EngineError::ShuttingDown | EngineError::QueueFull { .. } | EngineError::Poisoned { .. })
            | Self::HeldBack { .. } => Exit::TryAgain,
            Self::Engine(EngineError::Failed(_) | EngineError::Internal(_)) => Exit::Failed,
            Self::Engine(EngineError::Cancelled) | Self::Cancelled(_) => Exit::Cancelled,
            Self::Engine(_) => Exit::Refused,
            Self::Failed { failure, .. } => of_failure(failure.class),
            Self::Stream(_)
            | Self::Runtime(_)
            | Self::Told(_)
            | Self::Stopped { .. }
            | Self::Unproved { .. }
            | Self::Unsound(_)
            | Self::Unwell(_) => Exit::Failed,
        })
    }

    /// What programs branch on.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Closed(_) => "closed",
            Self::Home(_) | Self::Settings(_) => "setting",
            Self::Task(_) => "task",
            Self::File(DefinitionError::Syntax { .. }) => "syntax",
            Self::File(DefinitionError::Unreadable { .. }) => "file",
            Self::File(_) | Self::Definition { .. } => "invalid_request",
            Self::NoQuestion(_) | Self::SeveralQuestions { .. } => "rejected",
            Self::Changes(_) | Self::Set { .. } => "invalid_request",
            Self::Request(_) | Self::Limit(_) | Self::BudgetUsd(_) | Self::Budgets { .. } => "invalid_request",
            Self::Name(_) | Self::Event(_) => "invalid_name",
            Self::Documents(_) | Self::NoDocuments | Self::UnknownCorpus { .. } => "corpus",
            Self::Provider(ProviderChoiceError::Unknown { .. } | ProviderChoiceError::Name(_)) => "unknown_provider",
            Self::Provider(ProviderChoiceError::MissingKey { .. }) => "missing_key",
            Self::Provider(_) => "provider",
            Self::Out(_) => "out",
            Self::OpenStore(_) | Self::NoStore(_) | Self::Store(_) | Self::Stream(StreamError::Store(_)) => "store",
            Self::Engine(EngineError::Store(_) | EngineError::Unsure { .. }) => "store",
            Self::Engine(EngineError::NotFound(_)) | Self::Stream(StreamError::Unknown(_)) => "unknown_workflow",
            Self::Engine(EngineError::Rejected(_)) => "rejected",
            Self::Engine(EngineError::QueueFull { .. }) => "queue_full",
            Self::Engine(EngineError::Poisoned { .. }) => "workflow_poisoned",
            Self::Engine(_) | Self::Stream(_) | Self::Runtime(_) => "engine",
            Self::Failed { .. } => "workflow_failed",
            Self::HeldBack { .. } => "workflow_poisoned",
            Self::Stopped { .. } => "workflow_stopped",
            Self::NotEnded { .. } => "not_ended",
            Self::Cancelled(_) => "cancelled",
            Self::BadReport(_) => "bad_report",
            Self::Unproved { .. } => "verification_failed",
            Self::StoreAtServer | Self::DetachHere | Self::DbAtServer | Self::WebThere => "usage",
            Self::Backup(_) => "store",
            Self::TooManyEnded(_) => "too_many",
            Self::Unsound(_) => "unsound",
            Self::CorpusThere(_) => "corpus",
            Self::NotAtServer(_) | Self::Remote(RemoteError::Address(_)) => "server",
            Self::Remote(RemoteError::Unreachable { .. } | RemoteError::NotOurs { .. }) => "unreachable",
            Self::Remote(RemoteError::Problem(problem)) => problem.code(),
            Self::Told(_) => "engine",
            Self::Install(_) => "install",
            Self::Unwell(_) => "doctor",
        }
    }

    /// Tells the person or the program at the other end, and gives the process's exit code.
    pub(crate) fn tell(&self, terminal: Terminal) -> ExitCode {
        let Some(exit) = self.exit() else { return ExitCode::SUCCESS };
        let code = exit as u8;
        if terminal.json {
            let mut error = serde_json::json!({ "code": self.code(), "message": self.to_string(), "exit_code": code });
            if let Self::Remote(RemoteError::Problem(problem)) = self {
                error["request_id"] = problem.request_id().into();
            }
            terminal.err(serde_json::json!({ "error": error }).to_string());
        } else {
            terminal.err(Line::new().styled(Style::Red, "error:").plain(" ").plain(self));
        }
        ExitCode::from(code)
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Invalid(invalid) => Self::Request(invalid),
            other => Self::Engine(other),
        }
    }
}

impl From<InvalidRequest> for CliError {
    fn from(invalid: InvalidRequest) -> Self {
        Self::Request(invalid)
    }
}

impl From<RemoteError> for CliError {
    fn from(error: RemoteError) -> Self {
        match error {
            // The key is the only header that a person writes.
            RemoteError::Unreachable { source: HttpError::Header { .. }, .. } => {
                Self::Engine(EngineError::InvalidIdempotencyKey)
            }
            other => Self::Remote(other),
        }
    }
}

impl From<SettingsError> for CliError {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

impl From<ProviderChoiceError> for CliError {
    fn from(error: ProviderChoiceError) -> Self {
        match error {
            ProviderChoiceError::Settings(error) => Self::Settings(error),
            other => Self::Provider(other),
        }
    }
}

impl From<StreamError> for CliError {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

/// A store that is busy or full may be asked again; one that cannot be reached or read is out of reach.
const fn of_store(error: &StoreError) -> Exit {
    match error {
        StoreError::Locked(_) | StoreError::Full(_) | StoreError::QueueFull { .. } => Exit::TryAgain,
        StoreError::IdempotencyMismatch | StoreError::Exists | StoreError::Taken(_) | StoreError::Outdated { .. } => {
            Exit::Refused
        }
        _ => Exit::Unreachable,
    }
}

const fn of_failure(class: FailureClass) -> Exit {
    match class {
        FailureClass::Budget | FailureClass::RateLimited | FailureClass::Overloaded | FailureClass::QuotaExhausted => {
            Exit::TryAgain
        }
        FailureClass::Auth => Exit::Setting,
        FailureClass::Network | FailureClass::Unavailable => Exit::Unreachable,
        _ => Exit::Failed,
    }
}
