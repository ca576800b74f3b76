//! What there is to choose from, as clients see it: patterns and tools.

use mcp_orchestrator::{Tool, strategy::Pattern};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The strategies requests may name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct PatternsView {
    /// By name.
    pub patterns: Vec<PatternView>,
    /// How many.
    pub count: usize,
}

/// A strategy in words and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct PatternView {
    /// The name requests choose it by.
    pub name: String,
    /// The version of its plan.
    pub version: u32,
    /// What people call it.
    pub display_name: String,
    /// What it does.
    pub description: String,
    /// What it is good for.
    pub use_cases: Vec<String>,
    /// What happens, in order.
    pub stages: Vec<StageView>,
    /// What a request may set, beyond what every request may.
    pub parameters: Vec<ParameterView>,
    /// The parameters with their defaults.
    pub default_config: Map<String, Value>,
    /// The types its agents may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent_types: Vec<AgentTypeView>,
}

/// A stage of a strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct StageView {
    /// As progress shows it.
    pub stage: String,
    /// What happens in it.
    pub description: String,
}

/// A field of a request that matters to a strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ParameterView {
    /// The field.
    pub name: String,
    /// What it does, with its unit and limits.
    pub description: String,
    /// What holds without it.
    pub default: Value,
}

/// A type of search agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct AgentTypeView {
    /// The type.
    pub name: String,
    /// What it looks for.
    pub description: String,
    /// A Font Awesome icon.
    pub icon: String,
    /// A CSS colour.
    pub color: String,
}

/// Tools that are registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ToolsView {
    /// By name.
    pub tools: Vec<ToolView>,
    /// How many.
    pub count: usize,
}

/// A tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ToolView {
    /// The name it is called by.
    pub name: String,
    /// The version of its interface.
    pub version: String,
    /// What it does and when to use it.
    pub description: String,
    /// A group for listing.
    pub category: String,
    /// Words for listing.
    pub tags: Vec<String>,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// JSON Schema of its answer, when it has a fixed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
}

impl From<Pattern> for PatternView {
    fn from(pattern: Pattern) -> Self {
        Self {
            default_config: pattern.default_config(),
            name: pattern.name.to_string(),
            version: pattern.version,
            display_name: pattern.display_name,
            description: pattern.description,
            use_cases: pattern.use_cases,
            stages: pattern
                .stages
                .into_iter()
                .map(|stage| StageView { stage: stage.stage.to_string(), description: stage.description })
                .collect(),
            parameters: pattern
                .parameters
                .into_iter()
                .map(|parameter| ParameterView {
                    name: parameter.name,
                    description: parameter.description,
                    default: parameter.default,
                })
                .collect(),
            agent_types: pattern
                .agent_types
                .into_iter()
                .map(|kind| AgentTypeView {
                    name: kind.name.as_str().to_owned(),
                    description: kind.description.to_owned(),
                    icon: kind.icon.to_owned(),
                    color: kind.color.to_owned(),
                })
                .collect(),
        }
    }
}

impl ToolView {
    /// A registered tool as clients see it.
    #[must_use]
    pub fn of(tool: &dyn Tool) -> Self {
        let description = tool.description();
        Self {
            name: description.spec.name.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            description: description.spec.description.clone(),
            category: description.category.clone(),
            tags: description.tags.clone(),
            input_schema: description.spec.parameters.clone(),
            output_schema: None,
        }
    }
}
