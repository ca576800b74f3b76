//! What clients are told of tools. Owns the shape; the registry fills it.

use serde::Serialize;
use serde_json::Value;

use crate::ToolDescription;

/// The list of tools as clients read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Manifest {
    /// By name.
    pub tools: Vec<ManifestEntry>,
}

/// One tool as clients read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ManifestEntry {
    /// The name to call it by.
    pub name: String,
    /// Version of the tool's interface: what a client relies on changes only with its first number.
    pub version: &'static str,
    /// What it does and when to use it.
    pub description: String,
    /// A group for listing.
    pub category: String,
    /// Words for listing.
    pub tags: Vec<String>,
    /// JSON Schema of the arguments.
    pub input_schema: Value,
}

impl ManifestEntry {
    pub(super) fn of(description: &ToolDescription) -> Self {
        Self {
            name: description.spec.name.to_string(),
            version: env!("CARGO_PKG_VERSION"),
            description: description.spec.description.clone(),
            category: description.category.clone(),
            tags: description.tags.clone(),
            input_schema: description.spec.parameters.clone(),
        }
    }
}
