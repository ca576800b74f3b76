//! Workflows that nobody runs, for readers to wait for. Their ids are known without asking.

use std::sync::Arc;

use mcp_orchestrator::{
    Store, WorkflowId,
    domain::{ProviderName, Seq},
    store::{Needs, NewWorkflow},
};

use crate::{site::Site, submit::draft};

/// The id of one of them.
pub(crate) fn id(number: usize) -> anyhow::Result<WorkflowId> {
    Ok(format!("research_{number:026}").parse()?)
}

/// Stores some: copies of one that was submitted, which ask for a provider there is not.
pub(crate) async fn create(site: &Site, store: &dyn Store, count: usize) -> anyhow::Result<()> {
    if count == 0 {
        return Ok(());
    }
    let first = site.handle.submit(draft()).await?;
    let row = site.handle.status(&first).await?;
    site.handle.cancel(&first, "it was only a pattern").await?;
    let records = store.read(&first, Seq::ZERO, 1).await?.records;
    let records: Vec<_> = records.iter().map(|recorded| Arc::clone(&recorded.record)).collect();
    for number in 0..count {
        let new = NewWorkflow {
            id: id(number)?,
            principal: row.principal.clone(),
            pattern: row.pattern.clone(),
            needs: Needs { provider: Some(ProviderName::new("nobody")?), ..Needs::default() },
            priority: row.priority,
            idempotency: None,
            records: records.clone(),
            summary: row.summary.clone(),
            reserved_for: None,
            queue_max: None,
        };
        store.create(new).await?;
    }
    Ok(())
}
