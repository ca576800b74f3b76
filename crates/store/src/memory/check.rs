//! Whether the memory store agrees with itself. Owns the comparisons; changes nothing.

use mcp_orchestrator_domain::{Digest, WorkflowId};
use sha2::Digest as _;

use super::state::{Place, State, Workflow};
use crate::{Checked, references::named_blobs};

impl State {
    pub(super) fn check(&self) -> Checked {
        let mut checked = Checked { workflows: self.workflows.len() as u64, ..Checked::default() };
        for (number, id) in &self.order {
            match self.workflows.get(id) {
                Some(workflow) if workflow.number == *number => {
                    checked.records += workflow.log.len() as u64;
                    self.check_place(id, workflow, &mut checked);
                    self.check_names(id, workflow, &mut checked);
                }
                Some(_) | None => {
                    checked.find(format!("workflow {id} is in the order of creation and not in the store"))
                }
            }
        }
        self.check_sums(&mut checked);
        self.check_feed(&mut checked);
        self.check_blobs(&mut checked);
        checked
    }

    /// Each workflow is in the index of its place; that it is in no other follows from the indexes' sizes.
    fn check_place(&self, id: &WorkflowId, workflow: &Workflow, checked: &mut Checked) {
        let number = workflow.number;
        let indexed = match &workflow.place {
            Place::Ready { rank, .. } => self.queue.contains(&(*rank, number)),
            Place::Leased { until, .. } => self.leases.contains(&(*until, number)),
            Place::Finished(at) => self.finished.contains(&(*at, number)),
            Place::Waiting => true,
        };
        if !indexed {
            checked.find(format!("workflow {id} is not where its place says"));
        }
        if workflow.summary.status.is_terminal() != matches!(workflow.place, Place::Finished(_)) {
            let status = workflow.summary.status;
            checked.find(format!("workflow {id} is {status} and {}", workflow.place.in_words()));
        }
    }

    /// Each blob a record names is there.
    fn check_names(&self, id: &WorkflowId, workflow: &Workflow, checked: &mut Checked) {
        let blobs = self.blobs.get(&workflow.principal);
        for sha256 in named_blobs(workflow.log.iter().map(AsRef::as_ref)) {
            if !blobs.is_some_and(|blobs| blobs.contains_key(&sha256)) {
                checked.find(format!("workflow {id} names blob {sha256}, which is not there"));
            }
        }
    }

    fn check_sums(&self, checked: &mut Checked) {
        let count = |wanted: fn(&Place) -> bool| self.workflows.values().filter(|held| wanted(&held.place)).count();
        let indexes = [
            ("queue", self.queue.len(), count(|place| matches!(place, Place::Ready { .. }))),
            ("leases", self.leases.len(), count(|place| matches!(place, Place::Leased { .. }))),
            ("ended workflows", self.finished.len(), count(|place| matches!(place, Place::Finished(_)))),
            ("order of creation", self.order.len(), self.workflows.len()),
        ];
        for (name, indexed, held) in indexes {
            if indexed != held {
                checked.find(format!("the index of the {name} has {indexed} entries, {held} workflows belong there"));
            }
        }
        let ended = self.workflows.values().filter(|workflow| matches!(workflow.place, Place::Finished(_)));
        let bytes: u64 = ended.map(|workflow| workflow.bytes).sum();
        if bytes != self.finished_bytes {
            checked.find(format!("logs of ended workflows have {bytes} bytes, {} are counted", self.finished_bytes));
        }
    }

    fn check_feed(&self, checked: &mut Checked) {
        if self.feed.len() as u64 != checked.records {
            let (fed, logged) = (self.feed.len(), checked.records);
            checked.find(format!("the feed has {fed} records, the logs have {logged}"));
        }
        if !self.feed.is_sorted_by(|one, next| one.position < next.position) {
            checked.find("the feed is not in order".to_owned());
        }
    }

    fn check_blobs(&self, checked: &mut Checked) {
        for (tenant, blobs) in &self.blobs {
            for (sha256, blob) in blobs {
                checked.blobs += 1;
                if Digest::new(sha2::Sha256::digest(&blob.bytes).into()) != *sha256 {
                    checked.find(format!("blob {sha256} of {} is not what it was", tenant.as_str()));
                }
            }
        }
    }
}

impl Place {
    fn in_words(&self) -> &'static str {
        match self {
            Self::Ready { .. } => "in the queue",
            Self::Leased { .. } => "leased",
            Self::Waiting => "waiting",
            Self::Finished(_) => "taken for ended",
        }
    }
}
