//! The routes.
pub(crate) mod health;
pub(crate) mod original;
