//! The HTTP surface over real sockets: what is answered, refused, bounded, streamed.
#![expect(clippy::unwrap_used, reason = "a step that fails is the failure of its test")]

mod client;
mod connections;
mod embedded;
mod errors;
mod events;
mod forking;
mod health;
mod layers;
mod openapi;
mod original;
mod queue;
mod setting;
mod sick_store;
mod webhooks;
mod workflows;
