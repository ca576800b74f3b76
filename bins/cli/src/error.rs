//! Everything a command can end with but success: one message, one exit code, one word for programs. Owns that mapping.

use std::process::ExitCode;

use mcp_orchestrator_app::{CorpusError, NoHome, SettingsError};
use mcp_orchestrator_domain::{FieldError, InvalidRequest};

use crate::{reports::Unwritable, task, terminal::{Closed, Line, Style, Terminal}};

/// Exit codes; see the table in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Failed = 1,
    Refused = 65,
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
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Task(#[from] task::Unreadable),
    #[error("{}", .0.errors.iter().map(flagged).collect::<Vec<_>>().join("; "))]
    Request(#[from] InvalidRequest),
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    #[error(transparent)]
    Out(#[from] Unwritable),
}

impl CliError {
    /// How the process ends; `None`: quietly, as if all were well.
    pub(crate) const fn exit(&self) -> Option<Exit> {
        Some(match self {
            Self::Closed(_) => return None,
            Self::Home(_) | Self::Settings(_) => Exit::Setting,
            Self::Task(_) | Self::Request(_) | Self::Corpus(_) | Self::Out(_) => Exit::Refused,
        })
    }

    /// What programs branch on.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Closed(_) => "closed",
            Self::Home(_) => "no_home",
            Self::Settings(_) => "setting",
            Self::Task(_) => "task",
            Self::Request(_) => "request",
            Self::Corpus(_) => "corpus",
            Self::Out(_) => "out",
        }
    }

    /// Tells the person or the program at the other end, and gives the process's exit code.
    pub(crate) fn tell(&self, terminal: Terminal) -> ExitCode {
        let Some(exit) = self.exit() else { return ExitCode::SUCCESS };
        let code = exit as u8;
        if terminal.json {
            let error = serde_json::json!({
                "error": { "code": self.code(), "message": self.to_string(), "exit_code": code }
            });
            terminal.err(error.to_string());
        } else {
            terminal.err(Line::new().styled(Style::Red, "error:").plain(" ").plain(self));
        }
        ExitCode::from(code)
    }
}

/// A field's error under the name the person typed.
fn flagged(error: &FieldError) -> String {
    let flag = match error.field {
        "task" => "the task",
        "num_agents" => "--agents",
        "provider_name" => "--provider",
        "agent_model" => "--worker-model",
        "document_formats" => "--format",
        "workflow_timeout_seconds" => "--timeout",
        "timeout_seconds" => "--agent-timeout",
        "synthesis_group_size" => "--group-size",
        "allowed_agent_types" => "--types",
        "search_depth" => "--depth",
        "citation_gate" => "setting `gate.mode`",
        other => return format!("--{}: {}", other.replace('_', "-"), error.detail),
    };
    // Every rule's text either continues the flag ("is 0, expected 1 to 20") or is a sentence of its own.
    if ["is ", "has "].iter().any(|verb| error.detail.starts_with(verb)) {
        format!("{flag} {}", error.detail)
    } else {
        format!("{flag}: {}", error.detail)
    }
}
