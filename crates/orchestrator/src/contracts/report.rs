//! What came of a workflow: the report's blocks and sentences, and the document around them.

pub use mcp_orchestrator_documents::{Counts, Document, Gap, Writer};
pub use mcp_orchestrator_domain::{Block, Item, Mark, Outcome, Sentence};
