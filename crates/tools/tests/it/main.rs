//! Integration tests of the tools package.
#![expect(clippy::unwrap_used, reason = "a step that fails is the failure of its test")]

#[cfg(feature = "corpus")]
mod corpus_files;
#[cfg(feature = "corpus")]
mod corpus_scale;
#[cfg(feature = "corpus")]
mod corpus_search;
#[cfg(feature = "corpus")]
mod corpus_tools;
#[cfg(feature = "corpus")]
mod corpus_update;
#[cfg(feature = "corpus")]
mod folder;
mod registry;
#[cfg(feature = "search")]
mod search;
