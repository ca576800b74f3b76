//! The HTTP surface over real sockets: what is answered, refused, bounded, streamed.

mod client;
mod connections;
mod errors;
mod events;
mod health;
mod layers;
mod openapi;
mod original;
mod setting;
mod workflows;
