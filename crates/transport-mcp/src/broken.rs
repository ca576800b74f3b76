//! Calls that started a workflow and whose answer nobody received. Owns how long they are remembered, so that the same call
//! again joins the workflow in place of starting another.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long a client may take to call again.
const REMEMBERED: Duration = Duration::from_mins(15);
/// Broken calls remembered at most; when there are more, the oldest is forgotten.
const REMEMBERED_MAX: usize = 1_024;

/// The broken calls of one server.
#[derive(Debug, Default)]
pub(crate) struct Broken {
    calls: Mutex<HashMap<Vec<u8>, (String, Instant)>>,
}

/// A call that has started a workflow and is not answered yet. Dropping it unanswered makes it a broken one.
#[derive(Debug)]
pub(crate) struct Unanswered {
    broken: Arc<Broken>,
    /// What the call is: principal, tool and arguments, hashed. `None` once it is answered.
    call: Option<Vec<u8>>,
    workflow: String,
}

impl Broken {
    /// The workflow an earlier call, the same as this one, has started without hearing of it.
    pub(crate) fn known(&self, call: &[u8]) -> Option<String> {
        let calls = self.lock();
        let (workflow, at) = calls.get(call)?;
        (at.elapsed() <= REMEMBERED).then(|| workflow.clone())
    }

    /// Forgets that; false when somebody else has meanwhile, and answers that call.
    pub(crate) fn forget(&self, call: &[u8], workflow: &str) -> bool {
        let mut calls = self.lock();
        let is_known = calls.get(call).is_some_and(|(known, _)| known == workflow);
        is_known && calls.remove(call).is_some()
    }

    /// A call that has started a workflow.
    pub(crate) fn begun(self: &Arc<Self>, call: &[u8], workflow: &str) -> Unanswered {
        Unanswered { broken: Arc::clone(self), call: Some(call.to_owned()), workflow: workflow.to_owned() }
    }

    fn put(&self, call: Vec<u8>, workflow: String) {
        let mut calls = self.lock();
        calls.retain(|_, (_, at)| at.elapsed() <= REMEMBERED);
        if calls.len() >= REMEMBERED_MAX {
            let oldest = calls.iter().min_by_key(|(_, (_, at))| *at).map(|(call, _)| call.clone());
            oldest.map(|call| calls.remove(&call));
        }
        calls.insert(call, (workflow, Instant::now()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Vec<u8>, (String, Instant)>> {
        // Every section leaves the map whole.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unanswered {
    /// Its answer is on its way to a client that still listens.
    pub(crate) fn answered(mut self) {
        self.call = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.broken.put(call, std::mem::take(&mut self.workflow));
        }
    }
}
