//! Moving every open step forward: which call comes next, and whether it may be made now.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    Agent, AgentLimits, AgentNext, CallStarted, CallState, Cost, Event, Failure, FailureClass, InputRequested, Message,
    Reserved, Step, StepCompleted, StepId, StepKind, StepOutput, StepSpec, Target, ToolName, ToolResult,
};

use mcp_orchestrator_tools::answer_by_schema;

use super::{AgentAtWork, Run, Stop, budget, calls::Start, prompts::objection, tries::Tries};

/// Messages before an agent has said anything: the two halves of its prompt.
const PROMPT_MESSAGES: usize = 2;

impl AgentAtWork {
    /// Makes the conversation anew of what the agent and its tools have said.
    pub(super) fn tell_anew(&mut self) {
        let messages = Arc::make_mut(&mut self.messages);
        messages.truncate(PROMPT_MESSAGES);
        messages.extend(self.agent.messages());
    }
}

impl Run {
    /// Moves every open step forward as far as it goes now.
    pub(super) fn advance_steps(&mut self) -> Result<(), Stop> {
        let idle = self.workflow.open_steps().filter(|step| !self.waits_for_model(step));
        let open: Vec<Arc<StepSpec>> = idle.map(|step| Arc::clone(step.spec())).collect();
        for spec in open {
            if self.workflow.status().is_terminal() {
                return Ok(());
            }
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
                StepKind::Ask { .. } => self.take_answer(&spec)?,
                StepKind::Decision(decision) => {
                    let text: Arc<str> = Arc::from(decision.to_string());
                    self.texts.insert(spec.id.clone(), Arc::clone(&text));
                    self.complete_step(&spec.id, StepOutput::Inline(text))?;
                }
                _ => self.fail_step(&spec.id, Self::bug("this version cannot run a step of this kind"))?,
            }
        }
        Ok(())
    }

    /// Whether nothing can be done for it until the model answers: so it is with most steps of a round.
    fn waits_for_model(&self, step: &Step) -> bool {
        let last = step.calls().last().and_then(|no| self.workflow.call(*no));
        last.is_some_and(|call| call.is_open() && matches!(call.target, Target::Model { .. }))
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
            // Who answers nothing is named; all else an agent fails of is its own.
            AgentNext::Failed(Failure { class: FailureClass::NoResult, message, .. }) => {
                let failure = Failure::new(FailureClass::NoResult, format!("{}: {message}", self.provider_name()));
                self.end_unanswered(spec, failure)
            }
            AgentNext::Failed(failure) => self.end_unanswered(spec, failure),
        }
    }

    /// Ends an agent that gets no further answer: with the one that was cut, if it has that, and badly otherwise.
    pub(super) fn end_unanswered(&mut self, spec: &Arc<StepSpec>, failure: Failure) -> Result<(), Stop> {
        let at_work = self.agents.get_mut(&spec.id);
        if at_work.is_some_and(|at_work| at_work.agent.keep_cut().is_ok()) {
            return self.complete_agent(spec);
        }
        self.fail_step(&spec.id, failure)
    }

    fn run_tool(&mut self, spec: &Arc<StepSpec>, turn: u16, position: u16) -> Result<(), Stop> {
        let Some(asked) = self.agents.get(&spec.id).and_then(|a| a.agent.tool_call(position)).cloned() else {
            return Ok(());
        };
        let (attempt, last) = match self.tries(&spec.id, turn, Some(position)) {
            Tries::Open | Tries::Parked(_) | Tries::Answered { .. } => return Ok(()),
            Tries::Failed(_) => (0, self.last_try(&spec.id, turn, position)),
            Tries::Due(attempt) => {
                let last = self.last_try(&spec.id, turn, position);
                // A failure that was taken over gets another try.
                (attempt, last.filter(|call| matches!(call.state, CallState::Abandoned { .. })))
            }
        };
        if let Some(content) = self.refusal(spec, &asked, last) {
            self.give_result(&spec.id, position, content, true);
            return if self.is_waiting_for_tools(&spec.id) { Ok(()) } else { self.advance_agent(spec) };
        }
        let Ok(name) = ToolName::new(&asked.name) else { return Ok(()) };
        if !self.has_slot(&spec.id) {
            return Ok(());
        }
        self.start_tool(spec, turn, position, attempt, name, asked.id, asked.arguments)
    }

    fn is_waiting_for_tools(&self, step: &StepId) -> bool {
        self.agents.get(step).is_some_and(|at_work| matches!(at_work.agent.next(), AgentNext::RunTools { .. }))
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
            hedges: None,
        }))
    }

    /// Hands a tool's answer to its agent.
    pub(super) fn give_result(&mut self, step: &StepId, position: u16, content: String, is_error: bool) {
        let Some(at_work) = self.agents.get_mut(step) else { return };
        let Some(asked) = at_work.agent.tool_call(position).cloned() else { return };
        let result = ToolResult { call_id: asked.id, name: asked.name, content, is_error };
        if at_work.agent.tool_result(position, result).is_ok() {
            // The turn's answers are told in the order the model asked, so all of them are awaited.
            if !matches!(at_work.agent.next(), AgentNext::RunTools { .. }) {
                let results = at_work.agent.last_results();
                Arc::make_mut(&mut at_work.messages).extend(results.cloned().map(Message::Tool));
            }
            self.refresh_input(step);
        }
    }

    fn complete_agent(&mut self, spec: &Arc<StepSpec>) -> Result<(), Stop> {
        // What was taken over from a workflow that failed gets another try, here as everywhere.
        let last = self.last_answer(&spec.id).and_then(|no| self.workflow.call(no));
        let is_inherited = last.is_some_and(|call| call.inherited);
        let Some(at_work) = self.agents.get_mut(&spec.id) else { return Ok(()) };
        let mut text: Arc<str> = Arc::from(at_work.agent.text().unwrap_or_default());
        if let Some(schema) = &at_work.asked.output_schema {
            match answer_by_schema(schema, &text) {
                Ok(answer) => text = Arc::from(answer.to_string()),
                Err(wrong) => {
                    let why = objection(&wrong);
                    let objected =
                        if is_inherited { at_work.agent.object_again(why) } else { at_work.agent.object(why) };
                    if objected.is_err() {
                        let cut = if at_work.agent.is_cut() { "was cut off at the token limit and " } else { "" };
                        let message = format!("the answer {cut}does not fit its JSON Schema: {wrong}");
                        return self.fail_step(&spec.id, Failure::new(FailureClass::Decode, message));
                    }
                    // The answer was its last until now, so it may not have joined the conversation.
                    at_work.tell_anew();
                    return self.advance_agent(spec);
                }
            }
        }
        let (is_cut, turn) = (at_work.agent.is_cut(), at_work.agent.last_turn().unwrap_or_default());
        self.agents.remove(&spec.id);
        let output = if spec.inline {
            if text.len() > StepSpec::INLINE_MAX {
                let message = format!("the answer has {} bytes, more than {}", text.len(), StepSpec::INLINE_MAX);
                return self.fail_step(&spec.id, Failure::new(FailureClass::Limit, message));
            }
            StepOutput::Inline(Arc::clone(&text))
        } else {
            match self.answer(&spec.id, turn) {
                Some(call) => StepOutput::Call(call),
                None => return self.fail_step(&spec.id, Self::bug("the agent answered without a call")),
            }
        };
        self.texts.insert(spec.id.clone(), text);
        self.end_well(&spec.id, output, is_cut)
    }

    /// Ends a step well.
    pub(super) fn complete_step(&mut self, id: &StepId, output: StepOutput) -> Result<(), Stop> {
        self.end_well(id, output, false)
    }

    fn end_well(&mut self, id: &StepId, output: StepOutput, is_cut: bool) -> Result<(), Stop> {
        let Some(step) = self.workflow.step(id.as_str()) else { return Ok(()) };
        let facts = step.spec().facts(*step.used());
        self.replan = true;
        self.advance(Event::StepCompleted(StepCompleted { step: id.clone(), facts, output, is_cut }))
    }

    fn advance_tool_step(&mut self, spec: &Arc<StepSpec>, name: &ToolName, arguments: &str) -> Result<(), Stop> {
        match self.tries(&spec.id, 0, Some(0)) {
            Tries::Open | Tries::Parked(_) => Ok(()),
            Tries::Failed(failure) => self.fail_step(&spec.id, failure),
            Tries::Due(_) if !self.has_slot(&spec.id) => Ok(()),
            // An answer that was taken over: a good one completes the step, a failure gets another try.
            Tries::Answered { is_error: true, attempt, inherited: true } => self.start_tool(
                spec,
                0,
                0,
                attempt.saturating_add(1),
                name.clone(),
                String::new(),
                arguments.to_owned(),
            ),
            Tries::Answered { .. } => match self.last_try(&spec.id, 0, 0).map(|call| call.no) {
                Some(call) => self.complete_step(&spec.id, StepOutput::Call(call)),
                None => Ok(()),
            },
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

    /// A person's answer is the output of the step that asked.
    fn take_answer(&mut self, spec: &Arc<StepSpec>) -> Result<(), Stop> {
        let answer = self.workflow.step(spec.id.as_str()).and_then(|step| step.answer()).map(Arc::<str>::from);
        let Some(text) = answer else { return Ok(()) };
        self.texts.insert(spec.id.clone(), Arc::clone(&text));
        self.complete_step(&spec.id, StepOutput::Inline(text))
    }

    /// Asks people what steps want to know. While other steps work, each question is asked once; when nothing else is left
    /// to do, what is unanswered is asked again if need be, and the workflow leaves memory until an answer comes. Whether
    /// it waits now.
    pub(super) fn ask_people(&mut self, idle: bool) -> Result<bool, Stop> {
        let asks: Vec<(bool, InputRequested)> = self
            .workflow
            .open_steps()
            .filter_map(|step| match &step.spec().kind {
                StepKind::Ask { question } => {
                    let requested = InputRequested { step: step.id().clone(), question: question.clone() };
                    Some((step.waits_for_answer(), requested))
                }
                _ => None,
            })
            .collect();
        let again = idle && asks.iter().all(|(is_asked, _)| *is_asked);
        let waits = idle && !asks.is_empty();
        let first = if again { asks.first() } else { None };
        let due: Vec<InputRequested> = asks
            .iter()
            .filter(|(is_asked, _)| !is_asked)
            .chain(first)
            .map(|(_, requested)| requested.clone())
            .collect();
        for requested in due {
            self.advance(Event::InputRequested(requested))?;
        }
        Ok(waits)
    }
}
