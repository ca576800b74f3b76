//! Asking a model for an agent's next answer: who, with what, and whether it may be asked now. Makes the intent; the call is
//! made once that is durable.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    CallNo, CallStarted, Event, Failure, FailureClass, ProviderName, StepKind, StepSpec, Target,
};

use super::{
    Run, Stop,
    budget::{self, Fit},
    calls::Start,
    tries::Tries,
};
use crate::caught::{caught_now, panic_text};

/// A question to a model.
pub(super) struct Ask<'a> {
    pub(super) spec: &'a Arc<StepSpec>,
    pub(super) turn: u16,
    pub(super) with_tools: bool,
    pub(super) attempt: u16,
    pub(super) provider: ProviderName,
    /// The call it is asked beside.
    pub(super) hedges: Option<CallNo>,
    /// How much of its time the step has used.
    pub(super) run_ms: u64,
}

/// Why a model is not asked.
pub(super) enum NotAsked {
    /// Its worst case does not fit beside the calls that are open.
    Later,
    /// Nobody may be asked any more, and what the agent has said is what there is.
    Never(Failure),
    /// The step fails with it.
    Step(Failure),
    /// The workflow fails with it.
    Workflow(Failure),
}

impl Run {
    pub(super) fn ask_model(&mut self, spec: &Arc<StepSpec>, turn: u16, with_tools: bool) -> Result<(), Stop> {
        let attempt = match self.tries(&spec.id, turn, None) {
            Tries::Open => return Ok(()),
            Tries::Parked(at) => {
                self.wake_at(at);
                return Ok(());
            }
            Tries::Failed(failure) => return self.end_unanswered(spec, failure),
            Tries::Answered { .. } => {
                return self.fail_step(&spec.id, Self::bug("the agent does not fit its own answers in the log"));
            }
            Tries::Due(attempt) => attempt,
        };
        if !self.has_slot(&spec.id) {
            return Ok(());
        }
        if let Some(late) = self.out_of_time(spec) {
            return self.end_unanswered(spec, late);
        }
        let Some(provider) = self.provider_to_ask(&spec.id, turn) else {
            return self.fail(Self::bug("the workflow names no provider"));
        };
        let run_ms = self.run_ms(&spec.id);
        match self.question(Ask { spec, turn, with_tools, attempt, provider, hedges: None, run_ms }) {
            Ok(Some((started, start))) => self.start_model(started, start),
            Ok(None) => Ok(()),
            Err(NotAsked::Later) if self.workflow.open_calls().next().is_some() => Ok(()),
            Err(NotAsked::Later) => {
                self.end_unanswered(spec, Failure::new(FailureClass::Budget, "the budget is used up"))
            }
            Err(NotAsked::Never(failure)) => self.end_unanswered(spec, failure),
            Err(NotAsked::Step(failure)) => self.fail_step(&spec.id, failure),
            Err(NotAsked::Workflow(failure)) => self.fail(failure),
        }
    }

    /// Takes the intent into the log and the call among those to make.
    pub(super) fn start_model(&mut self, started: CallStarted, start: Start) -> Result<(), Stop> {
        self.starts.push(start);
        self.advance(Event::CallStarted(started))
    }

    /// A call of a model, its worst case reserved, and its intent; `None` when the step is no agent at work.
    pub(super) fn question(&self, ask: Ask<'_>) -> Result<Option<(CallStarted, Start)>, NotAsked> {
        let Ask { spec, turn, with_tools, attempt, provider: name, hedges, run_ms } = ask;
        let Some(at_work) = self.agents.get(&spec.id) else { return Ok(None) };
        let StepKind::Agent { output_tokens_max, .. } = spec.kind else { return Ok(None) };
        let Some(provider) = self.parts.providers.get(&name).cloned() else {
            let message = format!("the provider {name} is not registered here");
            return Err(NotAsked::Workflow(Failure::new(FailureClass::NotFound, message)));
        };
        let able = caught_now(|| {
            let model = self.model_at(&name, provider.as_ref(), &spec.role);
            let capabilities = provider.capabilities(model.as_ref());
            (model, capabilities)
        });
        let (model, capabilities) = able.map_err(|panic| {
            let text = panic_text(panic.as_ref());
            NotAsked::Step(Self::bug(format!("the provider {name} panicked when it was asked what it can do: {text}")))
        })?;
        let (tools, former_tools) = match (Arc::clone(&at_work.tools), Arc::from([])) {
            (all, none) if with_tools => (all, none),
            // Only who has been told of tools before has a prompt that begins with them.
            (all, none) if turn > 0 => (none, all),
            (_, none) => (Arc::clone(&none), none),
        };
        let told = if with_tools { &tools } else { &former_tools };
        let worst = budget::worst_case(&capabilities, &at_work.messages, told, output_tokens_max);
        let reserved = match budget::fit(&self.workflow, worst, name.as_str()) {
            Fit::Yes(reserved) => reserved,
            Fit::Later => return Err(NotAsked::Later),
            Fit::No(failure) => return Err(NotAsked::Never(failure)),
        };
        let call = self.workflow.next_call();
        let beside = if hedges.is_some() { "/hedge" } else { "" };
        let started = CallStarted {
            call,
            step: spec.id.clone(),
            turn,
            position: 0,
            attempt,
            target: Target::Model { provider: name, model: model.clone() },
            idempotency_key: format!("{}/{}/{turn}{beside}", self.workflow.id(), spec.id),
            reserved,
            hedges,
        };
        let start = Start::Model {
            call,
            step: spec.id.clone(),
            provider,
            model,
            messages: Arc::clone(&at_work.messages),
            tools,
            former_tools,
            output_schema: at_work.asked.output_schema.clone().filter(|_| capabilities.output_schema),
            temperature: at_work.asked.temperature,
            output_tokens_max,
            idempotency_key: started.idempotency_key.clone(),
            input: Arc::clone(&at_work.input),
            limit_ms: spec.time_limit_ms.saturating_sub(run_ms).max(1),
            is_hedge: hedges.is_some(),
        };
        Ok(Some((started, start)))
    }

    pub(super) fn provider_name(&self) -> &str {
        self.workflow.request().provider.as_ref().map_or("the provider", |name| name.as_str())
    }
}
