//! Where things are in the store. Owns spaces and keys; knows nothing of what is kept under them.
//!
//! | space | key | what |
//! |---|---|---|
//! | `webhooks.endpoint` | `<owner>.g.<id>` | an endpoint that hears of all workflows of its owner |
//! | | `<owner>.w.<workflow>.<id>`, `….original` | an endpoint that hears of one |
//! | `webhooks.delivery` | `<owner>.<endpoint>:<ordinal>.<n>` | one event for one endpoint; keys sort as events happened |
//! | `webhooks.wake` | `<owner>.<endpoint>` | something changed that the process that delivers must look at |
//! | `webhooks.state` | `leader`, `position` | who delivers; how far logs are read |
//!
//! An owner is the hash of a principal's name: names may hold any character.

use std::fmt;

use mcp_orchestrator_domain::{Digest, Principal, Recorded, WorkflowId};
use sha2::{Digest as _, Sha256};

use crate::{DeliveryId, EndpointId, WebhookError};

pub(crate) const ENDPOINTS: &str = "webhooks.endpoint";
pub(crate) const DELIVERIES: &str = "webhooks.delivery";
pub(crate) const WAKES: &str = "webhooks.wake";
pub(crate) const STATE: &str = "webhooks.state";
/// In the space of states: how far logs are read.
pub(crate) const POSITION: &str = "position";

/// A principal, as keys name it: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Owner(String);

impl Owner {
    pub(crate) fn of(principal: &Principal) -> Self {
        Self(sha256_hex(&[principal.as_str().as_bytes()]))
    }

    /// What the keys of all its endpoints begin with.
    pub(crate) fn prefix(&self) -> String {
        format!("{}.", self.0)
    }

    /// What the keys of its endpoints for all workflows begin with.
    pub(crate) fn general_prefix(&self) -> String {
        format!("{}.g.", self.0)
    }

    /// What the keys of its endpoints for one workflow begin with.
    pub(crate) fn workflow_prefix(&self, workflow: &WorkflowId) -> String {
        format!("{}.w.{workflow}.", self.0)
    }
}

/// One endpoint among those of all principals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EndpointKey {
    pub(crate) owner: Owner,
    pub(crate) id: EndpointId,
}

impl EndpointKey {
    /// The key of its record.
    pub(crate) fn record(&self) -> String {
        let owner = &self.owner.0;
        let id = self.id.as_str();
        match id.split_once('.') {
            None => format!("{owner}.g.{id}"),
            Some((_, workflow)) if id.starts_with(ORIGINAL) => format!("{owner}.w.{workflow}.original"),
            Some((own, workflow)) => format!("{owner}.w.{workflow}.{own}"),
        }
    }

    /// Its name in the space of wakes.
    pub(crate) fn wake(&self) -> String {
        format!("{}.{}", self.owner.0, self.id)
    }

    pub(crate) fn parse_wake(text: &str) -> Option<Self> {
        let (owner, id) = text.split_once('.')?;
        Some(Self { owner: Owner(owner.to_owned()), id: EndpointId(id.to_owned()) })
    }

    /// What the keys of its deliveries begin with.
    pub(crate) fn deliveries_prefix(&self) -> String {
        format!("{}:", self.wake())
    }

    pub(crate) fn delivery(&self, slot: Slot) -> String {
        format!("{}:{slot}", self.wake())
    }

    pub(crate) fn parse_delivery(text: &str) -> Option<(Self, Slot)> {
        let (endpoint, slot) = text.rsplit_once(':')?;
        Some((Self::parse_wake(endpoint)?, Slot::parse(slot)?))
    }

    /// The same for the same event and endpoint, whoever computes it and whenever. An event is what its record says at its
    /// place: where a store lost one, another may stand there, or the same one again.
    pub(crate) fn delivery_id(&self, workflow: &WorkflowId, recorded: &Recorded, n: u16) -> DeliveryId {
        let (endpoint, seq, n) = (self.wake(), recorded.seq.value().to_string(), n.to_string());
        // Names, numbers and strings into memory: there is nothing in it that could fail.
        let record = serde_json::to_vec(&*recorded.record).unwrap_or_default();
        let parts = [endpoint.as_bytes(), workflow.as_str().as_bytes(), seq.as_bytes(), n.as_bytes(), &record];
        DeliveryId(format!("msg_{}", sha256_hex(&parts)))
    }
}

/// A delivery's place among those of its endpoint: the position of its record, and which of the record's events it is.
/// For one workflow the position is that in its log, otherwise that in the order over all logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot {
    pub(crate) ordinal: u64,
    pub(crate) n: u16,
}

impl Slot {
    fn parse(text: &str) -> Option<Self> {
        let (ordinal, n) = text.split_once('.')?;
        Some(Self { ordinal: ordinal.parse().ok()?, n: n.parse().ok()? })
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}.{:05}", self.ordinal, self.n)
    }
}

const STANDARD: &str = "wh_";
const ORIGINAL: &str = "wo_";

/// A new id: 128 random bits.
pub(crate) fn new_id(original: bool, workflow: Option<&WorkflowId>) -> Result<EndpointId, WebhookError> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| WebhookError::Random(error.to_string()))?;
    let own = format!("{}{:032x}", if original { ORIGINAL } else { STANDARD }, u128::from_be_bytes(random));
    Ok(EndpointId(workflow.map_or_else(|| own.clone(), |workflow| format!("{own}.{workflow}"))))
}

/// The first 32 hexadecimal digits of the SHA-256 over the parts, each with a zero byte behind it.
fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let mut hex = Digest::new(hash.finalize().into()).to_string();
    hex.truncate(32);
    hex
}
