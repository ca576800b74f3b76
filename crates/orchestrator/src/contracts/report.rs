//! What came of a workflow: the report's blocks and sentences, and the document around them.

pub use mcp_orchestrator_documents::{Costs, Counts, Document, Gap, SentenceCost, Share, StepCost, Writer};
pub use mcp_orchestrator_domain::{Block, Item, Mark, Outcome, Sentence};
