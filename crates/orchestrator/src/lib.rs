//! Multi-agent LLM workflows with proved citations, durable state, hard budgets and real cancellation.
//!
//! A workflow is a log. A strategy reads it and decides what happens next; the engine makes it happen and appends what
//! happened. Whatever watches reads the log, and resuming after a crash is reading it again.
//!
//! ```
//! # #[cfg(all(feature = "corpus", feature = "extractive"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use mcp_orchestrator::{ExtractiveProvider, MemoryStore, Orchestrator, RequestDraft};
//!
//! let folder = tempfile::tempdir()?;
//! std::fs::write(folder.path().join("recovery.md"), "A workflow survives a crash because its log is durable.\n")?;
//!
//! let handle = Orchestrator::builder(MemoryStore::new())
//!     .with_provider(ExtractiveProvider::new())
//!     .with_corpus("docs", folder.path())
//!     .build()?
//!     .start();
//! let id = handle.submit(RequestDraft::research("How does a workflow survive a crash?")).await?;
//! let results = handle.wait(&id).await?;
//! let said: Vec<&str> = results.report()?.sentences().map(|sentence| sentence.text.as_str()).collect();
//! assert!(said.contains(&"A workflow survives a crash because its log is durable."));
//! handle.shutdown(Duration::from_secs(30)).await?;
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "corpus", feature = "extractive")))]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `corpus` | `Builder::with_corpus`: full-text search over folders | yes |
//! | `search` | `tool::SearchTool`: search services of the network as tools; none is asked unless you add it | no |
//! | `extractive` | `ExtractiveProvider`: reports from quotes, without a model | yes |
//! | `json-schema` | arguments of tools are held to the whole of their JSON Schema, not to its top level only | yes |
//! | `sqlite` | `SqliteStore`: workflows that survive the process | yes |
//! | `redis` | `RedisStore`: workflows that processes of several machines share | no |
//! | `http-providers` | `HttpProvider`: models of hosted services and of servers of your own | no |
//!
//! Without features there is no C code, no search engine, no HTTP client and no schema library; [`MemoryStore`] and your
//! own [`Provider`], [`Tool`], [`Strategy`] and [`Store`] remain, in fewer than forty crates.
//!
//! # Where to start
//!
//! [`Orchestrator::builder`], then [`Handle`]. Everything one needs to *use* the library is at the root. What one needs to
//! *extend* it is in a module for each contract: the trait is at the root, the words of its methods are in [`provider`],
//! [`tool`], [`strategy`] and [`store`], and what they share is in [`domain`]. [`layers`] go around a provider. [`event`] and [`report`] hold the parts of
//! what [`Handle::events`], [`Handle::watch`] and [`Handle::results`] give. Each item has one path; depend on this crate alone.
//!
//! Dropping a future of this crate ends the wait for its outcome, and never a workflow; every method says what else it
//! means.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod catalogue;
mod caught;
mod clock;
mod contracts;
#[cfg(feature = "corpus")]
mod corpora;
mod dice;
mod document;
mod ends;
mod error;
mod fork;
mod handle;
mod hedge;
mod hub;
mod image;
mod limits;
mod orchestrator;
mod parts;
mod patience;
mod results;
mod run;
mod signal;
mod spending;
mod submit;
mod worker;

pub use builder::Builder;
pub use clock::{Clock, SystemClock};
pub use contracts::{domain, event, layers, provider, report, store, strategy, tool};
pub use ends::EndedWorkflow;
pub use error::Error;
pub use fork::{ForkOptions, ResumeOptions};
pub use handle::Handle;
pub use hedge::Hedge;
pub use orchestrator::Orchestrator;
pub use results::{DocumentFile, EvidenceFile, Question, ResultFile, Results, StepResult};
pub use spending::ModelSpending;
pub use submit::{Made, Submission, SubmitOptions};
pub use worker::WorkerMode;

pub use async_trait::async_trait;
pub use mcp_orchestrator_domain::{
    ConditionDraft, Decision, Principal, Report, RequestDraft, Status, StepDraft, SuccessDraft, WorkflowId,
};
#[cfg(feature = "extractive")]
pub use mcp_orchestrator_providers::ExtractiveProvider;
pub use mcp_orchestrator_providers::Provider;
#[cfg(feature = "http-providers")]
pub use mcp_orchestrator_providers::http::HttpProvider;
#[cfg(feature = "redis")]
pub use mcp_orchestrator_store::RedisStore;
#[cfg(feature = "sqlite")]
pub use mcp_orchestrator_store::SqliteStore;
pub use mcp_orchestrator_store::{ListFilter, MemoryStore, Store};
pub use mcp_orchestrator_strategies::Strategy;
pub use mcp_orchestrator_streaming::{ClientEvent, ClientEvents, Cursor, Watch};
pub use mcp_orchestrator_tools::{Callable, Tool, ToolError};
