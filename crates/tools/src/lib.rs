//! Tools: the [`Tool`] contract, the registry and full-text search over folders.
mod tool;

pub use tool::{Snapshot, Tool, ToolAnswer, ToolDescription, ToolError, ToolInvocation};
