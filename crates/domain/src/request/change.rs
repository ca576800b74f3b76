//! What a fork may ask for differently. Owns which settings can still change after which part of a history; how a value is
//! read is the draft's.

use super::{Budget, InvalidRequest, Limits, Models, Request, RequestDraft, draft::Parser};
use crate::{DocumentFormat, Event, Money, Recorded, Seq, Stage, Workflow};

/// The request of a fork: that of `source`, with what the draft says instead. `source` is the fold of `log`, the history
/// that is taken over.
///
/// A setting that the history was made with cannot change: the task, the number of agents and how a search works once
/// anything is planned; how results are merged once a merge is planned; the citation gate once a check is planned; the pattern
/// and its steps never. All else holds for what is still to run. `context` adds to what is there, or replaces it key by key;
/// `corpus` replaces the list. Another provider answers with its own models, unless the draft names them. A budget counts from the beginning of the history, so one that is used up is refused.
///
/// # Errors
/// [`InvalidRequest`] with every field that breaks a rule or comes too late, and then up to which position it could change.
pub fn changed_request(
    source: &Workflow,
    log: &[Recorded],
    changes: RequestDraft,
    limits: &Limits,
) -> Result<Request, InvalidRequest> {
    let mut parser = Parser::default();
    parser.refuse_fixed(source, log, &changes);
    let request = parser.change(Request::clone(source.request()), changes, limits);
    parser.refuse_used_up(source, &request.budget);
    if parser.errors.is_empty() { Ok(request) } else { Err(InvalidRequest { errors: parser.errors }) }
}

/// From when on a setting is part of what has happened.
#[derive(Clone, Copy)]
enum Fixed {
    /// From the beginning: it is the workflow.
    Always,
    /// As soon as a step of this stage or a later one is planned.
    From(Stage),
}

/// The settings that become part of a history, whether a draft names each, and when.
fn fixed(draft: &RequestDraft) -> [(&'static str, bool, Fixed); 17] {
    use Fixed::{Always, From};
    [
        ("pattern", draft.pattern.is_some(), Always),
        ("steps", !draft.steps.is_empty(), Always),
        ("report", !draft.report.is_empty(), Always),
        ("condition", draft.condition.is_some(), Always),
        ("branches", !draft.branches.is_empty(), Always),
        ("default_branch", draft.default_branch.is_some(), Always),
        ("max_iterations", draft.max_iterations.is_some(), Always),
        ("success", draft.success.is_some(), Always),
        ("on_exhausted", draft.on_exhausted.is_some(), Always),
        ("task", draft.task.is_some(), From(Stage::Queued)),
        ("num_agents", draft.num_agents.is_some(), From(Stage::Queued)),
        ("allowed_agent_types", draft.allowed_agent_types.is_some(), From(Stage::Queued)),
        ("search_depth", draft.search_depth.is_some(), From(Stage::Queued)),
        ("synthesis_group_size", draft.synthesis_group_size.is_some(), From(Stage::Synthesis)),
        ("enable_drummer", draft.enable_drummer.is_some(), From(Stage::Synthesis)),
        ("enable_camina", draft.enable_camina.is_some(), From(Stage::Synthesis)),
        ("citation_gate", draft.citation_gate.is_some(), From(Stage::Checking)),
    ]
}

impl Parser {
    fn refuse_fixed(&mut self, source: &Workflow, log: &[Recorded], draft: &RequestDraft) {
        if draft.num_agents.is_some() && source.request().definition.is_some() {
            let pattern = &source.request().pattern;
            self.refuse("num_agents", format!("is no setting of the pattern {pattern}: its steps are its agents"));
        }
        for (field, is_set, fixed) in fixed(draft) {
            match fixed {
                _ if !is_set => {}
                Fixed::Always => self.refuse(field, "is what the workflow is, and cannot change in a fork of it"),
                Fixed::From(stage) => {
                    if let Some(used) = first_planned(log, stage) {
                        let before = used.value().saturating_sub(1);
                        self.refuse(
                            field,
                            format!("was used for what is planned at position {used}; it can change in a fork at {before} or before"),
                        );
                    }
                }
            }
        }
    }

    /// Each field that is there, read as a submission reads it.
    fn change(&mut self, mut request: Request, draft: RequestDraft, limits: &Limits) -> Request {
        if let Some(task) = &draft.task {
            request.task = self.task(Some(task));
        }
        if let Some(title) = &draft.title {
            request.title = self.title(Some(title), "", None);
        }
        let of = |parser: &mut Self, field, value: Option<u64>, min, max| {
            value.map(|value| parser.range(field, Some(value), min, max, value))
        };
        if let Some(agents) = of(self, "num_agents", draft.num_agents, 1, limits.agents_max.into()) {
            request.agents = narrow(agents);
        }
        if let Some(most) =
            of(self, "max_concurrent_agents", draft.max_concurrent_agents, 1, limits.concurrency_max.into())
        {
            request.concurrency_max = narrow(most);
        }
        if let Some(priority) = of(self, "priority", draft.priority, 0, 9) {
            request.priority = u8::try_from(priority).unwrap_or(request.priority);
        }
        if let Some(retries) = of(self, "max_retries", draft.max_retries, 0, 10) {
            request.retries_max = narrow(retries);
        }
        if let Some(size) = of(self, "synthesis_group_size", draft.synthesis_group_size, 2, 20) {
            request.beltalowda.group_size = narrow(size);
        }
        self.change_names(&mut request, &draft);
        self.change_timeouts(&mut request, &draft, limits);
        let budget = self.budget(&draft);
        request.budget = Budget {
            cost_max: budget.cost_max.or(request.budget.cost_max),
            tokens_max: budget.tokens_max.or(request.budget.tokens_max),
            calls_max: budget.calls_max.or(request.budget.calls_max),
        };
        if draft.document_formats.is_some() || draft.generate_documents == Some(false) {
            request.formats = self.formats(draft.generate_documents, draft.document_formats.as_deref());
        } else if draft.generate_documents == Some(true) && request.formats.is_empty() {
            request.formats = vec![DocumentFormat::Markdown];
        }
        request.beltalowda.drummer = draft.enable_drummer.unwrap_or(request.beltalowda.drummer);
        request.beltalowda.camina = draft.enable_camina.unwrap_or(request.beltalowda.camina);
        if !draft.context.is_empty() {
            let mut context = std::mem::take(&mut request.context);
            context.extend(draft.context);
            request.context = self.context(context);
        }
        request
    }

    fn change_names(&mut self, request: &mut Request, draft: &RequestDraft) {
        use crate::{CorpusName, GateMode, ModelName, ProviderName};
        let provider = self.name("provider_name", draft.provider_name.as_deref(), ProviderName::new);
        if provider.is_some() && provider != request.provider {
            // Models are named as their provider names them: another one has others.
            request.models = Models::default();
        }
        request.provider = provider.or_else(|| request.provider.take());
        for (field, value, model) in [
            ("model", &draft.model, &mut request.models.primary),
            ("agent_model", &draft.agent_model, &mut request.models.worker),
            ("synthesis_model", &draft.synthesis_model, &mut request.models.synthesis),
        ] {
            let named = self.name(field, value.as_deref(), ModelName::new);
            *model = named.or_else(|| model.take());
        }
        if !draft.corpus.is_empty() {
            let named = draft.corpus.iter().filter_map(|name| self.name("corpus", Some(name), CorpusName::new));
            request.corpora = named.collect();
        }
        if let Some(types) = &draft.allowed_agent_types {
            request.swarm.agent_types = self.agent_types(Some(types));
        }
        let depth = self.name("search_depth", draft.search_depth.as_deref(), |text| text.parse());
        request.swarm.depth = depth.unwrap_or(request.swarm.depth);
        let gate = self.name("citation_gate", draft.citation_gate.as_deref(), |text| text.parse::<GateMode>());
        request.gate = gate.unwrap_or(request.gate);
    }

    /// A limit for the workflow that nobody names grows with that of its agents, and never shrinks.
    fn change_timeouts(&mut self, request: &mut Request, draft: &RequestDraft, limits: &Limits) {
        if draft.timeout_seconds.is_none() && draft.workflow_timeout_seconds.is_none() {
            return;
        }
        let asked = self.timeouts(draft, request.agents.into(), request.definition.as_ref(), limits);
        let before = request.timeouts;
        if draft.timeout_seconds.is_some() {
            request.timeouts = asked;
            request.timeouts.workflow_ms = before.workflow_ms.max(asked.workflow_ms);
        }
        if draft.workflow_timeout_seconds.is_some() {
            request.timeouts.workflow_ms = asked.workflow_ms;
        }
    }

    /// A budget that is used up by what is taken over would end the fork at its first call.
    fn refuse_used_up(&mut self, source: &Workflow, budget: &Budget) {
        let before = source.request().budget;
        let (held_tokens, held_cost) = source.held();
        let spent = source.spent();
        if let Some(max) = budget.cost_max.filter(|max| before.cost_max != Some(*max)) {
            let taken = spent.cost.plus(held_cost);
            if source.unbounded_calls() > 0 {
                self.refuse("budget_usd", "cannot be held: the cost of calls that are taken over is not known");
            } else if taken > Money::ZERO && taken >= max {
                self.refuse(
                    "budget_usd",
                    format!("is {}, and what is taken over has taken {}", max.usd(), taken.usd()),
                );
            }
        }
        let used = spent.usage.total().saturating_add(held_tokens);
        if let Some(max) = budget.tokens_max.filter(|max| before.tokens_max != Some(*max) && used >= *max) {
            self.refuse("budget_tokens", format!("is {max}, and what is taken over has used {used}"));
        }
        let open = u32::try_from(source.open_calls().count()).unwrap_or(u32::MAX);
        let calls = spent.calls.saturating_sub(open);
        if let Some(max) = budget.calls_max.filter(|max| before.calls_max != Some(*max) && calls >= *max) {
            self.refuse("max_calls", format!("is {max}, and what is taken over has made {calls}"));
        }
    }
}

/// Where the first step of this stage or a later one was planned.
fn first_planned(log: &[Recorded], stage: Stage) -> Option<Seq> {
    let planned =
        log.iter().find(|recorded| matches!(&recorded.record.event, Event::StepPlanned(spec) if spec.stage >= stage));
    planned.map(|recorded| recorded.seq)
}

fn narrow(value: u64) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

impl RequestDraft {
    /// Whether it says nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
