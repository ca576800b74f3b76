//! Durable readers of the log that tell other services what happens: signed, tried again, replayable.
//!
//! Everything is in the store: endpoints, their secrets, deliveries, and how far the logs have been read. Any process
//! that shares the store may create and list; one of them at a time delivers, in [`Webhooks::run`], and no workflow ever
//! waits for it. A delivery is stored before it is sent, under an id that is the same whoever computes it: nothing is
//! lost by a crash, and what is sent once more is sent under its old id.
//!
//! ```
//! use std::sync::Arc;
//!
//! use mcp_orchestrator_domain::Principal;
//! use mcp_orchestrator_egress::{ClientSettings, Guard, HttpClient};
//! use mcp_orchestrator_store::MemoryStore;
//! use mcp_orchestrator_webhooks::{NewEndpoint, WebhookSettings, Webhooks};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! // Callers name the addresses, so the client must be a strict one.
//! let mut client = ClientSettings::default();
//! client.guard = Guard::public();
//! let webhooks = Webhooks::new(Arc::new(MemoryStore::new()), HttpClient::new(client), WebhookSettings::default());
//!
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let delivering = tokio::spawn({
//!     let webhooks = webhooks.clone();
//!     async move { webhooks.run(async { drop(stopped.await) }).await }
//! });
//!
//! let me = Principal::local();
//! let url = "https://hooks.example.com/workflows".to_owned();
//! let events = vec!["workflow_complete".to_owned(), "workflow_error".to_owned()];
//! let created = webhooks.create(&me, NewEndpoint { url, events, ..NewEndpoint::default() }).await?;
//! assert!(created.secret.expose().starts_with("whsec_")); // shown this once
//!
//! let inside = NewEndpoint { url: "https://169.254.169.254/".to_owned(), ..NewEndpoint::default() };
//! assert!(webhooks.create(&me, inside).await.is_err());
//!
//! drop(stop);
//! delivering.await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It has no features. Start at [`Webhooks`]; bounds and times are [`WebhookSettings`]. Inside, `leader` is the loop, `reader`
//! reads the feed, `route` finds who listens, `lanes` orders what waits, and `attempt` sends.

mod clock;
mod counts;
mod delivery;
mod endpoint;
mod error;
mod secret;
mod settings;
mod webhooks;

// what owners do
mod log;
mod manage;

// what is kept
mod db;
mod keys;
mod records;
mod shared;

// delivering
mod attempt;
mod body;
mod lanes;
mod leader;
mod lease;
mod reader;
mod rfc3339;
mod route;
mod run;
mod schedule;
mod sign;

pub use clock::{Clock, SystemClock};
pub use counts::{AttemptCounts, Counts, Stats};
pub use delivery::{Delivery, DeliveryId, DeliveryPage, DeliveryStatus};
pub use endpoint::{CreatedEndpoint, Endpoint, EndpointId, EndpointPage, EndpointStatus, Form, NewEndpoint};
pub use error::WebhookError;
pub use secret::WebhookSecret;
pub use settings::WebhookSettings;
pub use webhooks::Webhooks;
