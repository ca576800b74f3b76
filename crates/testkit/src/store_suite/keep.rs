//! Properties of what is kept beside logs: blobs and small records.

use std::time::Duration;

use bytes::Bytes;
use mcp_orchestrator_domain::{Digest, Principal};
use mcp_orchestrator_store::{BLOB_BYTES_MAX, RecordPut, Retention, SmallRecord, StoreError};

use super::{
    Subject,
    sample::{append, created, record_naming, workflow},
};

/// The address is SHA-256 of the bytes.
pub async fn blobs_are_kept_once_under_their_hash(subject: Subject) {
    let store = &*subject.store;
    let tenant = Principal::local();
    let blob = store.put_blob(&tenant, Bytes::from_static(b"abc")).await.unwrap();
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!((blob.sha256.to_string().as_str(), blob.bytes), (known, 3));
    assert_eq!(store.put_blob(&tenant, Bytes::from_static(b"abc")).await.unwrap(), blob);
    assert_eq!(store.get_blob(&tenant, &blob.sha256).await.unwrap(), Some(Bytes::from_static(b"abc")));

    let empty = store.put_blob(&tenant, Bytes::new()).await.unwrap();
    assert_eq!(store.get_blob(&tenant, &empty.sha256).await.unwrap(), Some(Bytes::new()));
    let large: Bytes = (0..600_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>().into();
    let kept = store.put_blob(&tenant, large.clone()).await.unwrap();
    assert_eq!(store.get_blob(&tenant, &kept.sha256).await.unwrap(), Some(large));

    let too_large = Bytes::from(vec![0; BLOB_BYTES_MAX + 1]);
    let refused = store.put_blob(&tenant, too_large).await;
    assert_eq!(refused, Err(StoreError::TooLarge { bytes: BLOB_BYTES_MAX + 1, bytes_max: BLOB_BYTES_MAX }));
}

/// Knowing a hash opens nothing of another's.
pub async fn blobs_belong_to_a_tenant(subject: Subject) {
    let store = &*subject.store;
    let blob = store.put_blob(&Principal::named("one"), Bytes::from_static(b"secret")).await.unwrap();
    assert_eq!(store.get_blob(&Principal::named("two"), &blob.sha256).await.unwrap(), None);
    assert_eq!(store.get_blob(&Principal::named("one"), &Digest::new([0; 32])).await.unwrap(), None);
}

/// That a record named it does not mean that it is here.
pub async fn blobs_that_were_named_before_they_were_put_are_kept(subject: Subject) {
    let store = &*subject.store;
    let bytes = Bytes::from_static(b"abc");
    // The same bytes of somebody else say the hash.
    let blob = store.put_blob(&Principal::named("other"), bytes.clone()).await.unwrap();
    let id = created(store, workflow()).await;
    store.append(append(&id, 1, vec![record_naming(blob)])).await.unwrap();
    let tenant = workflow().principal;
    assert_eq!(store.get_blob(&tenant, &blob.sha256).await.unwrap(), None);
    assert_eq!(store.put_blob(&tenant, bytes.clone()).await.unwrap(), blob);
    assert_eq!(store.get_blob(&tenant, &blob.sha256).await.unwrap(), Some(bytes));
}

fn put(key: &str, expected: u64, value: Option<&'static str>) -> RecordPut {
    let value = value.map(|text| Bytes::from_static(text.as_bytes()));
    RecordPut { space: "space".to_owned(), key: key.to_owned(), expected, value, ttl: None }
}

/// Of two writers of one version one wins.
pub async fn small_records_are_versioned(subject: Subject) {
    let store = &*subject.store;
    assert_eq!(store.record_get("space", "k").await, Ok(None));
    assert_eq!(store.record_put(put("k", 1, Some("a"))).await, Err(StoreError::VersionConflict { found: 0 }));
    assert_eq!(store.record_put(put("k", 0, Some("a"))).await, Ok(1));
    assert_eq!(store.record_put(put("k", 0, Some("b"))).await, Err(StoreError::VersionConflict { found: 1 }));
    assert_eq!(store.record_put(put("k", 1, Some("b"))).await, Ok(2));
    let found = SmallRecord { version: 2, value: Bytes::from_static(b"b") };
    assert_eq!(store.record_get("space", "k").await, Ok(Some(found)));
    assert_eq!(store.record_get("elsewhere", "k").await, Ok(None));
    assert_eq!(store.record_put(put("k", 1, None)).await, Err(StoreError::VersionConflict { found: 2 }));
    assert_eq!(store.record_put(put("k", 2, None)).await, Ok(0));
    assert_eq!(store.record_get("space", "k").await, Ok(None));
    assert_eq!(store.record_put(put("k", 0, None)).await, Ok(0));
}

/// They are small.
pub async fn a_small_record_too_large_is_refused(subject: Subject) {
    let store = &*subject.store;
    let most = SmallRecord::BYTES_MAX;
    let with = |bytes: usize| RecordPut { value: Some(vec![b'x'; bytes].into()), ..put("k", 0, None) };
    let refused = store.record_put(with(most + 1)).await;
    assert_eq!(refused, Err(StoreError::TooLarge { bytes: most + 1, bytes_max: most }));
    assert_eq!(store.record_put(with(most)).await, Ok(1));
}

/// One that has expired is one that is not there.
pub async fn small_records_expire(subject: Subject) {
    let store = &*subject.store;
    let ttl = Some(Duration::from_secs(10));
    store.record_put(RecordPut { ttl, ..put("k", 0, Some("a")) }).await.unwrap();
    store.record_put(put("stays", 0, Some("a"))).await.unwrap();
    subject.dial.turn(Duration::from_secs(9));
    assert!(store.record_get("space", "k").await.unwrap().is_some());
    subject.dial.turn(Duration::from_secs(1));
    assert_eq!(store.record_get("space", "k").await, Ok(None));
    assert_eq!(store.record_scan("space", None, 10).await.unwrap().len(), 1);
    let purged = store.purge(&Retention::until(subject.dial.now()), 10).await.unwrap();
    assert_eq!(purged.records, 1);
    assert_eq!(store.record_put(put("k", 0, Some("b"))).await, Ok(1));
}

/// Page by page, one space only.
pub async fn small_records_are_scanned_in_key_order(subject: Subject) {
    let store = &*subject.store;
    for key in ["b", "d", "a", "c"] {
        store.record_put(put(key, 0, Some("x"))).await.unwrap();
    }
    store.record_put(RecordPut { space: "spaces".to_owned(), ..put("z", 0, Some("x")) }).await.unwrap();
    let scan = async |after: Option<&str>, max: usize| -> Vec<String> {
        store.record_scan("space", after, max).await.unwrap().into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(scan(None, 10).await, ["a", "b", "c", "d"]);
    assert_eq!(scan(None, 2).await, ["a", "b"]);
    assert_eq!(scan(Some("b"), 2).await, ["c", "d"]);
    assert_eq!(scan(Some("d"), 2).await, Vec::<String>::new());
}
