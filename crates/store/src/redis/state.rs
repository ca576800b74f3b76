//! What changes of a workflow with every append: one text in the hash `state`. Owns how Rust reads it; scripts write it.

use std::hash::{DefaultHasher, Hash, Hasher};

use mcp_orchestrator_domain::{Seq, WorkflowId};

use super::log::{number, unreadable};
use crate::{Head, Lineage, StoreError};

/// One workflow's.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) head: Head,
    /// `r` ready, `d` delayed, `l` leased, `w` waiting, `f` finished.
    pub(super) place: String,
    pub(super) attempt: u32,
    pub(super) bytes: u64,
    pub(super) status: String,
    /// What lists show of it, without title and task.
    pub(super) summary: String,
}

impl State {
    pub(super) fn read(id: &WorkflowId, text: &str) -> Result<Self, StoreError> {
        let broken = || unreadable("the state of a workflow", &format!("{id}: {text}"));
        let parts: Vec<&str> = text.splitn(9, ' ').collect();
        let [head, _, place, attempt, bytes, lineage, _, status, summary] = parts[..] else { return Err(broken()) };
        Ok(Self {
            head: Head { seq: Seq::new(number(head)?), lineage: Lineage(number(lineage)?) },
            place: place.to_owned(),
            attempt: u32::try_from(number(attempt)?).unwrap_or(u32::MAX),
            bytes: number(bytes)?,
            status: status.to_owned(),
            summary: summary.to_owned(),
        })
    }

    /// `None` of one there is not.
    pub(super) fn read_found(id: &WorkflowId, text: Option<&str>) -> Result<Option<Self>, StoreError> {
        text.map(|text| Self::read(id, text)).transpose()
    }
}

/// Tells one title and task from another, so that they are written only when they have changed. Another program that makes
/// other marks writes them once more.
pub(super) fn mark(title: &str, task: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (title, task).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
