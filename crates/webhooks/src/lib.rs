//! Durable readers of the log that tell other services what happens: signed, retried, replayable.

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
