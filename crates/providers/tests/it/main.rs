//! The providers from outside.
#[cfg(feature = "extractive")]
mod extractive;
