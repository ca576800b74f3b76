//! From a workflow to the document that is rendered of it. Pure: what it needs is loaded already.

use std::sync::Arc;

use mcp_orchestrator_documents::{Counts, Document, Gap, Writer};
use mcp_orchestrator_domain::{CallState, CheckSummary, ModelName, Report, Span, Target, Timestamp, Workflow};
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
        counts: Counts { proved: check.proved, marked: check.marked, dropped: check.dropped },
        spent: *workflow.spent(),
    }
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
