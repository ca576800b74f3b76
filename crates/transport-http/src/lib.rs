//! HTTP: REST under `/v1`, server-sent events, OpenAPI, metrics, health, and the routes of the original server.

mod drain;
mod layers;
mod metrics;
mod problem;
mod routes;
mod server;
mod settings;

pub use drain::Drain;
pub use layers::{Authenticate, Authentication, Identity, Local, Peer, Refused};
pub use metrics::{Metrics, Reading};
pub use server::HttpServer;
pub use settings::{ConnectionLimits, Rate, Settings};
