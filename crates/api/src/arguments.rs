//! The arguments of the tools that start nothing, and of the queries that mean the same.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// One workflow.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct OneArguments {
    /// The workflow's id, as it was given when it was started.
    pub task_id: String,
}

/// A wait for the end of one workflow.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct WaitArguments {
    /// The workflow's id.
    pub task_id: String,
    /// Seconds to wait at most, 0 to 240; default 45.
    #[serde(default)]
    #[schemars(range(min = 0, max = 240))]
    pub wait_seconds: Option<u64>,
}

/// The results of one workflow, its report in pages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct ResultsArguments {
    /// The workflow's id.
    pub task_id: String,
    /// Whether the texts of all agents come too; default false: the report, its sources and what failed.
    #[serde(default)]
    pub include_agents: Option<bool>,
    /// A position of its log: what was known then. Default: now.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub at: Option<u64>,
}

/// A cancellation.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct CancelArguments {
    /// The workflow's id.
    pub task_id: String,
    /// Why; kept in its log. At most 500 characters.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub reason: Option<String>,
}

/// An answer to a question of a workflow.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct AnswerArguments {
    /// The workflow's id.
    pub task_id: String,
    /// The step that asks, as the status shows it. May be left out when there is one question.
    #[serde(default)]
    pub step: Option<String>,
    /// The answer, at most 10,000 characters.
    #[schemars(length(min = 1, max = 10_000))]
    pub answer: String,
}

/// Which workflows to list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct ListArguments {
    /// Only with this status: `queued`, `running`, `waiting`, `completed`, `failed` or `cancelled`; several are separated
    /// by commas.
    pub status: Option<String>,
    /// Only of this strategy.
    pub pattern: Option<String>,
    /// How many, 1 to 500; default 50.
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u64>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which registered tools to list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct ToolsArguments {
    /// Only of this category.
    pub category: Option<String>,
    /// Only with at least one of these tags.
    pub tags: Option<Vec<String>>,
}

/// A call of a registered tool.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct CallArguments {
    /// The tool's name, as `list_registered_tools` shows it.
    pub tool_name: String,
    /// Its arguments.
    #[serde(default)]
    pub tool_arguments: Map<String, Value>,
}

/// No arguments.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct NoArguments {}
