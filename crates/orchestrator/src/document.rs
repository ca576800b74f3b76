//! From a workflow to the document that is rendered of it. Pure: what it needs is loaded already.

use std::sync::Arc;

use mcp_orchestrator_documents::{Counts, Document, Gap, Writer};
use mcp_orchestrator_domain::{
    CallState, CheckSummary, Decision, ModelName, Report, Span, StepKind, Target, Timestamp, Workflow,
};
use mcp_orchestrator_strategies::missing;

use crate::parts::Parts;

/// The document of a checked report.
pub(crate) fn assemble(
    parts: &Parts,
    workflow: &Workflow,
    check: &CheckSummary,
    report: Report,
    generated: Timestamp,
) -> Document {
    let request = workflow.request();
    let evidence: Vec<Arc<Span>> =
        report.cited().iter().filter_map(|id| workflow.evidence().get(id).cloned()).collect();
    let provider = request.provider.as_ref().and_then(|name| parts.providers.get(name));
    let is_model = provider.is_none_or(|provider| provider.capabilities(None).is_model);
    let gaps = missing(workflow)
        .into_iter()
        .map(|missing| Gap { step: missing.step, task: missing.task, reason: missing.reason.to_string() })
        .collect();
    Document {
        schema: Document::SCHEMA,
        id: workflow.id().clone(),
        title: request.title.clone(),
        task: request.task.clone(),
        generated,
        pattern: request.pattern.clone(),
        provider: request.provider.clone(),
        models: models(parts, workflow),
        written_by: if is_model { Writer::Model } else { Writer::Extractive },
        gate: request.gate,
        report,
        evidence,
        gaps,
        notes: notes(workflow),
        counts: Counts { proved: check.proved, marked: check.marked, dropped: check.dropped },
        spent: *workflow.spent(),
    }
}

/// What was decided, in the words of the strategy: of several passes only how they ended.
fn notes(workflow: &Workflow) -> Vec<String> {
    let is_news = |decision: &&Decision| match decision {
        Decision::Pass { number, of, done, .. } => *done || number >= of,
        _ => true,
    };
    decisions(workflow).filter(is_news).map(ToString::to_string).collect()
}

/// Every decision of the strategy, in order.
pub(crate) fn decisions(workflow: &Workflow) -> impl Iterator<Item = &Decision> {
    workflow.steps().iter().filter(|step| step.is_completed()).filter_map(|step| match &step.spec().kind {
        StepKind::Decision(decision) => Some(decision),
        _ => None,
    })
}

/// The models that answered, each once: the one a call named, else its provider's default.
fn models(parts: &Parts, workflow: &Workflow) -> Vec<ModelName> {
    let mut models: Vec<ModelName> = Vec::new();
    for call in workflow.calls().iter().filter(|call| matches!(call.state, CallState::Completed { .. })) {
        let Target::Model { provider, model } = &call.target else { continue };
        let default = || {
            let capabilities = parts.providers.get(provider)?.capabilities(None);
            capabilities.default_model.and_then(|name| ModelName::new(&name).ok())
        };
        if let Some(model) = model.clone().or_else(default)
            && !models.contains(&model)
        {
            models.push(model);
        }
    }
    models
}
