//! What came of a workflow, read from its log: report, documents, evidence, gaps, spending.

use std::sync::Arc;

use bytes::Bytes;
use mcp_orchestrator_documents::Document;
use mcp_orchestrator_domain::{
    CallState, CheckSummary, Decision, Digest, DocumentFormat, Evidence as _, Failure, Report, Role, Seq, Stage,
    Status, Step, StepId, StepKind, StepOutput, Target, Workflow, WorkflowId,
};
use mcp_orchestrator_store::{Lineage, StoreError, WorkflowRow};

use crate::{
    Error, document,
    fork::log_to,
    parts::Parts,
    run::{evidence, load, read_workflow, summary},
};

/// What came of a workflow.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Results {
    /// The workflow as lists show it.
    pub row: WorkflowRow,
    /// The report with everything a writer of documents needs; `None` unless it has completed, or, of a position in its
    /// log, unless one was checked by then.
    pub document: Option<Document>,
    /// The rendered documents.
    pub documents: Vec<DocumentFile>,
    /// The texts the report's evidence points into: what `verify` needs beside the JSON document.
    pub evidence: Vec<EvidenceFile>,
    /// Every step that ended, in the order of planning.
    pub steps: Vec<StepResult>,
    /// What the strategy decided, in order: the branch it took, what it said of each pass.
    pub decisions: Vec<Decision>,
}

/// A question a workflow waits for an answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// The step that asks: what [`crate::Handle::answer`] takes.
    pub step: StepId,
    /// What is asked.
    pub question: String,
}

/// The questions a workflow waits for answers to, in the order of planning.
pub(crate) fn questions(workflow: &Workflow) -> Vec<Question> {
    let waiting = workflow.open_steps().filter(|step| step.waits_for_answer());
    waiting
        .filter_map(|step| match &step.spec().kind {
            StepKind::Ask { question } => Some(Question { step: step.id().clone(), question: question.clone() }),
            _ => None,
        })
        .collect()
}

/// A rendered document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentFile {
    /// A safe file name with its extension.
    pub name: String,
    /// The format.
    pub format: DocumentFormat,
    /// The bytes.
    pub bytes: Bytes,
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EvidenceFile {
    /// SHA-256 of the text: the file's name in the evidence folder.
    pub digest: Digest,
    /// The text.
    pub text: Arc<str>,
}

/// One file of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResultFile {
    /// A rendered document.
    Document(DocumentFile),
    /// A text of the evidence.
    Evidence(EvidenceFile),
}

/// What came of a step. A failed one keeps its name, part and sub-task.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepResult {
    /// Its name.
    pub id: StepId,
    /// The part it played.
    pub role: Role,
    /// Its stage.
    pub stage: Stage,
    /// Its sub-task.
    pub task: String,
    /// What it wrote, if it wrote something and it is kept as text.
    pub text: Option<Arc<str>>,
    /// Whether the token limit cut what it wrote, also when it was asked for it once more, shorter: the end is missing.
    pub is_cut: bool,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What it used.
    pub used: mcp_orchestrator_domain::StepUsage,
}

impl Results {
    /// The branch a conditional workflow took; `None` before it did, and for other patterns.
    #[must_use]
    pub fn selected_branch(&self) -> Option<&str> {
        self.decisions.iter().find_map(|decision| match decision {
            Decision::Branch { selected, .. } => Some(selected.as_str()),
            _ => None,
        })
    }

    /// Whether the last pass of an iterative workflow was enough; `None` before its first pass has ended, and for other
    /// patterns.
    #[must_use]
    pub fn converged(&self) -> Option<bool> {
        self.decisions.iter().rev().find_map(|decision| match decision {
            Decision::Pass { done, .. } => Some(*done),
            _ => None,
        })
    }

    /// The report.
    ///
    /// # Errors
    /// [`Error::Failed`] or [`Error::Cancelled`] when that is how the workflow ended, [`Error::Internal`] when it has
    /// not ended.
    pub fn report(&self) -> Result<&Report, Error> {
        match (&self.document, self.row.summary.status) {
            (Some(document), _) => Ok(&document.report),
            (None, Status::Cancelled) => Err(Error::Cancelled),
            (None, Status::Failed) => Err(self
                .row
                .summary
                .failure
                .clone()
                .map_or_else(|| Error::Internal("the workflow failed without a reason".to_owned()), Error::Failed)),
            (None, status) => Err(Error::Internal(format!("the workflow is {status}"))),
        }
    }
}

/// Reads the results of a workflow.
pub(crate) async fn read(parts: &Parts, row: WorkflowRow) -> Result<Results, Error> {
    let workflow = read_workflow(parts.store.as_ref(), &row.id).await?;
    let workflow = workflow.ok_or_else(|| Error::NotFound(row.id.clone()))?.workflow;
    let check = workflow.result().and_then(|done| workflow.step(done.report.as_str())).and_then(Step::check);
    gather(parts, row, &workflow, check).await
}

/// Reads what was known of a workflow at a position of its log. A report that was checked by then is shown although the
/// workflow went on after it.
pub(crate) async fn read_at(parts: &Parts, row: WorkflowRow, at: Seq) -> Result<Results, Error> {
    let log = log_to(parts, &row, at, 0).await?;
    let workflow = Workflow::fold(row.id.clone(), &log)?.ok_or_else(|| Error::NotFound(row.id.clone()))?;
    let row = WorkflowRow {
        head: workflow.head(),
        lineage: Lineage::UNKNOWN,
        owner: None,
        summary: summary(&workflow),
        ..row
    };
    let check = workflow.steps().iter().filter_map(Step::check).next_back();
    gather(parts, row, &workflow, check).await
}

async fn gather(
    parts: &Parts,
    row: WorkflowRow,
    workflow: &Workflow,
    check: Option<&CheckSummary>,
) -> Result<Results, Error> {
    let store = parts.store.as_ref();
    let steps = steps(parts, workflow).await?;
    let decisions: Vec<Decision> = document::decisions(workflow).cloned().collect();
    let Some(check) = check else {
        return Ok(Results { row, document: None, documents: Vec::new(), evidence: Vec::new(), steps, decisions });
    };
    let json = load(store, workflow.principal(), &check.report).await?;
    let report: Report =
        serde_json::from_str(&json).map_err(|error| StoreError::Unreadable(format!("a report: {error}")))?;
    let models = document::models(parts, workflow).await?;
    let document = document::assemble(parts, workflow, check, report, models);
    let set = evidence(store, workflow.principal(), &document.evidence).await?;
    let mut files: Vec<EvidenceFile> = Vec::new();
    for span in &document.evidence {
        if !files.iter().any(|file| file.digest == span.snapshot)
            && let Some(text) = set.snapshot(&span.snapshot)
        {
            files.push(EvidenceFile { digest: span.snapshot, text: Arc::from(text) });
        }
    }
    let mut documents = Vec::new();
    for written in workflow.documents() {
        let bytes = store.get_blob(workflow.principal(), &written.blob.sha256).await?;
        let bytes = bytes.ok_or_else(|| StoreError::Unreadable(format!("the document {} is missing", written.name)))?;
        documents.push(DocumentFile { name: written.name.clone(), format: written.format, bytes });
    }
    Ok(Results { row, document: Some(document), documents, evidence: files, steps, decisions })
}

/// One file of a workflow: a rendered document by its name, or a text its report's evidence points into by its digest.
/// Reads no other one.
pub(crate) async fn file(parts: &Parts, id: &WorkflowId, name: &str) -> Result<Option<ResultFile>, Error> {
    let store = parts.store.as_ref();
    let workflow = read_workflow(store, id).await?.ok_or_else(|| Error::NotFound(id.clone()))?.workflow;
    if let Some(written) = workflow.documents().iter().find(|written| written.name == name) {
        let bytes = store.get_blob(workflow.principal(), &written.blob.sha256).await?;
        let bytes = bytes.ok_or_else(|| StoreError::Unreadable(format!("the document {name} is missing")))?;
        return Ok(Some(ResultFile::Document(DocumentFile {
            name: written.name.clone(),
            format: written.format,
            bytes,
        })));
    }
    let Some(check) = workflow.result().and_then(|done| workflow.step(done.report.as_str())).and_then(|s| s.check())
    else {
        return Ok(None);
    };
    let json = load(store, workflow.principal(), &check.report).await?;
    let report: Report =
        serde_json::from_str(&json).map_err(|error| StoreError::Unreadable(format!("a report: {error}")))?;
    let document = document::assemble(parts, &workflow, check, report, Vec::new());
    // Only what this report rests on: a tenant's other blobs are no file of this workflow.
    let Some(span) = document.evidence.iter().find(|span| span.snapshot.to_string() == name) else { return Ok(None) };
    let digest = span.snapshot;
    let bytes = store.get_blob(workflow.principal(), &digest).await?;
    let text = bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok().map(Arc::from));
    Ok(text.map(|text| ResultFile::Evidence(EvidenceFile { digest, text })))
}

/// Syntheses written so far.
pub(crate) async fn syntheses(parts: &Parts, id: &WorkflowId) -> Result<usize, Error> {
    let workflow = read_workflow(parts.store.as_ref(), id).await?.ok_or_else(|| Error::NotFound(id.clone()))?.workflow;
    let written = workflow.steps().iter().filter(|step| !step.is_open() && step.failure().is_none());
    Ok(written.filter(|step| matches!(step.role(), Role::Synthesizer | Role::Executive)).count())
}

async fn steps(parts: &Parts, workflow: &Workflow) -> Result<Vec<StepResult>, Error> {
    let mut steps = Vec::new();
    for step in workflow.steps().iter().filter(|step| !step.is_open()) {
        let text = match step.output() {
            Some(StepOutput::Inline(text)) => Some(Arc::clone(text)),
            Some(StepOutput::Call(no)) => match workflow.call(*no).map(|call| (&call.state, &call.target)) {
                Some((CallState::Completed { output, .. }, target)) => {
                    let payload = load(parts.store.as_ref(), workflow.principal(), output).await?;
                    Some(match target {
                        Target::Tool { .. } => payload,
                        Target::Model { .. } => said(&payload)?,
                    })
                }
                _ => None,
            },
            Some(StepOutput::Report) | None => None,
        };
        steps.push(StepResult {
            id: step.id().clone(),
            role: step.role().clone(),
            stage: step.stage(),
            task: step.spec().task.clone(),
            text,
            is_cut: step.is_cut(),
            failure: step.failure().cloned(),
            used: *step.used(),
        });
    }
    Ok(steps)
}

fn said(json: &str) -> Result<Arc<str>, Error> {
    let reply: mcp_orchestrator_domain::Reply =
        serde_json::from_str(json).map_err(|error| StoreError::Unreadable(format!("a reply in the log: {error}")))?;
    Ok(Arc::from(reply.message.text.trim()))
}
