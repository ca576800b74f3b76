//! A problem document (RFC 9457) as an error of this command: in words, as an exit code, as a word for programs.

use std::path::{Path, PathBuf};

use mcp_orchestrator_egress::Response;
use serde::Deserialize;

use crate::error::{Exit, change_of, flag_of, joined};

/// What a server answered instead.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", self.in_words())]
pub(crate) struct Problem {
    document: Document,
    status: u16,
    /// Seconds, as the server says when it may be asked again.
    retry_after: Option<u64>,
    said_as: SaidAs,
}

/// By which names fields are told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SaidAs {
    /// As flags.
    Flags,
    /// As settings that change.
    Changes,
    /// As fields of this file.
    Fields(PathBuf),
}

#[derive(Clone, Debug, Deserialize)]
struct Document {
    code: String,
    detail: String,
    #[serde(default)]
    hint: Option<String>,
    #[serde(default)]
    errors: Vec<Wrong>,
    #[serde(default)]
    request_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Wrong {
    pointer: String,
    detail: String,
}

impl Problem {
    /// Reads a problem from an answer, at most so many bytes of it.
    ///
    /// # Errors
    /// The status, when there is no problem document.
    pub(super) async fn of(response: Response, bytes_max: usize) -> Result<Self, u16> {
        let status = response.status();
        let retry_after = response.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
        let request_id = response.header("x-request-id").map(str::to_owned);
        let body = response.body_prefix(bytes_max).await;
        let mut document: Document = serde_json::from_slice(&body).map_err(|_| status)?;
        document.request_id = document.request_id.or(request_id);
        Ok(Self { document, status, retry_after, said_as: SaidAs::Flags })
    }

    /// The same, with its fields under the names a file has for them.
    pub(crate) fn of_file(self, file: &Path) -> Self {
        Self { said_as: SaidAs::Fields(file.to_owned()), ..self }
    }

    /// The same, with its fields as settings that change.
    pub(crate) fn of_changes(self) -> Self {
        Self { said_as: SaidAs::Changes, ..self }
    }

    /// When the server may be asked again, in seconds; `None`: asking again does not help.
    pub(crate) fn again_after(&self) -> Option<u64> {
        matches!(self.status, 429 | 503).then(|| self.retry_after.unwrap_or(1))
    }

    /// Which request it is of, as the server's log has it.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.document.request_id.as_deref()
    }

    /// How the process ends.
    pub(crate) fn exit(&self) -> Exit {
        match self.status {
            401 | 403 => Exit::Setting,
            408 | 429 | 503 | 504 => Exit::TryAgain,
            // As in this process: an unknown provider is a matter of settings.
            422 if self.document.errors.iter().any(|wrong| field(&wrong.pointer) == "provider_name") => Exit::Setting,
            500.. => Exit::Failed,
            _ => Exit::Refused,
        }
    }

    /// What programs branch on: the word this process has for it, else the server's.
    pub(crate) fn code(&self) -> &str {
        match self.document.code.as_str() {
            "not_found" => "unknown_workflow",
            "conflict" => "rejected",
            code => code,
        }
    }

    fn in_words(&self) -> String {
        let errors = self.document.errors.iter().map(|wrong| self.told(wrong)).collect::<Vec<_>>();
        let mut words = if errors.is_empty() { self.document.detail.clone() } else { errors.join("; ") };
        if let SaidAs::Fields(file) = &self.said_as
            && !errors.is_empty()
        {
            words = format!("{}: {words}", file.display());
        }
        if let Some(hint) = &self.document.hint {
            words.push_str(&format!("; {hint}"));
        }
        if let Some(seconds) = self.again_after() {
            words.push_str(&format!("; try again in {seconds} s"));
        }
        if let Some(id) = &self.document.request_id {
            words.push_str(&format!(" (request {id})"));
        }
        words
    }

    fn told(&self, wrong: &Wrong) -> String {
        let name = field(&wrong.pointer);
        let name = match &self.said_as {
            _ if name.is_empty() => return wrong.detail.clone(),
            SaidAs::Flags => flag_of(name),
            SaidAs::Changes => change_of(name),
            SaidAs::Fields(_) => name.to_owned(),
        };
        joined(&name, &wrong.detail)
    }
}

/// The field at the top that a JSON pointer leads to or into; that of a change is the setting. A query's parameter is its own pointer.
fn field(pointer: &str) -> &str {
    let name = pointer.strip_prefix("/set/").unwrap_or(pointer).trim_start_matches('/');
    match name.split('/').next().unwrap_or_default() {
        "query" => "task",
        "provider" => "provider_name",
        name => name,
    }
}
