//! Durable readers of the log that tell other services what happens: signed, retried, replayable.

mod clock;
mod counts;
mod delivery;
mod endpoint;
mod error;
mod rfc3339;
mod secret;
mod settings;
mod webhooks;

pub use clock::{Clock, SystemClock};
pub use counts::{AttemptCounts, Counts, Stats};
pub use delivery::{Delivery, DeliveryId, DeliveryPage, DeliveryStatus};
pub use endpoint::{CreatedEndpoint, Endpoint, EndpointId, EndpointPage, EndpointStatus, Form, NewEndpoint};
pub use error::WebhookError;
pub use secret::WebhookSecret;
pub use settings::WebhookSettings;
pub use webhooks::Webhooks;
