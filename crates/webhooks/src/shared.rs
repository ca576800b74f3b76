//! What the handle and the process that delivers have in common.

use mcp_orchestrator_domain::Timestamp;
use mcp_orchestrator_egress::HttpClient;
use mcp_orchestrator_store::StoreError;
use tokio::sync::Notify;

use crate::{
    WebhookSettings,
    counts::Tally,
    db::{Changed, Db, Stored},
    keys::{ENDPOINTS, EndpointKey, WAKES},
    records::EndpointRecord,
};

pub(crate) struct Shared {
    pub(crate) db: Db,
    pub(crate) client: HttpClient,
    pub(crate) settings: WebhookSettings,
    pub(crate) tally: Tally,
    /// Rings when something was put into the space of wakes by this process.
    pub(crate) nudge: Notify,
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        self.settings.clock.now()
    }

    /// An endpoint; none also when another one has taken its place, or when it cannot be read.
    pub(crate) async fn endpoint(&self, key: &EndpointKey) -> Result<Option<Stored<EndpointRecord>>, StoreError> {
        let found = self.db.find::<EndpointRecord>(ENDPOINTS, &key.record()).await?;
        Ok(found.filter(|found| found.value.id == key.id))
    }

    /// Changes an endpoint. `change` says whether there is anything to write.
    pub(crate) async fn change_endpoint(
        &self,
        key: &EndpointKey,
        mut change: impl FnMut(&mut EndpointRecord) -> bool + Send,
    ) -> Result<Changed<EndpointRecord>, StoreError> {
        let kept_for = self.settings.kept_for;
        let mut replaced = false;
        let changed = self
            .db
            .change(
                ENDPOINTS,
                &key.record(),
                |record: &mut EndpointRecord| {
                    replaced = record.id != key.id;
                    !replaced && change(record)
                },
                |record| record.ttl(kept_for),
            )
            .await?;
        Ok(if replaced { Changed::Missing } else { changed })
    }

    /// Makes the process that delivers look at an endpoint anew, whichever process it is.
    pub(crate) async fn wake(&self, key: &EndpointKey) -> Result<(), StoreError> {
        let name = key.wake();
        let before = self.db.store.record_get(WAKES, &name).await?.map_or(0, |record| record.version);
        // A conflict means that somebody else wakes it at this moment, which is as good.
        self.db.put(WAKES, &name, before, &true, Some(self.settings.kept_for)).await?;
        self.nudge.notify_one();
        Ok(())
    }
}
