//! Requests written down in a file, as TOML or JSON. Owns how a file is told apart and what is said of a bad one; its rules
//! are the domain's.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use mcp_orchestrator_domain::RequestDraft;
use serde_json::Value;

/// The largest file, in bytes.
const BYTES_MAX: u64 = 1024 * 1024;

/// Why a file is no request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// It cannot be read as text.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no TOML or no JSON.
    #[error("{} is not {format}: line {line}: {detail}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// `TOML` or `JSON`.
        format: &'static str,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        detail: String,
    },
    /// A field is unknown or has the wrong type.
    #[error("{}: {field}: {detail}", .path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Where, for example `steps[0].task`.
        field: String,
        /// What is wrong there.
        detail: String,
    },
}

/// Reads a request from a file: JSON when its name ends so, else TOML. At most 1 MiB of it.
///
/// # Errors
/// [`DefinitionError`] naming the file, and the line or the field.
pub fn read_definition(path: &Path) -> Result<RequestDraft, DefinitionError> {
    let text = text(path).map_err(|source| DefinitionError::Unreadable { path: path.to_owned(), source })?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let value = if is_json { json(&text) } else { toml(&text) };
    let value = value.map_err(|(line, detail)| DefinitionError::Syntax {
        path: path.to_owned(),
        format: if is_json { "JSON" } else { "TOML" },
        line,
        detail,
    })?;
    serde_path_to_error::deserialize(value).map_err(|error| DefinitionError::Field {
        path: path.to_owned(),
        field: error.path().to_string(),
        detail: error.inner().to_string(),
    })
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than 1 MiB"));
    }
    Ok(text)
}

fn json(text: &str) -> Result<Value, (usize, String)> {
    serde_json::from_str(text).map_err(|error| {
        let detail = error.to_string();
        // The line is told before it.
        let detail = detail.split(" at line ").next().unwrap_or_default().to_owned();
        (error.line(), detail)
    })
}

fn toml(text: &str) -> Result<Value, (usize, String)> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        (before.matches('\n').count() + 1, error.message().replace('\n', ", "))
    })
}
