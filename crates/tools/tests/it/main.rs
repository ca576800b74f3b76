//! Integration tests of the tools package.
// mod corpus_files;
// mod corpus_scale;
#[cfg(feature = "corpus")]
mod corpus_search;
// mod corpus_tools;
// mod corpus_update;
#[cfg(feature = "corpus")]
mod folder;
// mod registry;
