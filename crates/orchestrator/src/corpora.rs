//! Folders given to the builder: indexed, and searched by the two corpus tools.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use mcp_orchestrator_domain::CorpusName;
use mcp_orchestrator_tools::{Corpora, Corpus, CorpusOptions, CorpusRead, CorpusSearch, Registry};

use crate::{Error, builder::register_tool};

/// Opens each folder as a corpus with its index in memory and registers the tools that search them.
pub(crate) fn register(
    folders: Vec<(String, PathBuf)>,
    tools: &Registry,
    names: &mut Vec<CorpusName>,
) -> Result<(), Error> {
    if folders.is_empty() {
        return Ok(());
    }
    let mut by_name: BTreeMap<CorpusName, Vec<PathBuf>> = BTreeMap::new();
    for (name, folder) in folders {
        by_name.entry(CorpusName::new(&name).map_err(build)?).or_default().push(folder);
    }
    let mut corpora = Vec::with_capacity(by_name.len());
    for (name, folders) in by_name {
        names.push(name.clone());
        corpora.push(Arc::new(Corpus::open(CorpusOptions::new(name, folders)).map_err(build)?));
    }
    let corpora = Corpora::new(corpora);
    register_tool(tools, Arc::new(CorpusSearch::new(corpora.clone())))?;
    register_tool(tools, Arc::new(CorpusRead::new(corpora)))
}

fn build(error: impl std::fmt::Display) -> Error {
    Error::Build(error.to_string())
}
