//! One question through the product: a research workflow on the engine, without a model. Owns the set-up, nothing of what
//! is written.

use anyhow::Context as _;
use mcp_orchestrator::{ExtractiveProvider, Handle, MemoryStore, Orchestrator, RequestDraft, Results};
use mcp_orchestrator_documents::markdown;
use mcp_orchestrator_domain::{Event, Finding, Report, Seq};
use tokio::runtime::Runtime;

use super::questions::QuestionFile;

/// Records of one workflow looked at.
const RECORDS_MAX: usize = 1_000;

/// A report and what the citation gate made of it.
pub(super) struct Checked {
    /// What is left of it.
    pub(super) report: Report,
    /// The same as Markdown with evidence ids.
    pub(super) markdown: String,
    /// Sentences whose citations were all proved.
    pub(super) proved: u32,
    /// Sentences the gate dropped.
    pub(super) dropped: u32,
    /// What the gate found in the first place.
    pub(super) findings: Vec<Finding>,
}

/// A corpus ready for questions.
pub(super) struct Library {
    runtime: Runtime,
    handle: Handle,
}

impl Library {
    /// Indexes the corpus of a file in memory and starts an engine over it.
    pub(super) fn open(file: &QuestionFile) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let orchestrator = Orchestrator::builder(MemoryStore::new())
            .with_provider(ExtractiveProvider::new())
            .with_corpus(&file.name, &file.folder)
            .build()
            .with_context(|| format!("failed to index {}", file.folder.display()))?;
        let handle = {
            let _inside = runtime.enter();
            orchestrator.start()
        };
        Ok(Self { runtime, handle })
    }

    /// The report on a question, as a user gets it.
    pub(super) fn answer(&self, question: &str) -> anyhow::Result<Checked> {
        self.runtime.block_on(async {
            let draft = RequestDraft { generate_documents: Some(false), ..RequestDraft::research(question) };
            let id = self.handle.submit(draft).await?;
            let results: Results = self.handle.wait(&id).await?;
            let document = results.document.with_context(|| format!("no report on {question:?}"))?;
            let log = self.handle.records(&id, Seq::ZERO, RECORDS_MAX).await?;
            let findings = log.iter().find_map(|recorded| match &recorded.record.event {
                Event::ReportChecked(checked) => Some(checked.repairs.clone()),
                _ => None,
            });
            Ok(Checked {
                markdown: markdown::source(&document.report),
                proved: document.counts.proved,
                dropped: document.counts.dropped,
                report: document.report,
                findings: findings.unwrap_or_default(),
            })
        })
    }
}
