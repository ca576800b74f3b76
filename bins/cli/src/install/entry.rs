//! What a client is told of the server: a command to start, or an address. Owns each client's words for it, and finding the
//! server's binary.

use std::path::{Path, PathBuf};

use mcp_orchestrator_domain::CorpusName;
use mcp_orchestrator_egress::BaseUrl;
use serde::Serialize;
use serde_json::json;

use super::{Client, InstallError};
use crate::args::{Common, InstallArgs};

/// The server's binary without what the system appends.
const SERVER: &str = "mcp-orchestrator-server";
/// The longest name of a server in a client's file.
const NAME_MAX: usize = 64;
/// Seconds goose waits for an answer: a tool of ours waits for a workflow's end at most 240.
const GOOSE_SECONDS: u16 = 300;

/// A server in a client's file, in the client's own words and in the order in which people write them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) args: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(rename = "httpUrl", skip_serializing_if = "Option::is_none")]
    pub(super) http_url: Option<String>,
}

/// Every word by which some client is told how to reach a server: what of an older entry must not stay beside a new one.
pub(super) const WORDS: [&str; 5] = ["type", "command", "args", "url", "httpUrl"];

impl Entry {
    /// What the flags ask for.
    pub(super) fn of(client: Client, common: &Common, args: &InstallArgs) -> Result<Self, InstallError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if args.name.is_empty() || args.name.len() > NAME_MAX || !args.name.chars().all(is_name) {
            return Err(InstallError::Name(args.name.clone()));
        }
        match &args.url {
            Some(url) => Self::http(client, url),
            None => Ok(Self::stdio(client, text(server()?)?, arguments(common, args)?)),
        }
    }

    fn stdio(client: Client, command: String, args: Vec<String>) -> Self {
        let kind = matches!(client, Client::ClaudeCode | Client::VsCode | Client::Goose).then_some("stdio");
        Self { kind, command: Some(command), args: Some(args), url: None, http_url: None }
    }

    fn http(client: Client, url: &str) -> Result<Self, InstallError> {
        let refused = |reason: String| InstallError::Url { url: url.chars().take(200).collect(), reason };
        // An address may hold a password: then nothing of it is repeated.
        let parsed = BaseUrl::parse(url).map_err(|error| match error {
            mcp_orchestrator_egress::InvalidBaseUrl::Syntax(_) | mcp_orchestrator_egress::InvalidBaseUrl::Scheme(_) => {
                refused(error.to_string())
            }
            _ => InstallError::Url { url: "(not shown)".to_owned(), reason: error.to_string() },
        })?;
        if !parsed.to_string().ends_with("/mcp") {
            return Err(refused("expected the address of the server's MCP endpoint, which ends with /mcp".to_owned()));
        }
        let url = parsed.to_string();
        let none = Self { kind: None, command: None, args: None, url: None, http_url: None };
        Ok(match client {
            Client::ClaudeDesktop => return Err(InstallError::NoHttp(client.title())),
            Client::ClaudeCode | Client::VsCode => Self { kind: Some("http"), url: Some(url), ..none },
            Client::Codex | Client::Cursor => Self { url: Some(url), ..none },
            Client::GeminiCli => Self { http_url: Some(url), ..none },
            Client::Goose => Self { kind: Some("streamable_http"), url: Some(url), ..none },
        })
    }

    /// What is started or reached.
    pub(super) fn in_words(&self) -> String {
        match (&self.command, &self.url, &self.http_url) {
            (Some(command), ..) => {
                let words = std::iter::once(command).chain(self.args.iter().flatten());
                words.map(String::as_str).collect::<Vec<_>>().join(" ")
            }
            (None, Some(url), _) | (None, None, Some(url)) => url.clone(),
            (None, None, None) => String::new(),
        }
    }

    /// As goose writes it. JSON strings and lists are YAML too.
    pub(super) fn as_yaml(&self, name: &str) -> String {
        let mut lines = vec!["extensions:".to_owned(), format!("  {name}:"), format!("    name: {name}")];
        lines.push(format!("    type: {}", self.kind.unwrap_or("stdio")));
        if let Some(command) = &self.command {
            lines.push(format!("    cmd: {}", json!(command)));
        }
        if let Some(args) = &self.args {
            lines.push(format!("    args: {}", json!(args)));
        }
        if let Some(url) = &self.url {
            lines.push(format!("    uri: {}", json!(url)));
        }
        lines.extend([
            "    enabled: true".to_owned(),
            "    envs: {}".to_owned(),
            format!("    timeout: {GOOSE_SECONDS}"),
        ]);
        lines.join("\n")
    }
}

/// What the server is started with.
fn arguments(common: &Common, args: &InstallArgs) -> Result<Vec<String>, InstallError> {
    let mut arguments = vec!["--stdio".to_owned()];
    for corpus in &args.corpus {
        let refused = || InstallError::Corpus(corpus.clone());
        let (name, folder) = corpus.split_once('=').ok_or_else(refused)?;
        let name = CorpusName::new(name).map_err(|_| refused())?;
        let folder = Path::new(folder);
        if !folder.is_dir() {
            return Err(InstallError::NoFolder { name: name.to_string(), folder: folder.to_owned() });
        }
        // The client starts the server wherever it likes.
        arguments.extend(["--corpus".to_owned(), format!("{name}={}", text(whole(folder))?)]);
    }
    if let Some(store) = &common.store {
        arguments.extend(["--store".to_owned(), store_url(store)?]);
    }
    if let Some(config) = &common.config {
        arguments.extend(["--config".to_owned(), text(whole(config))?]);
    }
    Ok(arguments)
}

fn store_url(url: &str) -> Result<String, InstallError> {
    if url.split_once("://").is_some_and(|(_, rest)| rest.contains('@')) {
        return Err(InstallError::StorePassword);
    }
    Ok(match url.strip_prefix("sqlite:") {
        Some(path) => format!("sqlite:{}", text(whole(Path::new(path)))?),
        None => url.to_owned(),
    })
}

/// The server's binary: beside this command, else on `PATH`.
fn server() -> Result<PathBuf, InstallError> {
    let file = format!("{SERVER}{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.to_owned()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = beside.into_iter().chain(std::env::split_paths(&path).filter(|folder| folder.is_absolute()));
    folders.map(|folder| folder.join(&file)).find(|path| path.is_file()).ok_or(InstallError::NoServer)
}

fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn text(path: PathBuf) -> Result<String, InstallError> {
    path.into_os_string().into_string().map_err(|path| InstallError::NoText(path.into()))
}
