//! Report documents: Markdown to the report tree and back, JSON with its evidence, and offline verification.
//!
//! ```
//! let report = mcp_orchestrator_documents::parse("# Recovery\n\nThe log is durable [ev_0a1b2c].", "Recovery")?;
//! let sentence = report.sentences().next().expect("one sentence");
//! assert_eq!(sentence.text, "The log is durable.");
//! assert_eq!(sentence.evidence[0].as_str(), "ev_0a1b2c");
//! # Ok::<(), mcp_orchestrator_documents::ParseError>(())
//! ```
//!
//! It has no features. Start at [`parse`], which reads what an agent wrote, and at [`Document`], which is what a report file
//! holds; [`markdown`] and [`json`] write it; [`verify`] checks a written one, which is the only place here that reads
//! files.

mod address;
mod cost;
mod document;
pub mod json;
pub mod markdown;
mod parse;
pub mod verify;

pub use address::{digest_of, evidence_id};
pub use cost::{Costs, SentenceCost, Share, StepCost};
pub use document::{Counts, Document, Gap, Writer, cited_spans};
pub use parse::{BLOCKS_MAX, BYTES_MAX, DEPTH_MAX, ParseError, parse};
