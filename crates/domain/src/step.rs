//! Steps: what a strategy plans and the engine runs. Owns their description; prompts are rendered elsewhere, at dispatch.

use serde::{Deserialize, Serialize};

use crate::{AgentType, Decision, EvidenceId, GateMode, Stage, StepId, ToolName, Usage};

/// One planned step. Its text is the plan, never a rendered prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "strategies build it")]
pub struct StepSpec {
    /// Its name, unique in the workflow.
    pub id: StepId,
    /// What runs.
    pub kind: StepKind,
    /// The part it plays.
    pub role: Role,
    /// The stage it belongs to, for progress.
    pub stage: Stage,
    /// The sub-task in words: what clients see beside the agent.
    pub task: String,
    /// The steps whose outputs it reads, in the order they are shown to it. All have completed when it is planned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<StepId>,
    /// How long it may run, waits for a provider not counted. In milliseconds.
    pub time_limit_ms: u64,
    /// Whether its output is kept in the log itself so that the strategy can read it. At most
    /// [`StepSpec::INLINE_MAX`] bytes; a longer one fails the step.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inline: bool,
}

impl StepSpec {
    /// The largest output a strategy can read, in bytes.
    pub const INLINE_MAX: usize = 16 * 1024;

    /// An agent without tools that reads nothing: at most 4 turns of 2,000 completion tokens, in 180 seconds. Other fields
    /// are set by struct update: `StepSpec { reads, ..StepSpec::agent(id, role, task) }`.
    #[must_use]
    pub fn agent(id: StepId, role: Role, task: impl Into<String>) -> Self {
        Self {
            id,
            kind: StepKind::Agent { tools: Vec::new(), turns_max: 4, output_tokens_max: 2_000 },
            role,
            stage: Stage::Agents,
            task: task.into(),
            reads: Vec::new(),
            time_limit_ms: 180_000,
            inline: false,
        }
    }

    /// The same agent with these tools; a step that is no agent stays as it is.
    #[must_use]
    pub fn with_tools(mut self, given: impl Into<Vec<ToolName>>) -> Self {
        if let StepKind::Agent { tools, .. } = &mut self.kind {
            *tools = given.into();
        }
        self
    }

    /// What the record of its end says of it.
    #[must_use]
    pub fn facts(&self, used: StepUsage) -> StepFacts {
        StepFacts { role: self.role.clone(), stage: self.stage, task: self.task.clone(), used }
    }
}

/// What the record of a step's end repeats of its plan, and what it used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct StepFacts {
    /// The part it played.
    pub role: Role,
    /// The stage it belonged to.
    pub stage: Stage,
    /// Its sub-task in words.
    pub task: String,
    /// What its calls used, all attempts together.
    pub used: StepUsage,
}

/// What a step runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepKind {
    /// An agent: a model that may use tools, turn after turn.
    Agent {
        /// The tools it may call.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tools: Vec<ToolName>,
        /// Model calls it may make.
        turns_max: u16,
        /// Completion tokens of each call.
        output_tokens_max: u32,
    },
    /// One call of a tool or of a library function registered as one.
    Tool {
        /// The tool.
        name: ToolName,
        /// Its arguments: a JSON object as text.
        arguments: String,
    },
    /// The citation gate over the first step it reads. No model takes part.
    Check {
        /// How strict it is.
        mode: GateMode,
        /// Whether sentences that fail may still be repaired: then they stay, and the finding is in
        /// [`crate::ReportChecked::repairs`].
        repair: bool,
    },
    /// A question to a person.
    Ask {
        /// What is asked.
        question: String,
    },
    /// A decision of the strategy. It is done as soon as it is planned; its output is the decision in words.
    Decision(Decision),
}

/// The part a step plays. Decides its prompt, its model and what clients call the agent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Breaks the task into sub-tasks.
    Planner,
    /// Researches one sub-task (a Belter).
    Researcher,
    /// Searches for one sub-task with the tools of its type (a Swarm agent).
    Searcher(AgentType),
    /// Merges a group of results (a Drummer).
    Synthesizer,
    /// Writes the report (Camina, or Swarm's synthesis).
    Executive,
    /// Checks citations.
    Monitor,
    /// Repairs sentences that failed the check.
    Editor,
    /// Decides what happens next: a decision of the strategy itself, see [`StepKind::Decision`].
    Decision,
    /// A part of a custom strategy.
    Custom(String),
}

impl Role {
    /// The original's five words for an agent's type: `worker`, `synthesizer`, `executive`, `monitor`, `specialized`;
    /// `planner` for those it had no word for.
    #[must_use]
    pub const fn agent_type(&self) -> &'static str {
        match self {
            Self::Planner | Self::Decision => "planner",
            Self::Researcher => "worker",
            Self::Searcher(_) | Self::Custom(_) => "specialized",
            Self::Synthesizer => "synthesizer",
            Self::Executive | Self::Editor => "executive",
            Self::Monitor => "monitor",
        }
    }

    /// What its model is chosen by.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        match self {
            Self::Planner | Self::Decision => Tier::Primary,
            Self::Researcher | Self::Searcher(_) | Self::Custom(_) => Tier::Worker,
            Self::Synthesizer | Self::Executive | Self::Editor | Self::Monitor => Tier::Synthesis,
        }
    }
}

/// The three parts of the work that may each have a model of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a request names a model for each")]
pub enum Tier {
    /// Planning: few calls, on which much depends.
    Primary,
    /// The agents: many calls, each with one sub-task.
    Worker,
    /// Merging and writing: long prompts, long answers.
    Synthesis,
}

impl Tier {
    /// Every tier.
    pub const ALL: [Self; 3] = [Self::Primary, Self::Worker, Self::Synthesis];
}

/// The half of a request to a provider that no wire sends: what the step is, as data. The extractive writer uses only
/// this and so never parses a prompt.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct StepInput {
    /// The part it plays.
    pub role: Role,
    /// The workflow's task.
    pub question: String,
    /// The step's sub-task.
    pub task: String,
    /// How many sub-tasks a planner should make.
    pub parts: u16,
    /// Tools it may call.
    pub tools: Vec<ToolName>,
    /// Evidence it may cite: from its own tools so far and cited in the outputs it reads, best first.
    pub spans: Vec<std::sync::Arc<crate::Span>>,
    /// The outputs it reads.
    pub outputs: Vec<StepText>,
    /// Tool calls this agent has made so far.
    pub tool_calls_made: u16,
}

/// The output of a step as another step reads it.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct StepText {
    /// The step that wrote it.
    pub step: StepId,
    /// That step's sub-task.
    pub task: String,
    /// What it wrote: Markdown with `[ev_…]` citations.
    pub text: std::sync::Arc<str>,
    /// The ids cited in it.
    pub evidence: Vec<EvidenceId>,
}

/// What a step used, for display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a plain sum")]
pub struct StepUsage {
    /// Tokens.
    pub usage: Usage,
    /// The cost of all its calls; unknown as soon as one is.
    pub cost: crate::Cost,
    /// Time its calls ran, in milliseconds.
    pub run_ms: u64,
}
