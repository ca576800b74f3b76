//! From a draft to a stored workflow. Owns what this process adds to a request, and what it refuses.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mcp_orchestrator_domain::{
    AgentType, Definition, Digest, FieldError, Image, InvalidRequest, PatternName, Principal, ProviderName, Record,
    Recorded, Request, RequestDraft, RequestId, Seq, Submitted, Tier, Timestamp, ToolName, Workflow, WorkflowId,
};
use mcp_orchestrator_store::{Created, Idempotency, Lineage, Needs, NewWorkflow, StoreError, WorkerId, WorkflowRow};
use mcp_orchestrator_strategies::Swarm;
use mcp_orchestrator_tools::check_schema;
use sha2::{Digest as _, Sha256};

use crate::{Error, image, parts::Parts, patience::Patience, run::summary};

/// How often a store that is away is asked to create a workflow.
const CREATE_ATTEMPTS_MAX: u32 = 4;
/// For how long: the caller waits.
const CREATED_WITHIN: Duration = Duration::from_secs(10);

/// How a request is submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct SubmitOptions {
    /// Makes the submission repeatable: at most 200 visible characters, unique per principal.
    pub idempotency_key: Option<String>,
    /// What else makes the submission what it is: the same key with another text here is another request.
    pub idempotency_context: Option<String>,
    /// Whether only this orchestrator's own worker may run it while it lives.
    pub reserved: bool,
    /// The request of a client behind it: kept in the log, named in this engine's log lines, sent to services.
    pub request_id: Option<RequestId>,
    /// Images that planning and the agents are shown, [`Image::COUNT_MAX`] at most of [`Image::TOTAL_BYTES_MAX`] together. They
    /// are kept in the store, and the log names them.
    pub images: Vec<Image>,
}

/// What a submission did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Submission {
    /// The workflow.
    pub id: WorkflowId,
    /// What this submission made, as it was stored; `None` when its idempotency key found a workflow that was there.
    pub made: Option<Made>,
}

/// A workflow as it was submitted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Made {
    /// The workflow as lists show it.
    pub row: WorkflowRow,
    /// The request with everything filled in.
    pub request: Request,
}

pub(crate) async fn submit(
    parts: &Parts,
    principal: &Principal,
    draft: RequestDraft,
    options: SubmitOptions,
) -> Result<Submission, Error> {
    let mut asked = draft.parse(&parts.limits)?;
    asked.images = image::references(&options.images)?;
    // The hash is of what was asked, not of what this process chose for it: another process may choose otherwise.
    let idempotency = options.idempotency_key.as_deref();
    let idempotency = idempotency.map(|key| idempotency_of(key, &asked, options.idempotency_context.as_deref()));
    let idempotency = idempotency.transpose()?;
    let request = accept(parts, asked)?;
    image::keep(parts, principal, &options.images).await?;
    let version = version(parts, &request.pattern)?;
    let submitted = Submitted {
        principal: principal.clone(),
        seed: u64::from_be_bytes(parts.dice.roll()?),
        strategy_version: version,
        request_id: options.request_id,
        request,
    };
    let id = new_id(parts, &submitted.request.pattern)?;
    let now = parts.clock.now();
    let (workflow, first) = Workflow::submit(id.clone(), submitted, now);
    let made = made(&workflow, now);
    let stored = create(parts, workflow, vec![first], idempotency, options.reserved).await?;
    Ok(Submission { made: (stored == id).then_some(made), id: stored })
}

/// A workflow as it is about to be stored.
pub(crate) fn made(workflow: &Workflow, created: Timestamp) -> Made {
    let request = workflow.request();
    let row = WorkflowRow {
        id: workflow.id().clone(),
        principal: workflow.principal().clone(),
        pattern: request.pattern.clone(),
        priority: request.priority,
        head: workflow.head(),
        lineage: Lineage::UNKNOWN,
        created,
        owner: None,
        needs: needs(request),
        summary: summary(workflow),
    };
    Made { row, request: Request::clone(request) }
}

pub(crate) async fn create(
    parts: &Parts,
    workflow: Workflow,
    records: Vec<Recorded>,
    idempotency: Option<Idempotency>,
    reserved: bool,
) -> Result<WorkflowId, Error> {
    let request = workflow.request();
    let reserved_for = (reserved || parts.reserves).then(|| WorkerId::clone(&parts.worker));
    let new = NewWorkflow {
        id: workflow.id().clone(),
        principal: workflow.principal().clone(),
        pattern: request.pattern.clone(),
        needs: needs(request),
        priority: request.priority,
        idempotency,
        records: records.into_iter().map(|recorded| recorded.record).collect::<Vec<Arc<Record>>>(),
        summary: summary(&workflow),
        queue_max: if reserved_for.is_none() { parts.queue_max } else { None },
        reserved_for,
    };
    let id = workflow.id().clone();
    // Before it is stored: from then on it may be claimed at any moment.
    parts.fresh.put(workflow);
    let created = create_surely(parts, new).await;
    if !matches!(created, Ok(Created::New(_))) {
        parts.fresh.take(&id);
    }
    match created {
        Ok(Created::New(_)) => Ok(id),
        Ok(Created::Existing(id)) => Ok(id),
        Err(StoreError::IdempotencyMismatch) => Err(Error::IdempotencyMismatch),
        Err(StoreError::QueueFull { queued, queue_max }) => Err(Error::QueueFull { queued, queue_max }),
        Err(error @ StoreError::Unavailable(_)) => Err(Error::Unsure { id, error }),
        Err(error) => Err(error.into()),
    }
}

/// Stores it. A try whose answer is lost may have done it: it is repeated, and whoever has its id then is the same one.
async fn create_surely(parts: &Parts, new: NewWorkflow) -> Result<Created, StoreError> {
    let mut patience = Patience::new(parts.clock.now(), CREATED_WITHIN);
    let mut created = parts.store.create(new.clone()).await;
    for _ in 1..CREATE_ATTEMPTS_MAX {
        if !matches!(created, Err(StoreError::Unavailable(_))) {
            return created;
        }
        let Some(at) = patience.next(parts.clock.now(), false) else { return created };
        parts.clock.sleep_until(at).await;
        created = match parts.store.create(new.clone()).await {
            // The id is random and was chosen here.
            Err(StoreError::Exists) => Ok(Created::New(Seq::new(new.records.len() as u64))),
            again => again,
        };
    }
    created
}

/// What a worker must have to run a request.
fn needs(request: &Request) -> Needs {
    Needs {
        provider: request.provider.clone(),
        pattern: Some(request.pattern.clone()),
        tools: needed_tools(request),
        corpora: request.corpora.clone(),
    }
}

/// The valid request with everything chosen that the draft left open.
fn accept(parts: &Parts, mut request: Request) -> Result<Request, Error> {
    if !parts.strategies.contains_key(&request.pattern) {
        return Err(unknown_pattern(parts, &request.pattern));
    }
    let provider = choose_provider(parts, request.provider.take())?;
    know_corpora(parts, &request)?;
    if request.corpora.is_empty() {
        request.corpora.clone_from(&parts.corpora);
    }
    request.tools = agent_tools(parts);
    request.swarm.tools = tools_by_type(parts, &request);
    if let Some(definition) = &request.definition {
        fits(parts, definition, &provider)?;
    }
    know_price(parts, &request, &provider)?;
    image::seen(parts, &request, &provider)?;
    request.provider = Some(provider);
    Ok(request)
}

/// The request of a fork, with what it asks for differently looked at as that of a submission is.
pub(crate) fn accept_change(parts: &Parts, before: &Request, mut request: Request) -> Result<Request, Error> {
    let asks_another = request.provider != before.provider;
    let provider = match request.provider.take() {
        Some(provider) if !asks_another => provider,
        named => choose_provider(parts, named)?,
    };
    if asks_another && let Some(definition) = &request.definition {
        fits(parts, definition, &provider)?;
    }
    if request.corpora != before.corpora {
        know_corpora(parts, &request)?;
    }
    if asks_another || request.models != before.models || request.budget.cost_max != before.budget.cost_max {
        know_price(parts, &request, &provider)?;
        image::seen(parts, &request, &provider)?;
    }
    request.provider = Some(provider);
    Ok(request)
}

fn know_corpora(parts: &Parts, request: &Request) -> Result<(), Error> {
    match request.corpora.iter().find(|corpus| !parts.corpora.contains(corpus)) {
        Some(corpus) => Err(Error::UnknownCorpus { name: corpus.to_string(), known: names(parts.corpora.iter()) }),
        None => Ok(()),
    }
}

/// Whether a budget in money, if there is one, can be held.
fn know_price(parts: &Parts, request: &Request, provider: &ProviderName) -> Result<(), Error> {
    if request.budget.cost_max.is_none() {
        return Ok(());
    }
    let unknown = |model| Err(Error::UnknownPrice { provider: provider.to_string(), model });
    let Some(asked) = parts.providers.get(provider) else { return unknown(None) };
    for tier in Tier::ALL {
        let model = request.models.of(tier).cloned().or_else(|| asked.tier_model(tier));
        let can = asked.capabilities(model.as_ref());
        if can.price.is_none() {
            return unknown(model.map(|model| model.to_string()).or(can.default_model));
        }
    }
    Ok(())
}

/// Whether the steps can run here: their tools are registered, their schemas are schemas, and who answers can answer.
fn fits(parts: &Parts, definition: &Definition, provider: &ProviderName) -> Result<(), InvalidRequest> {
    if let Some(unknown) = definition.tools().into_iter().find(|name| parts.tools.find(name.as_str()).is_none()) {
        let known = names(parts.tool_names().iter());
        return Err(FieldError::new("steps", format!("name the tool {unknown}, and there are {known}")).into());
    }
    for (step, schema) in definition.schemas() {
        check_schema(schema).map_err(|wrong| FieldError::new("steps", format!("step {step}: schema: {wrong}")))?;
    }
    let writes_freely = parts.providers.get(provider).is_none_or(|provider| provider.capabilities(None).is_model);
    match definition.needs_model() {
        Some(what) if !writes_freely => {
            let detail = format!("{what} needs a model, and {provider} writes without one");
            Err(FieldError::new("provider_name", detail).into())
        }
        _ => Ok(()),
    }
}

/// Everything a worker must have registered: what agents may call, and what steps call.
pub(crate) fn needed_tools(request: &Request) -> Vec<ToolName> {
    let mut tools = request.tools.clone();
    let named = request.definition.iter().flat_map(Definition::tools);
    tools.extend(named.filter(|name| !request.tools.contains(name)).cloned().collect::<Vec<_>>());
    tools
}

/// Agents may call the sources. Other tools run only where a strategy names them.
fn agent_tools(parts: &Parts) -> Vec<ToolName> {
    let is_source = |name: &ToolName| parts.has_sources(std::slice::from_ref(name));
    parts.tool_names().into_iter().filter(is_source).collect()
}

/// The table of kinds, as far as its tools are there.
fn tools_by_type(parts: &Parts, request: &Request) -> BTreeMap<AgentType, Vec<ToolName>> {
    if request.pattern.as_str() != Swarm::NAME {
        return BTreeMap::new();
    }
    let there = |row: &Vec<ToolName>| row.iter().filter(|tool| request.tools.contains(tool)).cloned().collect();
    let rows = parts.agent_tools.iter().map(|(kind, row)| (*kind, there(row)));
    rows.filter(|(_, row): &(_, Vec<ToolName>)| !row.is_empty()).collect()
}

fn choose_provider(parts: &Parts, named: Option<ProviderName>) -> Result<ProviderName, Error> {
    let name = named.or_else(|| parts.default_provider.clone()).ok_or(Error::NoProvider)?;
    if parts.providers.contains_key(&name) {
        return Ok(name);
    }
    Err(Error::UnknownProvider { name: name.to_string(), known: names(parts.providers.keys()) })
}

pub(crate) fn version(parts: &Parts, pattern: &PatternName) -> Result<u32, Error> {
    parts.strategies.get(pattern).map(|strategy| strategy.version()).ok_or_else(|| unknown_pattern(parts, pattern))
}

fn unknown_pattern(parts: &Parts, pattern: &PatternName) -> Error {
    Error::UnknownPattern { name: pattern.to_string(), known: names(parts.strategies.keys()) }
}

pub(crate) fn names(known: impl Iterator<Item = impl std::fmt::Display>) -> String {
    let known: Vec<String> = known.map(|name| name.to_string()).collect();
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

pub(crate) fn new_id(parts: &Parts, pattern: &PatternName) -> Result<WorkflowId, Error> {
    let kind = match pattern.as_str() {
        "beltalowda" => "research",
        "swarm" => "search",
        other => other,
    };
    let kind: String = kind.chars().map(|c| if c == '-' { '_' } else { c }).take(32).collect();
    WorkflowId::from_random(&kind, parts.dice.roll()?).map_err(|error| Error::Internal(error.to_string()))
}

/// The key a caller chose, with the hash of what it makes repeatable.
pub(crate) fn idempotency_of(
    key: &str,
    asked: &impl serde::Serialize,
    context: Option<&str>,
) -> Result<Idempotency, Error> {
    let visible = key.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if key.is_empty() || key.len() > 200 || !visible {
        return Err(Error::InvalidIdempotencyKey);
    }
    let mut body = serde_json::to_vec(asked).map_err(|error| Error::Internal(error.to_string()))?;
    if let Some(context) = context {
        body.push(0);
        body.extend_from_slice(context.as_bytes());
    }
    Ok(Idempotency { key: key.to_owned(), body: Digest::new(Sha256::digest(&body).into()) })
}
