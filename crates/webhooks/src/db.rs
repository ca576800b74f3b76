//! Small records as values. Owns JSON, prefixes and repeated changes over the store; knows no key and no shape.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mcp_orchestrator_store::{PAGE_MAX, RecordPut, SmallRecord, Store, StoreError};
use serde::{Serialize, de::DeserializeOwned};

/// How often a change is tried against others that change the same record.
const CHANGES_MAX: usize = 16;
/// Unreadable records that are named in the log of this process, each once.
const NAMED_MAX: usize = 1024;

#[derive(Clone)]
pub(crate) struct Db {
    pub(crate) store: Arc<dyn Store>,
    /// The unreadable records that were named.
    named: Arc<Mutex<BTreeSet<(String, String)>>>,
}

/// A stored value.
pub(crate) struct Stored<T> {
    pub(crate) key: String,
    pub(crate) version: u64,
    pub(crate) value: T,
}

/// What became of a change.
pub(crate) enum Changed<T> {
    Done(T),
    Missing,
    /// Others were quicker, again and again.
    Busy,
}

impl Db {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, named: Arc::default() }
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        space: &str,
        key: &str,
    ) -> Result<Option<Stored<T>>, StoreError> {
        let Some(found) = self.store.record_get(space, key).await? else { return Ok(None) };
        let value = parse(space, &found.value)?;
        Ok(Some(Stored { key: key.to_owned(), version: found.version, value }))
    }

    /// As [`Db::get`]; one that cannot be read is passed over, so that it is in nobody's way.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        space: &str,
        key: &str,
    ) -> Result<Option<Stored<T>>, StoreError> {
        let found = self.store.record_get(space, key).await?;
        Ok(found.and_then(|found| self.readable(space, key.to_owned(), &found)))
    }

    /// Writes if the version is still `expected` (0: there is none); `None` is the conflict.
    pub(crate) async fn put<T: Serialize + Sync>(
        &self,
        space: &str,
        key: &str,
        expected: u64,
        value: &T,
        ttl: Option<Duration>,
    ) -> Result<Option<u64>, StoreError> {
        let value = serde_json::to_vec(value).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        self.write(space, key, expected, Some(value), ttl).await
    }

    /// Deletes if the version is still `expected`; whether it was.
    pub(crate) async fn delete(&self, space: &str, key: &str, expected: u64) -> Result<bool, StoreError> {
        Ok(self.write(space, key, expected, None, None).await?.is_some())
    }

    /// Reads, changes and writes until nobody else came between. `change` says whether there is anything to write.
    pub(crate) async fn change<T: Serialize + DeserializeOwned + Sync + Send>(
        &self,
        space: &str,
        key: &str,
        mut change: impl FnMut(&mut T) -> bool + Send,
        ttl: impl Fn(&T) -> Option<Duration> + Send,
    ) -> Result<Changed<T>, StoreError> {
        for _ in 0..CHANGES_MAX {
            let Some(mut stored) = self.get::<T>(space, key).await? else { return Ok(Changed::Missing) };
            if !change(&mut stored.value) {
                return Ok(Changed::Done(stored.value));
            }
            let ttl = ttl(&stored.value);
            if self.put(space, key, stored.version, &stored.value, ttl).await?.is_some() {
                return Ok(Changed::Done(stored.value));
            }
        }
        Ok(Changed::Busy)
    }

    /// At most `max` values whose keys begin with `prefix`, in key order, after a key. Those that cannot be
    /// read are passed over.
    pub(crate) async fn scan<T: DeserializeOwned>(
        &self,
        space: &str,
        prefix: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<Stored<T>>, StoreError> {
        let mut found = Vec::new();
        let mut after = after.unwrap_or(prefix).to_owned();
        while found.len() < max {
            let wanted = (max - found.len()).min(PAGE_MAX);
            let page = self.store.record_scan(space, Some(&after), wanted).await?;
            let full = page.len() == wanted;
            for (key, record) in page {
                if !key.starts_with(prefix) {
                    return Ok(found);
                }
                after.clone_from(&key);
                found.extend(self.readable(space, key, &record));
            }
            if !full {
                break;
            }
        }
        Ok(found)
    }

    /// The value of a record, unless another version of this program wrote it, or nobody knows what. That is logged once.
    fn readable<T: DeserializeOwned>(&self, space: &str, key: String, record: &SmallRecord) -> Option<Stored<T>> {
        if let Ok(value) = parse(space, &record.value) {
            return Some(Stored { version: record.version, value, key });
        }
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if named.len() < NAMED_MAX && named.insert((space.to_owned(), key.clone())) {
            tracing::warn!(space, key, "a record of webhooks cannot be read and is passed over");
        }
        None
    }

    async fn write(
        &self,
        space: &str,
        key: &str,
        expected: u64,
        value: Option<Vec<u8>>,
        ttl: Option<Duration>,
    ) -> Result<Option<u64>, StoreError> {
        let value = value.map(Into::into);
        let put = RecordPut { space: space.to_owned(), key: key.to_owned(), expected, value, ttl };
        match self.store.record_put(put).await {
            Ok(version) => Ok(Some(version)),
            Err(StoreError::VersionConflict { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn parse<T: DeserializeOwned>(space: &str, bytes: &[u8]) -> Result<T, StoreError> {
    // The message of the parser could repeat what it read, and that may be a secret.
    serde_json::from_slice(bytes).map_err(|_| StoreError::Unreadable(format!("a record of {space}")))
}
