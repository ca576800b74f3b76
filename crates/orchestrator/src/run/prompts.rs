//! What an agent is given: its prompt, its evidence, the outputs it reads. Rendered at dispatch, never stored.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    Agent, EvidenceId, Message, Span, StepId, StepInput, StepKind, StepSpec, StepText, ToolName, ToolSpec, cited,
};
use mcp_orchestrator_strategies::{Fence, Inputs, Prompt, findings, missing, tool_answer};
use mcp_orchestrator_tools::answer_by_schema;

use super::{AgentAtWork, Asked, Run, Stop};
use crate::{
    caught::{Panic, caught_now, panic_text},
    image,
};

/// Evidence offered to one step.
const SPANS_MAX: usize = 200;

/// A prompt and what it was made of.
struct Rendered {
    prompt: Prompt,
    outputs: Vec<StepText>,
    spans: Vec<Arc<Span>>,
}

/// What an agent is told of an answer that does not fit.
pub(super) fn objection(wrong: &str) -> String {
    format!(
        "Your answer cannot be used: {wrong}. Answer again with one JSON value that fits the JSON Schema, and with nothing \
         before or after it."
    )
}

impl Run {
    /// Renders the prompt of an agent. A strategy that panics here fails the step, nothing else.
    pub(super) fn put_to_work(&mut self, spec: &Arc<StepSpec>, agent: Agent) -> Result<(), Stop> {
        let StepKind::Agent { tools, .. } = &spec.kind else { return Ok(()) };
        let request = Arc::clone(self.workflow.request());
        let (prompt, outputs, spans) = match self.rendered(spec, tools) {
            Ok(Rendered { prompt, outputs, spans }) => (prompt, outputs, spans),
            Err(panic) => {
                let (name, text) = (self.strategy.name(), panic_text(panic.as_ref()));
                let message = format!("the strategy {name} panicked while it wrote the prompt: {text}");
                return self.fail_step(&spec.id, Self::bug(message));
            }
        };
        let specs: Vec<ToolSpec> = tools
            .iter()
            .filter_map(|name| Some(self.parts.tools.find(name.as_str())?.description().spec.clone()))
            .collect();
        let Prompt { system, user, output_schema, temperature } = prompt;
        let user = match image::is_shown(&spec.role) && !self.images.is_empty() {
            true => Message::UserWithImages { text: user, images: self.images.clone() },
            false => Message::User(user),
        };
        let mut messages = vec![Message::System(system), user];
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
        let asked = Asked { output_schema, temperature };
        let at_work =
            AgentAtWork { agent, asked, messages: Arc::new(messages), tools: specs.into(), input: Arc::new(input) };
        self.agents.insert(spec.id.clone(), at_work);
        self.refresh_input(&spec.id);
        Ok(())
    }

    /// The prompt of a step and what it was made of, or the strategy's panic.
    fn rendered(&self, spec: &StepSpec, tools: &[ToolName]) -> Result<Rendered, Panic> {
        let request = self.workflow.request();
        let outputs = self.outputs(spec);
        let spans = self.spans_cited(&outputs);
        let inputs = Inputs {
            request,
            fence: self.fence(&spec.id),
            outputs: outputs.clone(),
            spans: spans.clone(),
            missing: missing(&self.workflow),
            findings: findings(&self.workflow, spec),
            has_sources: self.parts.has_sources(&request.tools),
            tools,
        };
        let prompt = caught_now(|| self.strategy.render(spec, &inputs))?;
        Ok(Rendered { prompt, outputs, spans })
    }

    /// What is wrong with an answer that was to fit a schema; `None` when it fits or need not.
    pub(super) fn objection(&self, spec: &StepSpec, answer: &str) -> Option<String> {
        let StepKind::Agent { tools, .. } = &spec.kind else { return None };
        let schema = self.rendered(spec, tools).ok()?.prompt.output_schema?;
        answer_by_schema(&schema, answer).err().map(|wrong| objection(&wrong))
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
                let step = self.workflow.step(id.as_str())?;
                // A tool does not cite what it found; all of it is its output.
                let is_tool = matches!(step.spec().kind, StepKind::Tool { .. });
                let evidence = if is_tool { step.evidence().to_vec() } else { cited(&text) };
                Some(StepText { step: id.clone(), task: step.spec().task.clone(), evidence, text })
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
}
