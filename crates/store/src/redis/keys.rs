//! The names of everything in Redis. Owns the layout; knows no command.
//!
//! All names begin with `{PREFIX:0}:`. What is in braces decides the slot, so that one script may change all of it, also
//! where slots matter; the 0 is the number of the shard, of which there is one. Scripts make some of these names
//! themselves, from the name of `meta`: those are listed too.
//!
//! | name | kind | what |
//! |---|---|---|
//! | `meta` | hash | `format`, `shards`; `number` and `position` last given; `queued`; `classes`, their version; `bytes` of logs, `done` of those of ended workflows, `kept` of blobs and records |
//! | `state` | hash | what changes of each workflow with every append: `HEAD EPOCH PLACE ATTEMPT BYTES POSITION MARK STATUS SUMMARY`; the place is `r` ready, `d` delayed, `l` leased, `w` waiting, `f` finished; the mark is of title and task |
//! | `wf:ID` | hash | a workflow: `n` number, `at` since or until when it is in its place, `o` owner, `g` the claim that gave it, `c` class, `r` reserved for, `y` priority, `t` principal, `pa` pattern, `ne` needs, `cr` created, `ti` title, `ta` task, `ik` and `ib` idempotency |
//! | `log:ID` | stream | an entry for each append, `SEQ-POSITION` of its last record: `RECORDS APPEND-ID`, and on the next lines their text, or on the same one `BYTES` of a large one |
//! | `large:POSITION` | string | a text of more than 32 KB |
//! | `feed` | stream | appends of all logs that went together, `POSITION-0` of the last of them: for each its position and `SEQ ID` |
//! | `all`, `open`, `by:PRINCIPAL` | sorted | workflows by number: every one, unfinished ones, a principal's |
//! | `done` | sorted | finished ones by their end |
//! | `queue:CLASS:`, `queue:CLASS:WORKER` | sorted | ready ones that need this of a worker, and those reserved for one; late leases before them |
//! | `reserved:CLASS`, `own:WORKER` | set | the workers, the classes, of such queues |
//! | `delayed`, `leases` | sorted | by the moment they are due, or end |
//! | `seen` | sorted | workers by the moment until which they count as alive |
//! | `classes`, `users` | hash | what a class needs; how many unfinished workflows are of it |
//! | `idem:…` | string | the workflow of an idempotency key |
//! | `blob:SHA256:TENANT` | string | bytes |
//! | `used:TENANT`, `sizes:TENANT`, `tenants` | sorted, hash, sorted | when blobs were used, how large they are, who has some |
//! | `records:SPACE`, `names:SPACE`, `expiry` | hash, sorted, sorted | small records, their keys in order, their ends |
//! | `bucket:KEY` | hash | what a bucket `held` and `at` when, and all that was `taken` from it |
//! | `trash` | list | logs of deleted workflows that are still to be cleared away |
//! | `hints` | channel | what has changed |

use mcp_orchestrator_domain::{Digest, Principal, WorkflowId};
use sha2::{Digest as _, Sha256};

/// Names under one prefix.
#[derive(Clone, Debug)]
pub(super) struct Keys(String);

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self(format!("{{{prefix}:0}}:"))
    }

    /// One of the names that stand for themselves.
    pub(super) fn of(&self, name: &str) -> String {
        format!("{}{name}", self.0)
    }

    pub(super) fn meta(&self) -> String {
        self.of("meta")
    }

    pub(super) fn workflow(&self, id: &WorkflowId) -> String {
        format!("{}wf:{id}", self.0)
    }

    pub(super) fn log(&self, id: &WorkflowId) -> String {
        format!("{}log:{id}", self.0)
    }

    pub(super) fn large(&self, position: u64) -> String {
        format!("{}large:{position}", self.0)
    }

    pub(super) fn by_principal(&self, principal: &Principal) -> String {
        format!("{}by:{}", self.0, principal.as_str())
    }

    /// The length keeps two pairs apart that read the same one after the other.
    pub(super) fn idempotency(&self, principal: &Principal, key: &str) -> String {
        let principal = principal.as_str();
        format!("{}idem:{}:{principal}:{key}", self.0, principal.len())
    }

    pub(super) fn blob(&self, tenant: &Principal, sha256: &Digest) -> String {
        format!("{}blob:{sha256}:{}", self.0, tenant.as_str())
    }

    pub(super) fn records(&self, space: &str) -> String {
        format!("{}records:{space}", self.0)
    }

    pub(super) fn names(&self, space: &str) -> String {
        format!("{}names:{space}", self.0)
    }

    pub(super) fn bucket(&self, key: &str) -> String {
        format!("{}bucket:{key}", self.0)
    }
}

/// The name of a class: of all workflows that need the same.
pub(super) fn class(needs: &[u8]) -> String {
    let hash: [u8; 32] = Sha256::digest(needs).into();
    hash[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}
