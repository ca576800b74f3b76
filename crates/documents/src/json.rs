//! Documents as JSON with their evidence. Owns the two halves a verifiable report is shipped as; writes no file.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use mcp_orchestrator_domain::{Digest, Evidence};
use serde::Serialize;
use serde_json::Value;

use crate::{Document, digest_of};

/// A snapshot as it is shipped: the file `<name>.evidence/<digest>` with exactly these bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever writes the files takes it apart")]
pub struct EvidenceFile {
    /// SHA-256 of the text: the file's name, as 64 hexadecimal digits.
    pub digest: Digest,
    /// The file's content.
    pub text: Arc<str>,
}

/// A document that cannot be shipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A snapshot behind a cited span is not at hand.
    #[error("snapshot {0} of a cited span is missing")]
    MissingSnapshot(Digest),
    /// The document could not be written: a fault of this crate.
    #[error("document could not be written as JSON: {0}")]
    Json(String),
}

/// The name of the field that holds the seal.
pub(crate) const SEAL: &str = "seal";

/// Writes a document as JSON, indented, with a newline at the end. Its last field, `seal`, is the SHA-256 of everything
/// else it says, so that [`crate::verify::verify`] notices any change of what no evidence speaks for: a title, a date, a
/// sentence marked as unverified. Spaces and the order of fields may change.
///
/// # Errors
/// [`RenderError::Json`] never in practice: every part of a document has a JSON form.
pub fn render(document: &Document) -> Result<String, RenderError> {
    #[derive(Serialize)]
    struct Sealed<'a> {
        #[serde(flatten)]
        document: &'a Document,
        seal: Digest,
    }
    let fault = |error: serde_json::Error| RenderError::Json(error.to_string());
    let seal = seal(&serde_json::to_value(document).map_err(fault)?);
    let mut text = serde_json::to_string_pretty(&Sealed { document, seal }).map_err(fault)?;
    text.push('\n');
    Ok(text)
}

/// The digest of what a document says, whatever its spaces and the order of its fields. A seal among the fields is left
/// out.
pub(crate) fn seal(document: &Value) -> Digest {
    let mut text = String::new();
    match document {
        Value::Object(fields) => {
            let said =
                fields.iter().filter(|(name, _)| *name != SEAL).map(|(name, value)| (name.clone(), value.clone()));
            write_sorted(&Value::Object(said.collect()), &mut text);
        }
        other => write_sorted(other, &mut text),
    }
    digest_of(text.as_bytes())
}

/// A value without spaces, its fields by name. As deep as `serde_json` reads, which has a bound.
fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                write_sorted(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_sorted(item, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// The snapshots a document's evidence points into, each once, in the order of their digests.
///
/// # Errors
/// [`RenderError::MissingSnapshot`] names the first that `evidence` does not hold.
pub fn evidence_files(document: &Document, evidence: &dyn Evidence) -> Result<Vec<EvidenceFile>, RenderError> {
    let digests: BTreeSet<Digest> = document.evidence.iter().map(|span| span.snapshot).collect();
    let file = |digest: Digest| {
        let text = evidence.snapshot(&digest).ok_or(RenderError::MissingSnapshot(digest))?;
        Ok(EvidenceFile { digest, text: text.into() })
    };
    digests.into_iter().map(file).collect()
}

/// The folder beside a report's JSON that holds its evidence: `report.json` has `report.evidence`.
#[must_use]
pub fn evidence_folder(json: &Path) -> PathBuf {
    json.with_extension("evidence")
}
