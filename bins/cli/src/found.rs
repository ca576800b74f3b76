//! What came of a workflow with the files that show it, wherever it ran. Owns which Markdown is printed.

use bytes::Bytes;
use mcp_orchestrator::Results;
use mcp_orchestrator_api::view::{DecisionView, ResultsView};

use crate::row::Row;

/// What came of a workflow.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) row: Row,
    pub(crate) view: ResultsView,
    /// The documents that were written.
    pub(crate) documents: Vec<File>,
    /// The texts that the report's citations point into, by their SHA-256.
    pub(crate) evidence: Vec<File>,
}

/// A file that is not written yet.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Its name before the extension.
    pub(crate) stem: String,
    /// Its extension without the dot; may be empty.
    pub(crate) extension: String,
    pub(crate) bytes: Bytes,
}

/// Which files are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// What is printed.
    Page,
    /// Everything that can be written and verified.
    Files,
}

impl Found {
    /// What came of a workflow of this store.
    pub(crate) fn here(found: &Results) -> Self {
        let document = |file: &mcp_orchestrator::DocumentFile| {
            let name = std::path::Path::new(&file.name);
            let stem = name.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            File { stem, extension: file.format.extension().to_owned(), bytes: file.bytes.clone() }
        };
        let text = |file: &mcp_orchestrator::EvidenceFile| File {
            stem: file.digest.to_string(),
            extension: String::new(),
            bytes: Bytes::copy_from_slice(file.text.as_bytes()),
        };
        Self {
            row: Row::here(&found.row),
            view: ResultsView::of(found),
            documents: found.documents.iter().map(document).collect(),
            evidence: found.evidence.iter().map(text).collect(),
        }
    }

    /// The report as Markdown: the document if there is one, so that a pipe gets what the file holds.
    pub(crate) fn page(&self) -> Option<String> {
        match self.documents.iter().find(|document| document.extension == "md") {
            Some(document) => Some(String::from_utf8_lossy(&document.bytes).into_owned()),
            None => self.view.final_synthesis.clone(),
        }
    }

    /// Whether there is a document that is verified with its evidence.
    pub(crate) fn is_verifiable(&self) -> bool {
        self.documents.iter().any(|document| document.extension == "json")
    }

    /// The branch a conditional workflow took.
    pub(crate) fn selected_branch(&self) -> Option<&str> {
        self.view.decisions.iter().find_map(|decision| match decision {
            DecisionView::Branch { selected } => Some(selected.as_str()),
            DecisionView::Pass { .. } => None,
        })
    }

    /// Whether the last pass of an iterative workflow was enough.
    pub(crate) fn converged(&self) -> Option<bool> {
        self.view.decisions.iter().rev().find_map(|decision| match decision {
            DecisionView::Pass { done, .. } => Some(*done),
            DecisionView::Branch { .. } => None,
        })
    }
}
