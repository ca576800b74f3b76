//! Steps as they are written, in TOML, JSON or code: every field optional. Owns names and meaning of the fields; which
//! values hold is judged when they are parsed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::RequestDraft;

/// A step as it is written. Unknown fields are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct StepDraft {
    /// The step's name, unique among all steps: 1 to 48 of a-z, 0-9 and _ that start with a letter. Mandatory.
    pub id: Option<String>,
    /// `agent`, `tool` or `ask`. Default: `tool` when there is a `tool`, `ask` when there is a `question`, else `agent`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["agent", "tool", "ask", null])))]
    pub kind: Option<String>,
    /// What an agent is to do, in at most 5,000 characters; mandatory for one. For a tool step: what people see.
    pub task: Option<String>,
    /// How an agent is to do it, in at most 5,000 characters.
    pub instructions: Option<String>,
    /// The question a person is asked, in at most 2,000 characters.
    pub question: Option<String>,
    /// The tool that is called.
    pub tool: Option<String>,
    /// The tool's arguments. `{ "from": "step", "pointer": "/a/b" }` in place of a value takes it out of the output of an
    /// earlier step; without `pointer` it is the whole text.
    pub arguments: Option<Map<String, Value>>,
    /// The tools an agent may call. Default: every source of the workflow.
    pub tools: Option<Vec<String>>,
    /// Custom: the steps whose outputs it waits for and reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// JSON Schema of an agent's answer. Default: the answer is text.
    pub schema: Option<Value>,
    /// Model calls an agent may make: 1 to 50, default 6.
    pub turns: Option<u64>,
    /// Completion tokens of each call: 1 to 100,000, default 2,000.
    pub output_tokens: Option<u64>,
    /// Seconds it may take: at most 3,600. Default: as for every agent.
    pub timeout_seconds: Option<f64>,
}

impl StepDraft {
    /// An agent that works on a task.
    #[must_use]
    pub fn agent(id: impl Into<String>, task: impl Into<String>) -> Self {
        Self { id: Some(id.into()), task: Some(task.into()), ..Self::default() }
    }

    /// A question to a person; the answer is the step's output.
    #[must_use]
    pub fn ask(id: impl Into<String>, question: impl Into<String>) -> Self {
        Self { id: Some(id.into()), question: Some(question.into()), ..Self::default() }
    }

    /// A call of a registered tool; its answer is the step's output.
    #[must_use]
    pub fn tool(id: impl Into<String>, tool: impl Into<String>) -> Self {
        Self { id: Some(id.into()), tool: Some(tool.into()), ..Self::default() }
    }

    /// Adds an argument of the tool.
    #[must_use]
    pub fn with_argument(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.arguments.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    /// Adds an argument that is taken out of the output of an earlier step; an empty pointer takes the whole text.
    #[must_use]
    pub fn with_argument_from(self, name: impl Into<String>, step: impl Into<String>, pointer: &str) -> Self {
        let mut reference = Map::from_iter([("from".to_owned(), Value::String(step.into()))]);
        if !pointer.is_empty() {
            reference.insert("pointer".to_owned(), Value::String(pointer.to_owned()));
        }
        self.with_argument(name, reference)
    }

    /// Says how an agent is to do its task.
    #[must_use]
    pub fn with_instructions(self, instructions: impl Into<String>) -> Self {
        Self { instructions: Some(instructions.into()), ..self }
    }

    /// Limits an agent to these tools; none: it works from what it reads alone.
    #[must_use]
    pub fn with_tools<T: Into<String>>(self, tools: impl IntoIterator<Item = T>) -> Self {
        Self { tools: Some(tools.into_iter().map(Into::into).collect()), ..self }
    }

    /// Names the steps it waits for and reads. Only for the custom pattern.
    #[must_use]
    pub fn with_needs<T: Into<String>>(self, needs: impl IntoIterator<Item = T>) -> Self {
        Self { needs: needs.into_iter().map(Into::into).collect(), ..self }
    }

    /// Has an agent answer in JSON that fits this JSON Schema.
    #[must_use]
    pub fn with_schema(self, schema: impl Into<Value>) -> Self {
        Self { schema: Some(schema.into()), ..self }
    }
}

/// What chooses a branch: exactly one of `value`, `from` and `task`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct ConditionDraft {
    /// The branch's key itself.
    pub value: Option<String>,
    /// The step whose output holds the key. A person's answer can be one.
    pub from: Option<String>,
    /// Where in that output: a JSON pointer. Default: the whole text.
    pub pointer: Option<String>,
    /// What an agent is to decide; it answers with one of the keys.
    pub task: Option<String>,
    /// How that agent is to decide.
    pub instructions: Option<String>,
    /// The tools that agent may call. Default: none.
    pub tools: Option<Vec<String>>,
}

impl ConditionDraft {
    /// This branch.
    #[must_use]
    pub fn value(key: impl Into<String>) -> Self {
        Self { value: Some(key.into()), ..Self::default() }
    }

    /// The branch named at a JSON pointer in the output of a step; an empty pointer is the whole text.
    #[must_use]
    pub fn pointer(step: impl Into<String>, pointer: impl Into<String>) -> Self {
        Self { from: Some(step.into()), pointer: Some(pointer.into()), ..Self::default() }
    }

    /// The branch an agent chooses.
    #[must_use]
    pub fn agent(task: impl Into<String>) -> Self {
        Self { task: Some(task.into()), ..Self::default() }
    }
}

/// The test after each pass: a rule (`from` with one of `equals`, `at_least` and `contains`), a judging agent (`task`) or a
/// judging `tool`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct SuccessDraft {
    /// Rule: the step whose output is looked at.
    pub from: Option<String>,
    /// Rule: where in that output, a JSON pointer. Default: the whole text.
    pub pointer: Option<String>,
    /// Rule: the value there is this one.
    pub equals: Option<Value>,
    /// Rule: the number there is not below this.
    pub at_least: Option<f64>,
    /// Rule: the text there has this in it, whatever the case.
    pub contains: Option<String>,
    /// Judge: when the result is good enough, in words; an agent answers whether it is.
    pub task: Option<String>,
    /// Judge: how it is to judge.
    pub instructions: Option<String>,
    /// Judge: the tools it may call. Default: none.
    pub tools: Option<Vec<String>>,
    /// A tool that answers `true`, `false` or `{ "done": true, "reason": "…" }`.
    pub tool: Option<String>,
    /// Its arguments, as those of a tool step.
    pub arguments: Option<Map<String, Value>>,
}

impl SuccessDraft {
    /// A rule about the text of a step: it has this in it, whatever the case.
    #[must_use]
    pub fn contains(step: impl Into<String>, text: impl Into<String>) -> Self {
        Self { from: Some(step.into()), contains: Some(text.into()), ..Self::default() }
    }

    /// A rule about a number in the JSON output of a step: it is not below this.
    #[must_use]
    pub fn at_least(step: impl Into<String>, pointer: impl Into<String>, least: f64) -> Self {
        Self { from: Some(step.into()), pointer: Some(pointer.into()), at_least: Some(least), ..Self::default() }
    }

    /// A rule about a value in the output of a step; an empty pointer is the whole text.
    #[must_use]
    pub fn equals(step: impl Into<String>, pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { from: Some(step.into()), pointer: Some(pointer.into()), equals: Some(value.into()), ..Self::default() }
    }

    /// An agent that judges each pass.
    #[must_use]
    pub fn judge(task: impl Into<String>) -> Self {
        Self { task: Some(task.into()), ..Self::default() }
    }

    /// A registered tool that judges each pass by these arguments.
    #[must_use]
    pub fn predicate(tool: impl Into<String>, arguments: Map<String, Value>) -> Self {
        Self { tool: Some(tool.into()), arguments: Some(arguments), ..Self::default() }
    }
}

/// Patterns whose steps are written down. Add steps with [`RequestDraft::with_step`].
impl RequestDraft {
    /// Steps one after the other; each reads what came before.
    ///
    /// ```
    /// use mcp_orchestrator_domain::{Limits, RequestDraft, StepDraft};
    ///
    /// let draft = RequestDraft::sequential("How does a workflow survive a crash?")
    ///     .with_step(StepDraft::agent("gather", "Collect what the documentation says about crashes"))
    ///     .with_step(StepDraft::ask("approve", "Is this enough?"))
    ///     .with_step(StepDraft::agent("write", "Write the report").with_tools([""; 0]));
    /// let definition = draft.parse(&Limits::default())?.definition.expect("the steps");
    /// assert_eq!(definition.steps().count(), 3);
    /// # Ok::<(), mcp_orchestrator_domain::InvalidRequest>(())
    /// ```
    #[must_use]
    pub fn sequential(task: impl Into<String>) -> Self {
        Self::defined("sequential", task)
    }

    /// Steps, then one of several branches.
    ///
    /// ```
    /// use mcp_orchestrator_domain::{ConditionDraft, Limits, RequestDraft, StepDraft};
    ///
    /// let draft = RequestDraft::conditional("Answer the letter of a customer", ConditionDraft::pointer("kind", ""))
    ///     .with_step(StepDraft::ask("kind", "Is it a complaint or a question?"))
    ///     .with_branch("complaint", [StepDraft::agent("calm", "Apologise, and say what happens next")])
    ///     .with_branch("question", [StepDraft::agent("explain", "Answer from the handbook")]);
    /// assert!(draft.parse(&Limits::default()).is_ok());
    /// ```
    #[must_use]
    pub fn conditional(task: impl Into<String>, condition: ConditionDraft) -> Self {
        Self { condition: Some(condition), ..Self::defined("conditional", task) }
    }

    /// The same steps again until a test holds.
    #[must_use]
    pub fn iterative(task: impl Into<String>, success: SuccessDraft) -> Self {
        Self { success: Some(success), ..Self::defined("iterative", task) }
    }

    /// Steps that start as soon as the steps they need are done.
    #[must_use]
    pub fn custom(task: impl Into<String>) -> Self {
        Self::defined("custom", task)
    }

    /// Adds a step.
    #[must_use]
    pub fn with_step(mut self, step: StepDraft) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds a branch of the conditional pattern.
    #[must_use]
    pub fn with_branch(mut self, key: impl Into<String>, steps: impl IntoIterator<Item = StepDraft>) -> Self {
        self.branches.insert(key.into(), steps.into_iter().collect());
        self
    }

    fn defined(pattern: &str, task: impl Into<String>) -> Self {
        Self { pattern: Some(pattern.to_owned()), task: Some(task.into()), ..Self::default() }
    }
}
