//! Documents as JSON with their evidence. Owns the two halves a verifiable report is shipped as; writes no file.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use mcp_orchestrator_domain::{Digest, Evidence};

use crate::Document;

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

/// Writes a document as JSON, indented, with a newline at the end.
///
/// # Errors
/// [`RenderError::Json`] never in practice: every part of a document has a JSON form.
pub fn render(document: &Document) -> Result<String, RenderError> {
    let mut text = serde_json::to_string_pretty(document).map_err(|error| RenderError::Json(error.to_string()))?;
    text.push('\n');
    Ok(text)
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
