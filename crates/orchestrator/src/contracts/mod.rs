//! The words of the contracts that can be implemented outside, each under one path. Owns the lists only: what is not in
//! one of them, or at the root, is no promise of this crate.

pub mod domain;
pub mod event;
pub mod layers;
pub mod provider;
pub mod report;
pub mod store;
pub mod strategy;
pub mod tool;
