//! What was told to whom: deliveries as owners of endpoints see them. Owns the shapes, not the making.

use std::{fmt, str::FromStr};

use mcp_orchestrator_domain::{Timestamp, WorkflowId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EndpointId, WebhookError, rfc3339};

/// Names a delivery: `msg_` and 32 hexadecimal digits. It is the `webhook-id` of every attempt, so a receiver knows by it
/// what it has seen already.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DeliveryId(pub(crate) String);

impl DeliveryId {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DeliveryId {
    type Err = WebhookError;

    /// # Errors
    /// [`WebhookError::UnknownDelivery`]: no delivery can have this id.
    fn from_str(text: &str) -> Result<Self, WebhookError> {
        let valid = text.strip_prefix("msg_").is_some_and(|tail| {
            tail.len() == 32 && tail.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        if !valid {
            return Err(WebhookError::UnknownDelivery(text.chars().filter(|c| !c.is_control()).take(80).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryStatus {
    /// It waits for its first or next attempt.
    Pending,
    /// It was taken with a 2xx.
    Delivered,
    /// A dead letter: no further attempt unless it is replayed.
    Dead,
}

/// A delivery: one event for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Delivery {
    /// Its id, the same over all attempts and replays.
    pub id: DeliveryId,
    /// For whom.
    pub endpoint: EndpointId,
    /// Of which workflow.
    #[schemars(with = "String")]
    pub workflow: WorkflowId,
    /// The event's name.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts made since it was made or replayed.
    pub attempts: u32,
    /// What the last attempt was answered, if it was.
    pub last_status_code: Option<u16>,
    /// Why the last attempt failed, in words.
    pub last_error: Option<String>,
    /// When the next attempt is made at the earliest.
    #[serde(serialize_with = "rfc3339::serialize_option")]
    #[schemars(with = "Option<String>")]
    pub next_attempt: Option<Timestamp>,
    /// When it was made.
    #[serde(serialize_with = "rfc3339::serialize")]
    #[schemars(with = "String")]
    pub created: Timestamp,
    /// When it changed last.
    #[serde(serialize_with = "rfc3339::serialize")]
    #[schemars(with = "String")]
    pub changed: Timestamp,
}

/// Some deliveries of an endpoint, newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// The `after` of the next page; none when there is nothing older.
    pub next: Option<DeliveryId>,
}
