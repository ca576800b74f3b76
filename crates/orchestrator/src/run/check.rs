//! The check step: parses what was written, proves its citations, and keeps what remains. No model takes part.

use std::{fmt::Write as _, sync::Arc};

use mcp_orchestrator_documents::parse;
use mcp_orchestrator_domain::{
    Call, Digest, EvidenceSet, Failure, FailureClass, GateMode, NOTHING_FOUND, Outcome, Principal, Report,
    ReportChecked, Span, StepId, StepSpec, Target, cited, clean_line, gate,
};
use mcp_orchestrator_store::Store;

use super::{
    Run,
    ended::{Ended, LocalError},
    resume::keep,
};
use crate::{Error, caught::caught, parts::Parts};

/// Texts up to this size are checked on the spot; longer ones on a thread of their own.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// The longest heading of a section, in characters: a step's task may be a page.
const HEADING_CHARS_MAX: usize = 160;

/// A check to do.
struct Check {
    step: StepId,
    title: String,
    markdown: String,
    mode: GateMode,
    repair: bool,
    /// What kind of answer it can be at best.
    outcome: Outcome,
    spans: Vec<Arc<Span>>,
}

impl Run {
    /// Starts the check of what a step reads; several texts become sections of one report.
    pub(super) fn start_check(&mut self, spec: &StepSpec, mode: GateMode, repair: bool) {
        let outputs = self.outputs(spec);
        let markdown = match outputs.as_slice() {
            [one] => one.text.to_string(),
            several => several.iter().fold(String::new(), |mut text, output| {
                let _ = write!(text, "## {}\n\n{}\n\n", clean_line(&output.task, HEADING_CHARS_MAX), output.text);
                text
            }),
        };
        let spans = cited(&markdown).iter().filter_map(|id| self.workflow.evidence().get(id).cloned()).collect();
        let check = Check {
            step: spec.id.clone(),
            title: self.workflow.request().title.clone(),
            markdown,
            mode,
            repair,
            outcome: self.best_outcome(),
            spans,
        };
        let (parts, tenant) = (Arc::clone(&self.parts), self.workflow.principal().clone());
        self.in_flight.spawn(async move {
            let step = check.step.clone();
            let checked = caught(check.run(&parts, &tenant)).await;
            let checked = checked.unwrap_or_else(|_| Err(internal("the check panicked"))).map(Box::new);
            Box::new(Ended::Checked { step, checked })
        });
    }

    /// Sources that were asked and held nothing leave nothing to say; without a source nothing can be proved.
    fn best_outcome(&self) -> Outcome {
        if !self.workflow.evidence().is_empty() {
            return Outcome::Answered;
        }
        let is_source = |call: &Call| match &call.target {
            Target::Tool { name, .. } => self.parts.has_sources(std::slice::from_ref(name)),
            Target::Model { .. } => false,
        };
        let asked = self.workflow.calls().iter().any(is_source);
        let has_sources = self.parts.has_sources(&self.workflow.request().tools);
        if has_sources && asked { Outcome::NothingFound } else { Outcome::Unverified }
    }
}

impl Check {
    async fn run(self, parts: &Parts, tenant: &Principal) -> Result<ReportChecked, LocalError> {
        let evidence = evidence(parts.store.as_ref(), tenant, &self.spans).await.map_err(LocalError::Store)?;
        let (step, repair) = (self.step.clone(), self.repair);
        let (settled, findings) = if self.markdown.len() <= INLINE_BYTES_MAX {
            self.prove(&evidence)?
        } else {
            tokio::task::spawn_blocking(move || self.prove(&evidence))
                .await
                .map_err(|_| internal("the check panicked"))??
        };
        let json = serde_json::to_string(&settled.report).map_err(|error| internal(error.to_string()))?;
        let outcome = settled.report.outcome;
        Ok(ReportChecked {
            step,
            report: keep(parts, tenant, json).await.map_err(|error| LocalError::Store(error.into()))?,
            outcome,
            proved: settled.proved,
            marked: settled.marked,
            dropped: settled.dropped,
            repairs: if repair { findings } else { Vec::new() },
        })
    }

    fn prove(self, evidence: &EvidenceSet) -> Result<(gate::Settled, Vec<gate::Finding>), LocalError> {
        let mut report = parse(&self.markdown, &self.title)
            .map_err(|error| LocalError::Failure(Failure::new(FailureClass::Limit, error.to_string())))?;
        report.outcome = if says_nothing(&report) { Outcome::NothingFound } else { self.outcome };
        if report.outcome == Outcome::NothingFound {
            report.blocks.clear();
        }
        let findings = gate::check(&report, evidence, self.mode);
        let settled = gate::settle(report, &findings, self.mode);
        Ok((settled, findings))
    }
}

/// Spans with the snapshots behind them.
pub(crate) async fn evidence(store: &dyn Store, tenant: &Principal, spans: &[Arc<Span>]) -> Result<EvidenceSet, Error> {
    let mut evidence = EvidenceSet::new();
    let mut loaded: Vec<Digest> = Vec::new();
    for span in spans {
        evidence.add_span(Arc::clone(span));
        if loaded.contains(&span.snapshot) {
            continue;
        }
        loaded.push(span.snapshot);
        // A snapshot that is gone is a finding of the gate, not a failure of the check.
        if let Some(bytes) = store.get_blob(tenant, &span.snapshot).await?
            && let Ok(text) = std::str::from_utf8(&bytes)
        {
            evidence.add_snapshot(span.snapshot, Arc::from(text));
        }
    }
    Ok(evidence)
}

/// Whether the report says only that nothing was found.
fn says_nothing(report: &Report) -> bool {
    let mut sentences = report.sentences().peekable();
    sentences.peek().is_some() && sentences.all(|sentence| sentence.text.trim() == NOTHING_FOUND)
}

fn internal(message: impl AsRef<str>) -> LocalError {
    LocalError::Failure(Failure::new(FailureClass::Internal, message))
}
