//! Moving every open step forward: which call comes next, and whether it may be made now.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use mcp_orchestrator_domain::{
    Agent, AgentLimits, AgentNext, Call, CallStarted, CallState, Cost, Event, EvidenceId, Failure, FailureClass,
    InputRequested, Message, ModelName, Reserved, Role, Span, StepCompleted, StepId, StepInput, StepKind, StepOutput,
    StepSpec, StepText, Target, Timestamp, ToolName, ToolResult, ToolSpec, cited,
};
use mcp_orchestrator_strategies::{Fence, Inputs, Prompt, findings, missing, tool_answer};

use super::{
    AgentAtWork, Run, Stop,
    budget::{self, Fit},
    calls::Start,
};

/// Evidence offered to one step.
const SPANS_MAX: usize = 200;

/// What the log says of the tries of one call.
enum Tries {
    /// It runs.
    Open,
    /// It may be made, as this try.
    Due(u16),
    /// It may be made later.
    Parked(Timestamp),
    /// It failed for good.
    Failed(Failure),
}

impl Run {
    /// Moves every open step forward as far as it goes now.
    pub(super) fn advance_steps(&mut self) -> Result<(), Stop> {
        let open: Vec<Arc<StepSpec>> = self.workflow.open_steps().map(|step| Arc::clone(step.spec())).collect();
        for spec in open {
            match &spec.kind {
                StepKind::Agent { turns_max, .. } => {
                    if !self.agents.contains_key(&spec.id) {
                        if !self.has_slot(&spec.id) {
                            continue;
                        }
                        self.put_to_work(&spec, Agent::new(AgentLimits::turns(*turns_max)))?;
                    }
                    self.advance_agent(&spec)?;
                }
                StepKind::Tool { name, arguments } => self.advance_tool_step(&spec, name, arguments)?,
                StepKind::Check { mode, repair } => {
                    if self.locals.insert(spec.id.clone()) {
                        self.start_check(&spec, *mode, *repair);
                    }
                }
                StepKind::Ask { question } => self.advance_question(&spec, question)?,
                _ => self.fail_step(&spec.id, Self::bug("this version cannot run a step of this kind"))?,
            }
        }
        Ok(())
    }

    /// Renders the prompt of an agent. A strategy that panics here fails the step, nothing else.
    pub(super) fn put_to_work(&mut self, spec: &Arc<StepSpec>, agent: Agent) -> Result<(), Stop> {
        let StepKind::Agent { tools, .. } = &spec.kind else { return Ok(()) };
        let request = Arc::clone(self.workflow.request());
        let outputs = self.outputs(spec);
        let spans = self.spans_cited(&outputs);
        let inputs = Inputs {
            request: &request,
            fence: self.fence(&spec.id),
            outputs: outputs.clone(),
            spans: spans.clone(),
            missing: missing(&self.workflow),
            findings: findings(&self.workflow, spec),
            has_sources: self.parts.has_sources(&request.tools),
            tools,
        };
        let Ok(prompt) = catch_unwind(AssertUnwindSafe(|| self.strategy.render(spec, &inputs))) else {
            return self.fail_step(&spec.id, Self::bug("the strategy panicked while it wrote the prompt"));
        };
        let specs: Vec<ToolSpec> = tools
            .iter()
            .filter_map(|name| Some(self.parts.tools.find(name.as_str())?.description().spec.clone()))
            .collect();
        let mut messages = vec![Message::System(prompt.system.clone()), Message::User(prompt.user.clone())];
        messages.extend(agent.messages());
        let input = StepInput {
            role: spec.role.clone(),
            question: request.task.clone(),
            task: spec.task.clone(),
            parts: request.agents,
            tools: tools.clone(),
            spans,
            outputs,
            tool_calls_made: agent.tool_calls_made(),
        };
        let prompt = Prompt { system: String::new(), user: String::new(), ..prompt };
        let at_work =
            AgentAtWork { agent, prompt, messages: Arc::new(messages), tools: specs.into(), input: Arc::new(input) };
        self.agents.insert(spec.id.clone(), at_work);
        self.refresh_input(&spec.id);
        Ok(())
    }

    /// After tools have answered: the agent's evidence is its own findings first, then what it read.
    pub(super) fn refresh_input(&mut self, id: &StepId) {
        let Some(step) = self.workflow.step(id.as_str()) else { return };
        let found: Vec<Arc<Span>> =
            step.evidence().iter().filter_map(|id| self.workflow.evidence().get(id).cloned()).collect();
        let Some(at_work) = self.agents.get_mut(id) else { return };
        let input = Arc::make_mut(&mut at_work.input);
        input.tool_calls_made = at_work.agent.tool_calls_made();
        let known: Vec<Arc<Span>> =
            input.spans.iter().filter(|s| !found.iter().any(|f| f.id == s.id)).cloned().collect();
        input.spans = found.into_iter().chain(known).take(SPANS_MAX).collect();
    }

    /// A tool's answer as the model reads it.
    pub(super) fn shown(&self, step: &StepId, content: &str, evidence: &[EvidenceId]) -> String {
        let spans: Vec<Arc<Span>> =
            evidence.iter().filter_map(|id| self.workflow.evidence().get(id).cloned()).collect();
        tool_answer(&self.fence(step), content, &spans)
    }

    /// The text of what a step reads, joined for a check of several.
    pub(super) fn outputs(&self, spec: &StepSpec) -> Vec<StepText> {
        spec.reads
            .iter()
            .filter_map(|id| {
                let text = Arc::clone(self.texts.get(id)?);
                let task = self.workflow.step(id.as_str())?.spec().task.clone();
                Some(StepText { step: id.clone(), task, evidence: cited(&text), text })
            })
            .collect()
    }

    fn fence(&self, step: &StepId) -> Fence {
        Fence::new(self.workflow.seed(), step)
    }

    fn spans_cited(&self, outputs: &[StepText]) -> Vec<Arc<Span>> {
        let mut spans: Vec<Arc<Span>> = Vec::new();
        let longest = outputs.iter().map(|output| output.evidence.len()).max().unwrap_or(0);
        // The first citation of each output, then the second: every output is heard before the bound is reached.
        for position in 0..longest {
            for id in outputs.iter().filter_map(|output| output.evidence.get(position)) {
                if let Some(span) = self.workflow.evidence().get(id)
                    && spans.len() < SPANS_MAX
                    && !spans.iter().any(|known| known.id == span.id)
                {
                    spans.push(Arc::clone(span));
                }
            }
        }
        spans
    }

    fn advance_agent(&mut self, spec: &Arc<StepSpec>) -> Result<(), Stop> {
        let Some(at_work) = self.agents.get(&spec.id) else { return Ok(()) };
        match at_work.agent.next() {
            AgentNext::AskModel { turn, tools } => self.ask_model(spec, turn, tools),
            AgentNext::RunTools { turn, positions } => {
                for position in positions {
                    self.run_tool(spec, turn, position)?;
                }
                Ok(())
            }
            AgentNext::Done => self.complete_agent(spec),
            AgentNext::Failed(failure) => self.fail_step(&spec.id, failure),
        }
    }

    fn ask_model(&mut self, spec: &Arc<StepSpec>, turn: u16, with_tools: bool) -> Result<(), Stop> {
        let attempt = match self.tries(&spec.id, turn, None) {
            Tries::Open => return Ok(()),
            Tries::Parked(at) => {
                self.wake_at(at);
                return Ok(());
            }
            Tries::Failed(failure) => return self.fail_step(&spec.id, failure),
            Tries::Due(attempt) => attempt,
        };
        if !self.has_slot(&spec.id) {
            return Ok(());
        }
        if let Some(late) = self.out_of_time(spec) {
            return self.fail_step(&spec.id, late);
        }
        let Some(at_work) = self.agents.get(&spec.id) else { return Ok(()) };
        let StepKind::Agent { output_tokens_max, .. } = spec.kind else { return Ok(()) };
        let Some(name) = self.workflow.request().provider.clone() else {
            return self.fail(Self::bug("the workflow names no provider"));
        };
        let Some(provider) = self.parts.providers.get(&name).cloned() else {
            return self
                .fail(Failure::new(FailureClass::NotFound, format!("the provider {name} is not registered here")));
        };
        let model = self.model(&spec.role);
        let capabilities = provider.capabilities(model.as_ref());
        let tools = if with_tools { Arc::clone(&at_work.tools) } else { Arc::from([]) };
        let worst = budget::worst_case(&capabilities, &at_work.messages, &tools, output_tokens_max);
        let reserved = match budget::fit(&self.workflow, worst, name.as_str()) {
            Fit::Yes(reserved) => reserved,
            Fit::Later if self.workflow.open_calls().next().is_some() => return Ok(()),
            Fit::Later => return self.fail_step(&spec.id, Failure::new(FailureClass::Budget, "the budget is used up")),
            Fit::No(failure) => return self.fail_step(&spec.id, failure),
        };
        let call = self.workflow.next_call();
        let started = CallStarted {
            call,
            step: spec.id.clone(),
            turn,
            position: 0,
            attempt,
            target: Target::Model { provider: name, model: model.clone() },
            idempotency_key: format!("{}/{}/{turn}", self.workflow.id(), spec.id),
            reserved,
        };
        self.starts.push(Start::Model {
            call,
            step: spec.id.clone(),
            provider,
            model,
            messages: Arc::clone(&at_work.messages),
            tools,
            output_schema: at_work.prompt.output_schema.clone().filter(|_| capabilities.output_schema),
            temperature: at_work.prompt.temperature,
            output_tokens_max,
            idempotency_key: started.idempotency_key.clone(),
            input: Arc::clone(&at_work.input),
            limit_ms: spec.time_limit_ms.saturating_sub(self.run_ms(&spec.id)).max(1),
        });
        self.advance(Event::CallStarted(started))
    }

    fn run_tool(&mut self, spec: &Arc<StepSpec>, turn: u16, position: u16) -> Result<(), Stop> {
        let Some(asked) = self.agents.get(&spec.id).and_then(|a| a.agent.tool_call(position)).cloned() else {
            return Ok(());
        };
        let attempt = match self.tries(&spec.id, turn, Some(position)) {
            Tries::Open | Tries::Parked(_) => return Ok(()),
            Tries::Failed(failure) => {
                return self.answer_for_tool(spec, position, format!("Not answered: {}", failure.message));
            }
            Tries::Due(attempt) => attempt,
        };
        let StepKind::Agent { tools, .. } = &spec.kind else { return Ok(()) };
        let Ok(name) = ToolName::new(&asked.name) else {
            return self.answer_for_tool(spec, position, format!("There is no tool named {:?}.", asked.name));
        };
        if !tools.contains(&name) {
            return self.answer_for_tool(spec, position, format!("There is no tool named {name}."));
        }
        let repeatable = self.parts.tools.find(name.as_str()).is_none_or(|tool| tool.description().repeatable);
        if attempt > 1 && !repeatable {
            let text = "The call was cut off and may have had its effect; it is not made again.".to_owned();
            return self.answer_for_tool(spec, position, text);
        }
        self.start_tool(spec, turn, position, attempt, name, asked.id, asked.arguments)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one intent")]
    fn start_tool(
        &mut self,
        spec: &Arc<StepSpec>,
        turn: u16,
        position: u16,
        attempt: u16,
        name: ToolName,
        call_id: String,
        arguments: String,
    ) -> Result<(), Stop> {
        if let Some(failure) = budget::calls_left(&self.workflow).or_else(|| self.out_of_time(spec)) {
            return self.fail_step(&spec.id, failure);
        }
        let call = self.workflow.next_call();
        let idempotency_key = format!("{}/{}/{turn}/{position}", self.workflow.id(), spec.id);
        self.starts.push(Start::Tool {
            call,
            step: spec.id.clone(),
            position,
            name: name.clone(),
            arguments,
            idempotency_key: idempotency_key.clone(),
            limit_ms: spec.time_limit_ms.saturating_sub(self.run_ms(&spec.id)).max(1),
        });
        let target = Target::Tool { name, call_id };
        let reserved = Reserved { tokens: 0, cost: Cost::FREE.known() };
        let step = spec.id.clone();
        self.advance(Event::CallStarted(CallStarted {
            call,
            step,
            turn,
            position,
            attempt,
            target,
            idempotency_key,
            reserved,
        }))
    }

    /// Tells the agent why a tool was not called. Follows from the log alone, so it is not recorded.
    fn answer_for_tool(&mut self, spec: &Arc<StepSpec>, position: u16, content: String) -> Result<(), Stop> {
        self.give_result(&spec.id, position, content, true);
        self.advance_agent(spec)
    }

    /// Hands a tool's answer to its agent.
    pub(super) fn give_result(&mut self, step: &StepId, position: u16, content: String, is_error: bool) {
        let Some(at_work) = self.agents.get_mut(step) else { return };
        let Some(asked) = at_work.agent.tool_call(position).cloned() else { return };
        let result = ToolResult { call_id: asked.id, name: asked.name, content, is_error };
        if at_work.agent.tool_result(position, result).is_ok() {
            let prompt: Vec<Message> = at_work.messages.iter().take(2).cloned().collect();
            let messages = prompt.into_iter().chain(at_work.agent.messages()).collect();
            at_work.messages = Arc::new(messages);
            self.refresh_input(step);
        }
    }

    fn complete_agent(&mut self, spec: &Arc<StepSpec>) -> Result<(), Stop> {
        let Some(at_work) = self.agents.remove(&spec.id) else { return Ok(()) };
        let text: Arc<str> = Arc::from(at_work.agent.text().unwrap_or_default());
        let output = if spec.inline {
            if text.len() > StepSpec::INLINE_MAX {
                let message = format!("the answer has {} bytes, more than {}", text.len(), StepSpec::INLINE_MAX);
                return self.fail_step(&spec.id, Failure::new(FailureClass::Limit, message));
            }
            StepOutput::Inline(Arc::clone(&text))
        } else {
            match self.last_answer(&spec.id) {
                Some(call) => StepOutput::Call(call),
                None => return self.fail_step(&spec.id, Self::bug("the agent answered without a call")),
            }
        };
        self.texts.insert(spec.id.clone(), text);
        self.complete_step(&spec.id, output)
    }

    /// Ends a step well.
    pub(super) fn complete_step(&mut self, id: &StepId, output: StepOutput) -> Result<(), Stop> {
        let Some(step) = self.workflow.step(id.as_str()) else { return Ok(()) };
        let facts = step.spec().facts(*step.used());
        self.replan = true;
        self.advance(Event::StepCompleted(StepCompleted { step: id.clone(), facts, output }))
    }

    fn advance_tool_step(&mut self, spec: &Arc<StepSpec>, name: &ToolName, arguments: &str) -> Result<(), Stop> {
        match self.tries(&spec.id, 0, Some(0)) {
            Tries::Open | Tries::Parked(_) => Ok(()),
            Tries::Failed(failure) => self.fail_step(&spec.id, failure),
            Tries::Due(_) if !self.has_slot(&spec.id) => Ok(()),
            Tries::Due(attempt) => {
                let repeatable = self.parts.tools.find(name.as_str()).is_none_or(|t| t.description().repeatable);
                if attempt > 1 && !repeatable {
                    let message = "the call was cut off and may have had its effect; it is not made again";
                    return self.fail_step(&spec.id, Failure::new(FailureClass::Tool, message));
                }
                self.start_tool(spec, 0, 0, attempt, name.clone(), String::new(), arguments.to_owned())
            }
        }
    }

    fn advance_question(&mut self, spec: &Arc<StepSpec>, question: &str) -> Result<(), Stop> {
        let Some(step) = self.workflow.step(spec.id.as_str()) else { return Ok(()) };
        if let Some(answer) = step.answer() {
            let text: Arc<str> = Arc::from(answer);
            self.texts.insert(spec.id.clone(), Arc::clone(&text));
            return self.complete_step(&spec.id, StepOutput::Inline(text));
        }
        if step.waits_for_answer() {
            return Ok(());
        }
        let requested = InputRequested { step: spec.id.clone(), question: question.to_owned() };
        self.advance(Event::InputRequested(requested))
    }

    /// What the log says of the tries of a call: a model call of a turn, or the tool call at a position of it.
    fn tries(&self, step: &StepId, turn: u16, position: Option<u16>) -> Tries {
        let Some(step) = self.workflow.step(step.as_str()) else { return Tries::Due(1) };
        let is_tool = |call: &Call| matches!(call.target, Target::Tool { .. });
        let mut tries = step
            .calls()
            .iter()
            .rev()
            .filter_map(|no| self.workflow.call(*no))
            .filter(|call| call.turn == turn && is_tool(call) == position.is_some())
            .filter(|call| position.is_none_or(|position| call.position == position));
        let Some(last) = tries.next() else { return Tries::Due(1) };
        let next = Tries::Due(last.attempt.saturating_add(1));
        match &last.state {
            CallState::Open => Tries::Open,
            CallState::Abandoned(_) => next,
            CallState::Failed { .. } if last.inherited => next,
            CallState::Failed { failure, retry_at: None, .. } => Tries::Failed(failure.clone()),
            CallState::Failed { retry_at: Some(at), .. } if *at > self.parts.clock.now() => Tries::Parked(*at),
            CallState::Failed { .. } => next,
            // The answer is in the log and the transcript was built from it.
            _ => Tries::Open,
        }
    }

    /// Whether the step may make a call beside those that run. Parked steps take no place.
    fn has_slot(&self, step: &StepId) -> bool {
        let mut busy: Vec<usize> = self.workflow.open_calls().map(|call| call.step).collect();
        busy.sort_unstable();
        busy.dedup();
        busy.len() < usize::from(self.workflow.request().concurrency_max)
            || busy.iter().any(|position| self.workflow.steps()[*position].id() == step)
    }

    fn out_of_time(&self, spec: &StepSpec) -> Option<Failure> {
        (self.run_ms(&spec.id) >= spec.time_limit_ms)
            .then(|| Failure::new(FailureClass::Deadline, format!("not finished within {} ms", spec.time_limit_ms)))
    }

    fn run_ms(&self, id: &StepId) -> u64 {
        self.workflow.step(id.as_str()).map_or(0, |step| step.used().run_ms)
    }

    fn last_answer(&self, id: &StepId) -> Option<mcp_orchestrator_domain::CallNo> {
        let step = self.workflow.step(id.as_str())?;
        step.calls().iter().rev().copied().find(|no| {
            self.workflow.call(*no).is_some_and(|call| {
                matches!(call.target, Target::Model { .. }) && matches!(call.state, CallState::Completed { .. })
            })
        })
    }

    fn model(&self, role: &Role) -> Option<ModelName> {
        let models = &self.workflow.request().models;
        let own = match role {
            Role::Researcher | Role::Searcher(_) | Role::Custom(_) => &models.worker,
            Role::Synthesizer | Role::Executive | Role::Editor | Role::Monitor => &models.synthesis,
            _ => &None,
        };
        own.clone().or_else(|| models.primary.clone())
    }
}
