//! Which workflows are watched by whom. Owns the count; it is bounded by the streams there are.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use mcp_orchestrator_domain::{Principal, WorkflowId};

type Counts = BTreeMap<(String, WorkflowId), usize>;

/// Counts readers by principal and workflow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    counts: Arc<Mutex<Counts>>,
}

/// A reader; dropping it ends the watching.
#[derive(Debug)]
pub(crate) struct Watching {
    entries: Vec<(String, WorkflowId)>,
    counts: Arc<Mutex<Counts>>,
}

impl Watched {
    pub(crate) fn enter(&self, principal: &Principal, workflows: impl IntoIterator<Item = WorkflowId>) -> Watching {
        let entries: Vec<_> = workflows.into_iter().map(|id| (principal.as_str().to_owned(), id)).collect();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in &entries {
            *counts.entry(entry.clone()).or_default() += 1;
        }
        drop(counts);
        Watching { entries, counts: Arc::clone(&self.counts) }
    }

    /// The workflows of a principal that are watched, and by how many readers together.
    pub(crate) fn of(&self, principal: &Principal) -> (Vec<WorkflowId>, usize) {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.iter().filter(|((owner, _), _)| owner == principal.as_str());
        let own: Vec<_> = own.map(|((_, id), count)| (id.clone(), *count)).collect();
        let readers = own.iter().map(|(_, count)| count).sum();
        (own.into_iter().map(|(id, _)| id).collect(), readers)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in &self.entries {
            if let Some(count) = counts.get_mut(entry) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(entry);
                }
            }
        }
    }
}
