//! The pure planners of `mcp-orchestrator`: a [`Strategy`] reads a workflow and decides which steps run next.
//!
//! Nothing here reads a clock, makes randomness, does I/O or runs a task; the same workflow always gives the same
//! answer, which is what makes a workflow resumable.

mod fence;
mod inputs;
mod pattern;
mod show;
mod strategy;

pub use fence::Fence;
pub use inputs::{Inputs, Missing, findings, missing};
pub use pattern::{AgentTypeInfo, Parameter, Pattern, PatternStage};
pub use show::{QUOTE_CHARS_MAX, QUOTES_CHARS_MAX, TOOL_TEXT_CHARS_MAX, tool_answer};
pub use strategy::{Finish, Next, Prompt, Strategy};
