//! What is kept of endpoints and deliveries. Owns the persisted shapes and what they mean; they hold secrets and have no
//! `Debug`.

use std::time::Duration;

use mcp_orchestrator_domain::{Seq, Timestamp, WorkflowId};
use mcp_orchestrator_store::FeedPosition;
use mcp_orchestrator_streaming::ClientEventType;
use serde::{Deserialize, Serialize};

use crate::{Delivery, DeliveryId, DeliveryStatus, Endpoint, EndpointId, EndpointStatus, Form, keys::Slot};

/// An endpoint.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct EndpointRecord {
    pub(crate) id: EndpointId,
    pub(crate) url: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) events: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workflow: Option<WorkflowId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) form: Form,
    pub(crate) status: EndpointStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) former: Vec<FormerSecret>,
    pub(crate) created: Timestamp,
    /// Where the order over all logs ended when it was made, if it hears of all of them: it hears of what follows. None:
    /// nobody knew, and its time counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after_all: Option<FeedPosition>,
    /// Records of its workflow up to here are not taken from the feed.
    #[serde(default)]
    pub(crate) after: Seq,
    /// Whether what its workflow's log holds already is still to be taken from there.
    #[serde(default)]
    pub(crate) backfill: bool,
    /// Whether its workflow has ended: it is then forgotten after a while.
    #[serde(default)]
    pub(crate) ended: bool,
    #[serde(default)]
    pub(crate) dead_letters_in_a_row: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paused_until: Option<Timestamp>,
}

/// The secret before the last rotation.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct FormerSecret {
    pub(crate) secret: String,
    pub(crate) until: Timestamp,
}

/// One event for one endpoint. The event itself is in its workflow's log.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DeliveryRecord {
    pub(crate) id: DeliveryId,
    pub(crate) workflow: WorkflowId,
    pub(crate) seq: Seq,
    pub(crate) n: u16,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) status: DeliveryStatus,
    pub(crate) attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_code: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    pub(crate) due: Timestamp,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
}

impl EndpointRecord {
    pub(crate) fn is_active(&self) -> bool {
        self.status == EndpointStatus::Active
    }

    /// Whether it is to hear of events of this name.
    pub(crate) fn wants(&self, event: ClientEventType) -> bool {
        is_told(event) && (self.events.is_empty() || self.events.iter().any(|name| name == event.as_str()))
    }

    /// The place of one of its deliveries.
    pub(crate) fn slot(&self, feed_position: u64, seq: Seq, n: u16) -> Slot {
        Slot { ordinal: if self.workflow.is_some() { seq.value() } else { feed_position }, n }
    }

    /// The secrets that sign now, the newest first.
    pub(crate) fn secrets(&self, now: Timestamp) -> Vec<&str> {
        let former = self.former.iter().filter(|former| now < former.until).map(|former| former.secret.as_str());
        self.secret.as_deref().into_iter().chain(former).collect()
    }

    /// How long its record lives.
    pub(crate) const fn ttl(&self, kept_for: Duration) -> Option<Duration> {
        if self.ended { Some(kept_for) } else { None }
    }

    pub(crate) fn view(&self, now: Timestamp) -> Endpoint {
        Endpoint {
            id: self.id.clone(),
            url: self.url.clone(),
            events: self.events.clone(),
            workflow: self.workflow.clone(),
            description: self.description.clone(),
            form: self.form,
            status: self.status.clone(),
            dead_letters_in_a_row: self.dead_letters_in_a_row,
            created: self.created,
            paused_until: self.paused_until.filter(|until| now < *until),
            rotating_until: self.former.iter().map(|former| former.until).filter(|until| now < *until).max(),
        }
    }
}

impl DeliveryRecord {
    pub(crate) fn is_pending(&self) -> bool {
        self.status == DeliveryStatus::Pending
    }

    pub(crate) fn view(&self, endpoint: &EndpointId) -> Delivery {
        Delivery {
            id: self.id.clone(),
            endpoint: endpoint.clone(),
            workflow: self.workflow.clone(),
            event_type: self.event_type.clone(),
            status: self.status,
            attempts: self.attempts,
            last_status_code: self.status_code,
            last_error: self.error.clone(),
            next_attempt: self.is_pending().then_some(self.due),
            created: self.created,
            changed: self.changed,
        }
    }
}

/// Whether webhooks tell of it at all: what is about a stream only is no event of a workflow.
pub(crate) fn is_told(event: ClientEventType) -> bool {
    !matches!(event, ClientEventType::StreamReset | ClientEventType::StreamClosed)
}

#[cfg(test)]
mod tests {
    use mcp_orchestrator_domain::Timestamp;
    use mcp_orchestrator_streaming::ClientEventType;

    use super::{DeliveryRecord, EndpointRecord};

    const ENDPOINT: &str = concat!(
        r#"{"id":"wh_0","url":"https://example.com/","events":["agent_start"],"workflow":"test_000000000001","#,
        r#""description":"for me","form":"standard","status":"active","secret":"whsec_b","#,
        r#""former":[{"secret":"whsec_a","until":20}],"created":10,"after_all":7,"after":3,"backfill":true,"ended":false,"#,
        r#""dead_letters_in_a_row":1,"paused_until":30}"#
    );
    const DELIVERY: &str = concat!(
        r#"{"id":"msg_0","workflow":"test_000000000001","seq":3,"n":1,"type":"agent_start","status":"pending","#,
        r#""attempts":1,"status_code":500,"error":"it answered 500","due":20,"created":10,"changed":15}"#
    );

    #[test]
    fn what_was_stored_is_read_and_written_alike() {
        let endpoint: EndpointRecord = serde_json::from_str(ENDPOINT).unwrap();
        assert_eq!(serde_json::to_string(&endpoint).unwrap(), ENDPOINT);
        let delivery: DeliveryRecord = serde_json::from_str(DELIVERY).unwrap();
        assert_eq!(serde_json::to_string(&delivery).unwrap(), DELIVERY);
    }

    #[test]
    fn the_former_secret_signs_until_its_time_and_streams_are_not_told_of() {
        let mut endpoint: EndpointRecord = serde_json::from_str(ENDPOINT).unwrap();
        assert_eq!(endpoint.secrets(Timestamp::from_millis(19)), ["whsec_b", "whsec_a"]);
        assert_eq!(endpoint.secrets(Timestamp::from_millis(20)), ["whsec_b"]);
        assert!(endpoint.wants(ClientEventType::AgentStart) && !endpoint.wants(ClientEventType::AgentError));
        endpoint.events.clear();
        assert!(endpoint.wants(ClientEventType::AgentError) && !endpoint.wants(ClientEventType::StreamClosed));
    }
}
