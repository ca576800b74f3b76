//! `install`: makes this project's server known to an MCP client, in the client's own file. Owns what is said of it; each
//! client's places and words are in `client`, how a file is changed in `json`, `toml` and `file`. Uses no network.

mod client;
mod entry;
mod file;
mod json;
mod link;
mod toml;

use std::{path::Path, process::ExitCode};

use serde_json::json;

use crate::{
    args::{Common, InstallArgs},
    error::CliError,
    terminal::{Line, Style, Terminal},
};
use client::{Client, Format, Place};
use entry::Entry;

/// Why an MCP client cannot be told of the server. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallError {
    #[error("no client is named {name:?}; there are {known}")]
    UnknownClient { name: String, known: String },
    #[error("--name is {0:?}, expected 1 to 64 letters, digits, - and _")]
    Name(String),
    #[error("--scope project: {0} has one file for all projects")]
    NoProject(&'static str),
    #[error("--url is {url:?}: {reason}")]
    Url { url: String, reason: String },
    #[error("{0} takes no address in its file: add the server in its settings, under connectors, or leave --url out")]
    NoHttp(&'static str),
    #[error("--corpus is {0:?}, expected NAME=DIR with a name of lower-case letters, digits and -")]
    Corpus(String),
    #[error("--corpus {name}: {} is no folder", .folder.display())]
    NoFolder { name: String, folder: std::path::PathBuf },
    #[error("--store holds a password, and the client's file is no place for it: set `store.url` in your own settings")]
    StorePassword,
    #[error("mcp-orchestrator-server is neither beside this command nor on PATH: install it, or use --url")]
    NoServer,
    #[error("{} is no text", .0.display())]
    NoText(std::path::PathBuf),
    #[error("{} cannot be read and is left as it is: {reason}", .path.display())]
    Unreadable { path: std::path::PathBuf, reason: String },
    #[error("{} was changed by somebody else meanwhile and is left as that one wrote it; try again", .0.display())]
    Changed(std::path::PathBuf),
    #[error("cannot write {}: {source}", .path.display())]
    Unwritable { path: std::path::PathBuf, source: std::io::Error },
    #[error("where your home is cannot be told: HOME is not set")]
    NoHome,
}

impl InstallError {
    /// Whether the wish itself is wrong, and not the machine.
    pub(crate) const fn is_setting(&self) -> bool {
        matches!(self, Self::NoServer | Self::NoHome)
    }
}

/// Writes or prints what the client needs to know.
pub(crate) fn install(common: &Common, args: &InstallArgs, terminal: Terminal) -> Result<ExitCode, CliError> {
    let client = Client::named(&args.client)?;
    let entry = Entry::of(client, common, args)?;
    let place = client.place(args.scope)?;
    let link = link::of(client, &args.name, &entry);
    match &place {
        Place::File(path) if !args.print => write(client, &args.name, &entry, path, link.as_deref(), terminal)?,
        place => print(client, &args.name, &entry, place, link.as_deref(), terminal)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write(
    client: Client,
    name: &str,
    entry: &Entry,
    path: &Path,
    link: Option<&str>,
    terminal: Terminal,
) -> Result<(), CliError> {
    let change = file::change(path, |before| match client.format() {
        Format::Json { comments } => json::with(before, client.table(), name, entry, comments),
        Format::Toml => toml::with(before, client.table(), name, entry),
        // Clients whose file is YAML have no place to write to.
        Format::Yaml => Err("YAML files are not changed".to_owned()),
    })?;
    let undo = format!("remove {name:?} from {:?} in {}", client.table(), path.display());
    if terminal.json {
        return Ok(terminal.out_json(&json!({
            "client": client.name(), "file": path, "changed": change.is_some(), "entry": entry, "undo": undo, "link": link,
        }))?);
    }
    match change {
        None => terminal.out(format!("{name} is in {} already; nothing was changed", path.display()))?,
        Some(change) => {
            let how = if change.is_new { "made" } else { "changed" };
            let said = Line::new().styled(Style::Green, how).plain(format!(" {}: {name} runs ", path.display()));
            terminal.out(said.plain(entry.in_words()))?;
            terminal.out(format!("to undo: {undo}"))?;
        }
    }
    if let Some(next) = client.next() {
        terminal.out(next)?;
    }
    if let Some(link) = link {
        terminal.note(Line::new().styled(Style::Dim, "the same as a link: ").plain(link));
    }
    Ok(())
}

fn print(
    client: Client,
    name: &str,
    entry: &Entry,
    place: &Place,
    link: Option<&str>,
    terminal: Terminal,
) -> Result<(), CliError> {
    if terminal.json {
        return Ok(terminal.out_json(&json!({
            "client": client.name(), "file": place.path(), "changed": false, "entry": entry, "undo": null, "link": link,
        }))?);
    }
    terminal.out(snippet(client, name, entry))?;
    terminal.note(match place {
        Place::File(path) | Place::PrintOnly(path) => format!("this belongs into {}", path.display()),
        Place::Unknown => format!("this belongs into the configuration of {}", client.title()),
    });
    if let Some(link) = link {
        terminal.note(Line::new().styled(Style::Dim, "the same as a link: ").plain(link));
    }
    Ok(())
}

/// The whole of a file that holds nothing else.
fn snippet(client: Client, name: &str, entry: &Entry) -> String {
    let made = match client.format() {
        Format::Json { comments } => json::with("", client.table(), name, entry, comments),
        Format::Toml => toml::with("", client.table(), name, entry),
        Format::Yaml => Ok(entry.as_yaml(name)),
    };
    // An empty text can always be added to.
    made.unwrap_or_default().trim_end().to_owned()
}
