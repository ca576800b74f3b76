//! From a workflow to the document that is rendered of it. Of texts it loads only what names the models.

use std::{collections::HashSet, sync::Arc};

use mcp_orchestrator_documents::{Costs, Counts, Document, Gap, Share, StepCost, Writer};
use mcp_orchestrator_domain::{
    CallState, CheckSummary, Decision, EvidenceId, ModelName, Money, Payload, ProviderName, Reply, Report, Role, Span,
    Stage, Step, StepId, StepKind, Target, Workflow,
};
use mcp_orchestrator_store::StoreError;
use mcp_orchestrator_strategies::missing;

use crate::{Error, parts::Parts, run::load};

/// The document of a checked report by these models.
pub(crate) fn assemble(
    parts: &Parts,
    workflow: &Workflow,
    check: &CheckSummary,
    report: Report,
    models: Vec<ModelName>,
) -> Document {
    let request = workflow.request();
    let evidence: Vec<Arc<Span>> =
        report.cited().iter().filter_map(|id| workflow.evidence().get(id).cloned()).collect();
    let provider = request.provider.as_ref().and_then(|name| parts.providers.get(name));
    let is_model = provider.is_none_or(|provider| provider.capabilities(None).is_model);
    let costs = costs(workflow, &report);
    let gaps = missing(workflow)
        .into_iter()
        .map(|missing| Gap { step: missing.step, task: missing.task, reason: missing.reason.to_string() })
        .collect();
    Document {
        schema: Document::SCHEMA,
        id: workflow.id().clone(),
        title: request.title.clone(),
        task: request.task.clone(),
        generated: workflow.updated(),
        pattern: request.pattern.clone(),
        provider: request.provider.clone(),
        models,
        written_by: if is_model { Writer::Model } else { Writer::Extractive },
        gate: request.gate,
        report,
        evidence,
        gaps,
        notes: notes(workflow),
        counts: Counts { proved: check.proved, marked: check.marked, dropped: check.dropped },
        spent: *workflow.spent(),
        costs,
    }
}

/// What each sentence cost, from what the steps cost; `None` when nothing was paid for.
///
/// Whoever wrote, merged or repaired a text that the report is made of is shared by all sentences, whoever found something by
/// those that cite it. Every call belongs to a step, so the steps come to what the workflow spent.
fn costs(workflow: &Workflow, report: &Report) -> Option<Costs> {
    let cited = report.cited();
    let checks = workflow.steps().iter().filter(|step| matches!(step.spec().kind, StepKind::Check { .. }));
    let written: HashSet<&StepId> = checks.flat_map(|check| &check.spec().reads).collect();
    let share = |step: &Step, evidence: &[EvidenceId]| match step.role() {
        Role::Synthesizer | Role::Executive | Role::Editor => Share::All,
        _ if step.stage() == Stage::Synthesis || written.contains(step.id()) => Share::All,
        _ if evidence.is_empty() => Share::None,
        _ => Share::Cited,
    };
    let made_calls = workflow.steps().iter().filter(|step| !step.calls().is_empty());
    let of_step = |step: &Step| {
        let evidence: Vec<EvidenceId> = step.evidence().iter().filter(|id| cited.contains(id)).cloned().collect();
        StepCost { step: step.id().clone(), share: share(step, &evidence), cost: step.used().cost, evidence }
    };
    let steps: Vec<StepCost> = made_calls.map(of_step).collect();
    let is_paid = steps.iter().any(|step| step.cost.known() != Some(Money::ZERO));
    is_paid.then(|| Costs::of(report, steps))
}

/// What was decided, in the words of the strategy: of several passes only how they ended. Then what was cut off.
fn notes(workflow: &Workflow) -> Vec<String> {
    let is_news = |decision: &&Decision| match decision {
        Decision::Pass { number, of, done, .. } => *done || number >= of,
        _ => true,
    };
    let cut = workflow.steps().iter().filter(|step| step.is_cut()).map(|step| match step.role() {
        Role::Executive | Role::Editor => "The report was cut off at the token limit: its end is missing.".to_owned(),
        _ => format!("What {} wrote was cut off at the token limit: its end is missing.", step.id()),
    });
    decisions(workflow).filter(is_news).map(ToString::to_string).chain(cut).collect()
}

/// Every decision of the strategy, in order.
pub(crate) fn decisions(workflow: &Workflow) -> impl Iterator<Item = &Decision> {
    workflow.steps().iter().filter(|step| step.is_completed()).filter_map(|step| match &step.spec().kind {
        StepKind::Decision(decision) => Some(decision),
        _ => None,
    })
}

/// The models that answered, each once: the one a call named, else the one its answer names, else its provider's default.
/// The log comes before what this process happens to know, so that every process says the same.
pub(crate) async fn models(parts: &Parts, workflow: &Workflow) -> Result<Vec<ModelName>, Error> {
    let mut models: Vec<ModelName> = Vec::new();
    for call in workflow.calls() {
        let (CallState::Completed { output, .. }, Target::Model { provider, model }) = (&call.state, &call.target)
        else {
            continue;
        };
        let model = match model {
            Some(model) => Some(model.clone()),
            None => match answered_by(parts, workflow, output).await? {
                Some(model) => Some(model),
                None => default_model(parts, provider),
            },
        };
        if let Some(model) = model.filter(|model| !models.contains(model)) {
            models.push(model);
        }
    }
    Ok(models)
}

async fn answered_by(parts: &Parts, workflow: &Workflow, output: &Payload) -> Result<Option<ModelName>, Error> {
    let json = load(parts.store.as_ref(), workflow.principal(), output).await?;
    let reply: Reply =
        serde_json::from_str(&json).map_err(|error| StoreError::Unreadable(format!("a reply in the log: {error}")))?;
    // A service may name its model as no request could.
    Ok(reply.model.and_then(|name| ModelName::new(&name).ok()))
}

fn default_model(parts: &Parts, provider: &ProviderName) -> Option<ModelName> {
    let capabilities = parts.providers.get(provider)?.capabilities(None);
    capabilities.default_model.and_then(|name| ModelName::new(&name).ok())
}
