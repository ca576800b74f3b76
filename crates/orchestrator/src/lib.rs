//! Multi-agent LLM workflows with proved citations, durable state, hard budgets and real cancellation.
mod builder;
mod clock;
#[cfg(feature = "corpus")]
mod corpora;
mod document;
mod error;
mod handle;
mod hub;
mod orchestrator;
mod parts;
mod results;
mod run;
mod submit;
mod worker;

pub use builder::Builder;
pub use clock::{Clock, SystemClock};
pub use error::Error;
pub use handle::Handle;
pub use orchestrator::Orchestrator;
pub use results::{DocumentFile, EvidenceFile, Results, StepResult};
pub use submit::{ResumeOptions, SubmitOptions};
pub use worker::WorkerMode;
