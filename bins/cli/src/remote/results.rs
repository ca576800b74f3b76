//! What came of a workflow of a server, with its files, so that they can be written and verified here. Owns that nothing is
//! taken for a name or a text that is none.

use mcp_orchestrator_api::view::{DocumentView, ResultsView};
use mcp_orchestrator_documents::digest_of;
use mcp_orchestrator_domain::{Seq, WorkflowId};

use super::{RemoteError, Server, path};
use crate::found::File;

/// Documents and evidence texts that are downloaded of one workflow.
const FILES_MAX: usize = 20_000;

impl Server {
    /// What came of a workflow, or what was known of it at a position.
    pub(crate) async fn results(&self, id: &WorkflowId, at: Option<Seq>) -> Result<ResultsView, RemoteError> {
        let request = self.get(&path(id, "/results"));
        self.json(match at {
            Some(at) => request.with_query("at", at.value().to_string()),
            None => request,
        })
        .await
    }

    /// A document.
    pub(crate) async fn document(&self, id: &WorkflowId, document: &DocumentView) -> Result<File, RemoteError> {
        let (stem, extension) =
            parts(&document.filename).ok_or_else(|| self.not_ours(&"a document has no safe name"))?;
        let bytes = self.bytes(self.get(&path(id, &format!("/documents/{}", document.filename)))).await?;
        Ok(File { stem, extension, bytes })
    }

    /// The texts that the citations point into, each with its SHA-256, which it has.
    pub(crate) async fn evidence(&self, id: &WorkflowId, found: &ResultsView) -> Result<Vec<File>, RemoteError> {
        let mut files = Vec::with_capacity(found.evidence.len().min(FILES_MAX));
        for text in found.evidence.iter().take(FILES_MAX) {
            let bytes = self.bytes(self.get(&path(id, &format!("/documents/{}", text.sha256)))).await?;
            let digest = digest_of(&bytes).to_string();
            if digest != text.sha256 {
                return Err(self.not_ours(&format!("a text of the evidence has the SHA-256 {digest} and not its own")));
            }
            files.push(File { stem: digest, extension: String::new(), bytes });
        }
        Ok(files)
    }
}

/// A file name as its stem and its extension, if it can be one here.
fn parts(name: &str) -> Option<(String, String)> {
    let (stem, extension) = name.rsplit_once('.')?;
    let is_safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let stem_fits = !stem.is_empty() && !stem.starts_with('.') && stem.chars().all(is_safe);
    let extension_fits = (1..=8).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    (stem_fits && extension_fits).then(|| (stem.to_owned(), extension.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_name_cannot_lead_out_of_its_folder() {
        assert_eq!(parts("crash-recovery.md"), Some(("crash-recovery".to_owned(), "md".to_owned())));
        for name in ["../x.md", "a/b.md", "a\\b.md", ".md", "..md", "x", "x.m/d", "", "a\0.md", ".x.md"] {
            assert_eq!(parts(name), None, "{name}");
        }
    }
}
