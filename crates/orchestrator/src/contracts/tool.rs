//! The words of [`Tool`](crate::Tool): what it is, how it is called, what it answers.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use mcp_orchestrator::{
//!     Tool, async_trait,
//!     domain::{Source, ToolName, ToolSpec},
//!     tool::{Snapshot, ToolAnswer, ToolDescription, ToolError, ToolInvocation},
//! };
//!
//! /// Knows one fact, and proves it.
//! struct Almanac(ToolDescription);
//!
//! #[async_trait]
//! impl Tool for Almanac {
//!     fn description(&self) -> &ToolDescription {
//!         &self.0
//!     }
//!
//!     async fn call(&self, _call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
//!         let page = Snapshot::of("High water is at 06:10.");
//!         let source = Arc::new(Source { uri: "almanac:today".into(), title: "Almanac".into() });
//!         let spans = page.quote(0..page.text.len(), &source).into_iter().collect();
//!         Ok(ToolAnswer { content: "One entry.".into(), spans, snapshots: vec![page], ..ToolAnswer::default() })
//!     }
//! }
//! # let parameters = serde_json::json!({ "type": "object" });
//! # let spec = ToolSpec { name: ToolName::new("almanac")?, description: "Today's tides.".into(), parameters };
//! # let _ = Almanac(ToolDescription {
//! #     spec, category: "harbour".into(), tags: Vec::new(), time_limit: Duration::from_secs(1), repeatable: true, is_source: true,
//! # });
//! # Ok::<(), mcp_orchestrator::domain::InvalidName>(())
//! ```

pub use mcp_orchestrator_tools::{
    RegisterError, Snapshot, ToolAnswer, ToolDescription, ToolError, ToolInvocation, evidence_id,
};
