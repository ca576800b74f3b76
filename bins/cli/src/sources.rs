//! Which folders a workflow searches. Owns remembering them, so that a workflow can be resumed from any folder.

use std::path::PathBuf;

use bytes::Bytes;
use mcp_orchestrator_app::CorpusFolders;
use mcp_orchestrator_domain::{CorpusName, WorkflowId};
use mcp_orchestrator_store::{RecordPut, Store, StoreError};

/// Where the store keeps them: one small record for each workflow.
const SPACE: &str = "cli.corpora";

/// Remembers the folders behind a workflow's corpora. What is there already stays: the same work under the same
/// idempotency key is the same workflow.
pub(crate) async fn remember(store: &dyn Store, id: &WorkflowId, folders: &CorpusFolders) -> Result<(), StoreError> {
    let value = serde_json::to_vec(folders).unwrap_or_default();
    let put = RecordPut {
        space: SPACE.to_owned(),
        key: id.to_string(),
        expected: 0,
        value: Some(Bytes::from(value)),
        ttl: None,
    };
    match store.record_put(put).await {
        Ok(_) | Err(StoreError::VersionConflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The folders of these corpora: as remembered, else as configured now. Names nobody knows are missing in the answer.
pub(crate) async fn recall(
    store: &dyn Store,
    id: &WorkflowId,
    names: &[CorpusName],
    configured: &CorpusFolders,
) -> Result<CorpusFolders, StoreError> {
    let record = store.record_get(SPACE, id.as_str()).await?;
    let remembered: CorpusFolders =
        record.and_then(|record| serde_json::from_slice(&record.value).ok()).unwrap_or_default();
    let find =
        |name: &CorpusName| -> Option<Vec<PathBuf>> { remembered.get(name).or_else(|| configured.get(name)).cloned() };
    Ok(names.iter().filter_map(|name| Some((name.clone(), find(name)?))).collect())
}
