//! What people are told about a strategy. Owns the shape that `patterns` shows everywhere; no wire's envelope.

use mcp_orchestrator_domain::{AgentType, PatternName, Stage};
use serde::Serialize;
use serde_json::{Map, Value};

/// A strategy in words and defaults.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "strategies build it")]
pub struct Pattern {
    /// The name requests choose it by.
    pub name: PatternName,
    /// The version of its plan.
    pub version: u32,
    /// What people call it.
    pub display_name: String,
    /// What it does, in a sentence or two.
    pub description: String,
    /// What it is good for.
    pub use_cases: Vec<String>,
    /// What happens, in order.
    pub stages: Vec<PatternStage>,
    /// What a request may set, beyond what every request may.
    pub parameters: Vec<Parameter>,
    /// The types its agents may have; empty when they have none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agent_types: Vec<AgentTypeInfo>,
}

impl Pattern {
    /// A strategy with a description and no parameters yet.
    #[must_use]
    pub fn new(name: PatternName, version: u32, display_name: &str, description: &str) -> Self {
        Self {
            name,
            version,
            display_name: display_name.to_owned(),
            description: description.to_owned(),
            use_cases: Vec::new(),
            stages: Vec::new(),
            parameters: Vec::new(),
            agent_types: Vec::new(),
        }
    }

    /// The parameters with their defaults as one object.
    #[must_use]
    pub fn default_config(&self) -> Map<String, Value> {
        self.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.default.clone())).collect()
    }
}

/// A stage of a strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "strategies build it")]
pub struct PatternStage {
    /// Which one, as progress shows it.
    pub stage: Stage,
    /// What happens in it.
    pub description: String,
}

/// A field of a request that matters to a strategy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "strategies build it")]
pub struct Parameter {
    /// The field as clients spell it.
    pub name: String,
    /// What it does, with its unit and limits.
    pub description: String,
    /// What holds without it.
    pub default: Value,
}

impl Parameter {
    /// A field with what it does and its default.
    #[must_use]
    pub fn new(name: &str, description: &str, default: Value) -> Self {
        Self { name: name.to_owned(), description: description.to_owned(), default }
    }
}

/// A type of search agent with what is needed to show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "strategies build it")]
pub struct AgentTypeInfo {
    /// The type.
    pub name: AgentType,
    /// What it looks for.
    pub description: &'static str,
    /// A Font Awesome icon.
    pub icon: &'static str,
    /// A CSS colour.
    pub color: &'static str,
}
