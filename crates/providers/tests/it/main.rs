//! The providers from outside.
#[cfg(feature = "http")]
mod chat;
#[cfg(feature = "http")]
mod clients;
#[cfg(feature = "extractive")]
mod extractive;
#[cfg(feature = "http")]
mod fold;
#[cfg(feature = "http")]
mod keys;
#[cfg(feature = "layers")]
mod layers;
#[cfg(feature = "http")]
mod suite;
#[cfg(feature = "http")]
mod wires;
