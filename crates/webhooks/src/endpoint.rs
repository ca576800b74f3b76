//! Who is told: endpoints as their owners see them. Owns the shapes; how they are stored is `records`' matter.

use std::{fmt, str::FromStr};

use mcp_orchestrator_domain::{Timestamp, WorkflowId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{WebhookError, WebhookSecret, rfc3339};

/// Names an endpoint: `wh_…`, with the workflow's id behind a dot when it hears of one workflow only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EndpointId(pub(crate) String);

impl EndpointId {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EndpointId {
    type Err = WebhookError;

    /// # Errors
    /// [`WebhookError::UnknownEndpoint`]: no endpoint can have this id.
    fn from_str(text: &str) -> Result<Self, WebhookError> {
        let valid = (4..=160).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'-'));
        if !valid {
            return Err(WebhookError::UnknownEndpoint(text.chars().filter(|c| !c.is_control()).take(80).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

/// An endpoint to create.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct NewEndpoint {
    /// Where to send: an absolute `https` URL of a public address, unless the operator allows more.
    #[schemars(length(min = 8, max = 2048), extend("format" = "uri"))]
    pub url: String,
    /// Which events, by their names; empty means all.
    #[schemars(with = "Option<Vec<String>>")]
    pub events: Vec<String>,
    /// Only those of this workflow, from its beginning on.
    #[schemars(with = "Option<String>")]
    pub workflow: Option<WorkflowId>,
    /// Your own secret, `whsec_` and 24 to 64 bytes in base64; made for you when it is missing.
    pub secret: Option<String>,
    /// What it is for, at most 200 characters.
    pub description: Option<String>,
}

impl fmt::Debug for NewEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEndpoint")
            .field("events", &self.events)
            .field("workflow", &self.workflow)
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

/// In which form an endpoint is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Form {
    /// Standard Webhooks: `{type, timestamp, data}` with `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    Standard,
    /// The original's: `{task_id, event, timestamp}` with `x-webhook-signature`.
    Original,
}

/// Whether an endpoint is told anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndpointStatus {
    /// It is.
    Active,
    /// It answered 410: it does not want to hear any more.
    Gone,
    /// Too many deliveries in a row became dead letters.
    Failing,
}

/// An endpoint, as its owner sees it. Its URL may hold a token and is left out of `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where it is.
    pub url: String,
    /// Which events; empty: all.
    pub events: Vec<String>,
    /// Of which workflow alone.
    #[schemars(with = "Option<String>")]
    pub workflow: Option<WorkflowId>,
    /// What it is for.
    pub description: Option<String>,
    /// In which form it is told.
    pub form: Form,
    /// Whether it is told anything. What waits for an endpoint that is not active waits on.
    pub status: EndpointStatus,
    /// Dead letters in a row.
    pub dead_letters_in_a_row: u32,
    /// When it was made.
    #[serde(serialize_with = "rfc3339::serialize")]
    #[schemars(with = "String")]
    pub created: Timestamp,
    /// Until when it asked to be left in peace.
    #[serde(serialize_with = "rfc3339::serialize_option")]
    #[schemars(with = "Option<String>")]
    pub paused_until: Option<Timestamp>,
    /// Until when the former secret signs too.
    #[serde(serialize_with = "rfc3339::serialize_option")]
    #[schemars(with = "Option<String>")]
    pub rotating_until: Option<Timestamp>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("events", &self.events)
            .field("workflow", &self.workflow)
            .field("form", &self.form)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A new endpoint with its secret, which is shown this once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreatedEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its secret.
    pub secret: WebhookSecret,
}

/// Some of the endpoints of a principal.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct EndpointPage {
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The `after` of the next page; none when there is nothing more.
    pub next: Option<EndpointId>,
}
