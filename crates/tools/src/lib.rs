//! Tools: the [`Tool`] contract, the registry and full-text search over folders.
#[cfg(feature = "corpus")]
mod corpus;
mod tool;

#[cfg(feature = "corpus")]
pub use corpus::{
    Corpora, Corpus, CorpusDocument, CorpusError, CorpusLimits, CorpusOptions, CorpusRead, CorpusSearch, CorpusSummary,
    Hit, Reading, SkipReason, digest_of, evidence_id,
};
pub use tool::{Snapshot, Tool, ToolAnswer, ToolDescription, ToolError, ToolInvocation};
