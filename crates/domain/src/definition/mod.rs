//! A workflow that was written down: its steps and the way they follow each other. Owns the shapes that hold every rule;
//! how they are parsed is in `parse`, and when a step runs is a strategy's.

mod draft;
mod graph;
mod parse;
mod reference;
mod rule;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{StepId, ToolName};

pub use draft::{ConditionDraft, StepDraft, SuccessDraft};
pub(crate) use parse::{Parts, definition, is_defined};
pub use reference::{Reference, Unresolved, resolve};
pub use rule::{Expectation, Is, Verdict};

/// Steps and their order. Built by [`crate::RequestDraft::parse`] only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Definition {
    /// How the steps follow each other.
    pub flow: Flow,
    /// The steps whose texts are the report, in this order; empty: the pattern's own choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub report: Vec<StepId>,
}

impl Definition {
    /// Steps at most, those of every branch included.
    pub const STEPS_MAX: usize = 100;
    /// Branches at most.
    pub const BRANCHES_MAX: usize = 20;
    /// Passes at most.
    pub const PASSES_MAX: u16 = 20;
    /// Steps of one pass times passes, at most.
    pub const RUNS_MAX: usize = 500;
    /// The largest JSON Schema of an answer, in bytes of JSON.
    pub const SCHEMA_BYTES_MAX: usize = 16 * 1024;
    /// The largest arguments of a tool step, in bytes of JSON.
    pub const ARGUMENTS_BYTES_MAX: usize = 32 * 1024;

    /// Every step as written, those of branches last.
    pub fn steps(&self) -> impl Iterator<Item = &DefinedStep> {
        let (steps, branches): (&[DefinedStep], &[Branch]) = match &self.flow {
            Flow::Sequential { steps } | Flow::Iterative { steps, .. } | Flow::Custom { steps } => (steps, &[]),
            Flow::Conditional { steps, branches, .. } => (steps, branches),
        };
        steps.iter().chain(branches.iter().flat_map(|branch| &branch.steps))
    }

    /// The step a planned step runs: names of passes (`draft-2`) lead to their step.
    #[must_use]
    pub fn step(&self, planned: &str) -> Option<&DefinedStep> {
        let name = planned.split('-').next().unwrap_or(planned);
        self.steps().find(|step| step.id.as_str() == name)
    }

    /// Steps that will run at most. What decides between branches or ends the passes counts too.
    #[must_use]
    pub fn runs_max(&self) -> usize {
        match &self.flow {
            Flow::Sequential { steps } | Flow::Custom { steps } => steps.len(),
            Flow::Conditional { steps, condition, branches, .. } => {
                let longest = branches.iter().map(|branch| branch.steps.len()).max().unwrap_or(0);
                steps.len() + usize::from(matches!(condition, Condition::Agent(_))) + longest
            }
            Flow::Iterative { steps, passes_max, success, .. } => {
                let test = usize::from(!matches!(success, Success::Rule(_)));
                (steps.len() + test) * usize::from(*passes_max)
            }
        }
    }

    /// How long all of that takes at most when one runs after the other and none has a limit of its own but these, in
    /// milliseconds.
    #[must_use]
    pub(crate) fn time_ms(&self, agent_ms: u64) -> u64 {
        let limit = |step: &DefinedStep| step.time_limit_ms.unwrap_or(agent_ms);
        let all = |steps: &[DefinedStep]| steps.iter().map(limit).fold(0, u64::saturating_add);
        match &self.flow {
            Flow::Sequential { steps } | Flow::Custom { steps } => all(steps),
            Flow::Conditional { steps, branches, .. } => {
                let longest = branches.iter().map(|branch| all(&branch.steps)).max().unwrap_or(0);
                all(steps).saturating_add(agent_ms).saturating_add(longest)
            }
            Flow::Iterative { steps, passes_max, .. } => {
                all(steps).saturating_add(agent_ms).saturating_mul(u64::from(*passes_max))
            }
        }
    }

    /// The steps whose outputs the pattern itself reads: for a condition, a rule or the arguments of a tool.
    #[must_use]
    pub fn read_by_pattern(&self) -> BTreeSet<&StepId> {
        let mut read = BTreeSet::new();
        for step in self.steps() {
            if let Work::Tool(tool) = &step.work {
                reference::each(&tool.arguments, &mut |reference| {
                    read.extend(self.steps().map(|step| &step.id).find(|id| **id == reference.from));
                });
            }
        }
        match &self.flow {
            Flow::Conditional { condition: Condition::Pointer(reference), .. } => {
                read.insert(&reference.from);
            }
            Flow::Iterative { success: Success::Rule(rule), .. } => {
                read.insert(&rule.reference.from);
            }
            Flow::Iterative { success: Success::Predicate(tool), .. } => {
                reference::each(&tool.arguments, &mut |reference| {
                    read.extend(self.steps().map(|step| &step.id).find(|id| **id == reference.from));
                });
            }
            Flow::Sequential { .. } | Flow::Custom { .. } | Flow::Conditional { .. } | Flow::Iterative { .. } => {}
        }
        read
    }

    /// The tools that steps name, each once. What agents may call without naming it is the facade's.
    #[must_use]
    pub fn tools(&self) -> BTreeSet<&ToolName> {
        let mut tools = BTreeSet::new();
        for step in self.steps() {
            match &step.work {
                Work::Agent(work) => tools.extend(work.tools.iter().flatten()),
                Work::Tool(work) => {
                    tools.insert(&work.tool);
                }
                Work::Ask { .. } => {}
            }
        }
        match &self.flow {
            Flow::Conditional { condition: Condition::Agent(work), .. }
            | Flow::Iterative { success: Success::Judge(work), .. } => tools.extend(work.tools.iter().flatten()),
            Flow::Iterative { success: Success::Predicate(work), .. } => {
                tools.insert(&work.tool);
            }
            Flow::Sequential { .. } | Flow::Custom { .. } | Flow::Conditional { .. } | Flow::Iterative { .. } => {}
        }
        tools
    }

    /// What needs a model: an answer of a given form, which nobody can quote. `None` when nothing does.
    #[must_use]
    pub fn needs_model(&self) -> Option<String> {
        let structured = self.steps().find(|step| matches!(&step.work, Work::Agent(agent) if agent.schema.is_some()));
        let of_flow = match &self.flow {
            Flow::Conditional { condition: Condition::Agent(_), .. } => Some("the agent of `condition`".to_owned()),
            Flow::Iterative { success: Success::Judge(_), .. } => Some("the judge of `success`".to_owned()),
            Flow::Sequential { .. } | Flow::Custom { .. } | Flow::Conditional { .. } | Flow::Iterative { .. } => None,
        };
        structured.map(|step| format!("step {}, which answers by a schema,", step.id)).or(of_flow)
    }

    /// JSON Schemas of answers, each with the name of what answers.
    pub fn schemas(&self) -> impl Iterator<Item = (&StepId, &Value)> {
        self.steps().filter_map(|step| match &step.work {
            Work::Agent(agent) => Some((&step.id, agent.schema.as_ref()?)),
            Work::Tool(_) | Work::Ask { .. } => None,
        })
    }
}

/// How steps follow each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "each has its strategy")]
pub enum Flow {
    /// One after the other; each reads what came before.
    Sequential {
        /// At least one.
        steps: Vec<DefinedStep>,
    },
    /// Steps, then one of several branches.
    Conditional {
        /// What comes before the choice; may be empty.
        steps: Vec<DefinedStep>,
        /// What chooses.
        condition: Condition,
        /// At least one, each key once.
        branches: Vec<Branch>,
        /// The branch for a key that names none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<String>,
    },
    /// The same steps again until a test holds.
    Iterative {
        /// The steps of one pass; at least one.
        steps: Vec<DefinedStep>,
        /// 1 to [`Definition::PASSES_MAX`].
        passes_max: u16,
        /// The test after each pass.
        success: Success,
        /// What happens when the last pass did not pass the test either.
        #[serde(default)]
        on_exhausted: Exhausted,
    },
    /// Each as soon as what it needs is there.
    Custom {
        /// At least one; their needs form no cycle.
        steps: Vec<DefinedStep>,
    },
}

/// One step as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DefinedStep {
    /// Its name: 1 to 48 of `a-z 0-9 _` that start with a letter.
    pub id: StepId,
    /// What it does.
    pub work: Work,
    /// The steps whose outputs it waits for and reads; only in [`Flow::Custom`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<StepId>,
    /// How long it may run, in milliseconds; `None`: as long as every agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_ms: Option<u64>,
}

impl DefinedStep {
    /// What people see beside its name.
    #[must_use]
    pub fn title(&self) -> &str {
        match &self.work {
            Work::Agent(agent) => &agent.task,
            Work::Tool(tool) => &tool.task,
            Work::Ask { question } => question,
        }
    }

    /// Whether what it writes is text for a reader: neither an answer by a schema nor a person's.
    #[must_use]
    pub const fn writes_prose(&self) -> bool {
        match &self.work {
            Work::Agent(agent) => agent.schema.is_none(),
            Work::Tool(_) => true,
            Work::Ask { .. } => false,
        }
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "strategies must plan each")]
pub enum Work {
    /// An agent works on a task.
    Agent(AgentWork),
    /// A tool is called.
    Tool(ToolWork),
    /// A person is asked.
    Ask {
        /// What is asked: 1 to 2,000 characters.
        question: String,
    },
}

/// What an agent is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentWork {
    /// The task: 1 to 5,000 characters.
    pub task: String,
    /// How to do it: at most 5,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The tools it may call; `None`: every source of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<ToolName>>,
    /// JSON Schema of its answer; `None`: text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Model calls it may make.
    pub turns_max: u16,
    /// Completion tokens of each.
    pub output_tokens_max: u32,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolWork {
    /// What people see: at most 200 characters.
    pub task: String,
    /// The tool.
    pub tool: ToolName,
    /// Its arguments. An object with `from`, and `pointer` or nothing else, stands for a value out of the output of a step: see
    /// [`resolve`].
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub arguments: Map<String, Value>,
}

/// What chooses a branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the strategy must ask each")]
pub enum Condition {
    /// This key.
    Value(String),
    /// What is found in the output of an earlier step.
    Pointer(Reference),
    /// What an agent answers.
    Agent(AgentWork),
}

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Branch {
    /// What it is chosen by: one line of 1 to 100 characters.
    pub key: String,
    /// At least one.
    pub steps: Vec<DefinedStep>,
}

/// The test that ends the passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the strategy must ask each")]
pub enum Success {
    /// What must be found in the output of a step.
    Rule(Expectation),
    /// An agent that judges the pass.
    Judge(AgentWork),
    /// A tool that judges the pass.
    Predicate(ToolWork),
}

/// What happens when no pass passed the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a setting with two values")]
pub enum Exhausted {
    /// The last pass is reported, and the report says that it did not pass.
    #[default]
    Report,
    /// The workflow fails.
    Fail,
}
