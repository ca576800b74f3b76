//! Which folders a workflow searches. Owns remembering them, so that a workflow can be resumed from any folder.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use mcp_orchestrator_app::CorpusFolders;
use mcp_orchestrator_domain::{CorpusName, WorkflowId};
use mcp_orchestrator_store::{RecordPut, Store, StoreError};

/// Where the store keeps them, by workflow.
const SPACE: &str = "cli.corpora";
/// Where it keeps them while the workflow has no id yet, by title: what a process leaves that dies at this very moment.
const ANNOUNCED: &str = "cli.corpora.announced";
/// How long an announcement lasts.
const ANNOUNCED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Keeps the folders of a workflow that is about to be submitted.
pub(crate) async fn announce(store: &dyn Store, title: &str, folders: &CorpusFolders) -> Result<(), StoreError> {
    let before = store.record_get(ANNOUNCED, title).await?;
    let value = encode(folders);
    if before.as_ref().is_some_and(|record| record.value == value) {
        return Ok(());
    }
    let put = RecordPut {
        space: ANNOUNCED.to_owned(),
        key: title.to_owned(),
        expected: before.map_or(0, |record| record.version),
        value: Some(value),
        ttl: Some(ANNOUNCED_FOR),
    };
    written(store.record_put(put).await)
}

/// Keeps the folders of a workflow. What is there already stays: the same work under the same idempotency key is the
/// same workflow.
pub(crate) async fn remember(store: &dyn Store, id: &WorkflowId, folders: &CorpusFolders) -> Result<(), StoreError> {
    let put = RecordPut {
        space: SPACE.to_owned(),
        key: id.to_string(),
        expected: 0,
        value: Some(encode(folders)),
        ttl: None,
    };
    written(store.record_put(put).await)
}

/// The folders of these corpora: as remembered, else as announced, else as configured now. Names nobody knows are
/// missing in the answer.
pub(crate) async fn recall(
    store: &dyn Store,
    id: &WorkflowId,
    title: &str,
    names: &[CorpusName],
    configured: &CorpusFolders,
) -> Result<CorpusFolders, StoreError> {
    let record = match store.record_get(SPACE, id.as_str()).await? {
        Some(record) => Some(record),
        None => store.record_get(ANNOUNCED, title).await?,
    };
    let remembered: CorpusFolders =
        record.and_then(|record| serde_json::from_slice(&record.value).ok()).unwrap_or_default();
    let find =
        |name: &CorpusName| -> Option<Vec<PathBuf>> { remembered.get(name).or_else(|| configured.get(name)).cloned() };
    Ok(names.iter().filter_map(|name| Some((name.clone(), find(name)?))).collect())
}

fn encode(folders: &CorpusFolders) -> Bytes {
    Bytes::from(serde_json::to_vec(folders).unwrap_or_default())
}

/// Another process that wrote the same record at the same time has said it all.
fn written(put: Result<u64, StoreError>) -> Result<(), StoreError> {
    match put {
        Ok(_) | Err(StoreError::VersionConflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
