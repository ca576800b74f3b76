//! The tail: dense, once each, to the end, under any interleaving of appends, hints and reads.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt};
use mcp_orchestrator_domain::{Seq, WorkflowId};
use mcp_orchestrator_store::{Change, Store, StoreError};
use mcp_orchestrator_streaming::{Cursor, StreamError, Tail, TailItem, tail};
use proptest::prelude::*;

use crate::{
    scripted_store::{ScriptedStore, Told},
    story,
};

fn follow(store: &Arc<ScriptedStore>, after: u64) -> Tail {
    tail(store.clone(), story::id(), Cursor::after(Seq::new(after)))
}

fn seq(item: &TailItem) -> u64 {
    match item {
        TailItem::Record(recorded) => recorded.seq.value(),
        other => panic!("not a record: {other:?}"),
    }
}

async fn rest(tail: Tail) -> Vec<u64> {
    tail.map_ok(|item| seq(&item)).try_collect().await.unwrap()
}

/// What happens around a reader.
#[derive(Clone, Debug)]
enum Step {
    Append(usize, Told),
    AppendDuringRead(usize),
    /// Hints about others: more than the reader can lag.
    Noise(u8),
    Hint,
    Read(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let told = prop_oneof![Just(Told::Precisely), Just(Told::Elsewhere), Just(Told::NotAtAll)];
    let step = prop_oneof![
        4 => (0_usize..4, told).prop_map(|(count, told)| Step::Append(count, told)),
        2 => (1_usize..4).prop_map(Step::AppendDuringRead),
        1 => (1_u8..12).prop_map(Step::Noise),
        1 => Just(Step::Hint),
        4 => (1_u8..6).prop_map(Step::Read),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_interleaving_makes_a_gap_or_a_duplicate(
        steps in steps(),
        length in 3_usize..400,
        visible in 1_usize..300,
        after in 0_u64..300,
    ) {
        let visible = visible.min(length);
        let after = after.min(visible as u64);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let seen = runtime.block_on(async {
            let store = ScriptedStore::new(&story::id(), story::long(length), visible);
            let mut tail = follow(&store, after);
            let mut seen = Vec::new();
            for step in steps {
                match step {
                    Step::Append(count, told) => store.append(count, told),
                    Step::AppendDuringRead(count) => store.append_during_next_read(count),
                    Step::Noise(count) => (0..count).for_each(|_| store.hint(other_appended())),
                    Step::Hint => store.hint(Change::Elsewhere),
                    Step::Read(count) => {
                        for _ in 0..count {
                            if let Some(Some(item)) = tail.next().now_or_never() {
                                seen.push(seq(&item.unwrap()));
                            }
                        }
                    }
                }
            }
            store.append(length, Told::NotAtAll);
            seen.extend(rest(tail).await);
            seen
        });
        prop_assert_eq!(seen, (after + 1..=length as u64).collect::<Vec<_>>());
    }
}

fn other_appended() -> Change {
    Change::Appended(WorkflowId::new("research_000000000002").unwrap(), Seq::new(900))
}

#[tokio::test(start_paused = true)]
async fn ends_after_the_terminal_record_wherever_it_starts() {
    let store = ScriptedStore::new(&story::id(), story::long(300), 300);
    for after in 0..=300 {
        assert_eq!(rest(follow(&store, after)).await, (after + 1..=300).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn an_append_nobody_told_of_is_found_by_the_poll() {
    let store = ScriptedStore::new(&story::id(), story::long(3), 1);
    let mut tail = follow(&store, 1);
    assert!(tail.next().now_or_never().is_none());
    store.append(1, Told::NotAtAll);
    let item = tokio::time::timeout(Duration::from_secs(10), tail.next()).await.unwrap();
    assert_eq!(seq(&item.unwrap().unwrap()), 2);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_hints_costs_one_read() {
    let store = ScriptedStore::new(&story::id(), story::long(100), 1);
    let mut tail = follow(&store, 0);
    assert_eq!(seq(&tail.next().await.unwrap().unwrap()), 1);
    let reads = store.reads();
    for _ in 0..50 {
        store.append(1, Told::Precisely);
    }
    for expected in 2..=51 {
        assert_eq!(seq(&tail.next().await.unwrap().unwrap()), expected);
    }
    assert!(tail.next().now_or_never().is_none());
    assert_eq!(store.reads() - reads, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_sleeps_through_everything_still_gets_everything() {
    let store = ScriptedStore::new(&story::id(), story::long(1000), 1);
    let mut tail = follow(&store, 0);
    assert_eq!(seq(&tail.next().await.unwrap().unwrap()), 1);
    for _ in 0..999 {
        store.append(1, Told::Precisely);
    }
    assert_eq!(rest(tail).await, (2..=1000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn ephemerals_of_this_workflow_come_between_its_records() {
    let store = ScriptedStore::new(&story::id(), story::long(3), 1);
    let mut tail = follow(&store, 0);
    assert_eq!(seq(&tail.next().await.unwrap().unwrap()), 1);
    store.publish_ephemeral(&WorkflowId::new("research_000000000002").unwrap(), Bytes::from_static(b"other")).await;
    store.publish_ephemeral(&story::id(), Bytes::from_static(b"del")).await;
    store.append(1, Told::Precisely);
    store.publish_ephemeral(&story::id(), Bytes::from_static(b"ta")).await;
    assert_eq!(tail.next().await, Some(Ok(TailItem::Ephemeral(Bytes::from_static(b"del")))));
    assert_eq!(seq(&tail.next().await.unwrap().unwrap()), 2);
    assert_eq!(tail.next().await, Some(Ok(TailItem::Ephemeral(Bytes::from_static(b"ta")))));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_workflow_is_an_error_and_then_the_end() {
    let unknown = WorkflowId::new("research_000000000002").unwrap();
    let store = ScriptedStore::new(&story::id(), story::long(3), 3);
    for cursor in [Cursor::START, Cursor::after(Seq::new(2))] {
        let mut tail = tail(store.clone(), unknown.clone(), cursor);
        assert_eq!(tail.next().await, Some(Err(StreamError::Unknown(unknown.clone()))));
        assert_eq!(tail.next().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lost_records_resets_the_reader() {
    let store = ScriptedStore::new(&story::id(), story::long(9), 6);
    let mut tail = follow(&store, 3);
    for expected in 4..=6 {
        assert_eq!(seq(&tail.next().await.unwrap().unwrap()), expected);
    }
    assert!(tail.next().now_or_never().is_none());
    store.lose(2);
    assert_eq!(tail.next().await, Some(Ok(TailItem::Reset)));
    store.append(9, Told::Precisely);
    assert_eq!(rest(tail).await, (1..=9).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_torn_log_is_an_error_not_a_gap() {
    let store = ScriptedStore::new(&story::id(), story::long(9), 9);
    store.tear(4);
    let items: Vec<_> = follow(&store, 0).collect().await;
    let gap = StreamError::Gap { expected_after: Seq::ZERO, found: Seq::new(6) };
    assert!(
        matches!(items.as_slice(), [Err(StreamError::Gap { found, .. })] if *found == Seq::new(6)),
        "{gap}: {items:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_ends_the_stream_and_a_new_one_goes_on() {
    let store = ScriptedStore::new(&story::id(), story::long(300), 300);
    let mut tail = follow(&store, 0);
    for expected in 1..=100 {
        assert_eq!(seq(&tail.next().await.unwrap().unwrap()), expected);
    }
    let broken = StoreError::Unavailable("the disk is gone".to_owned());
    store.fail_next_read(broken.clone());
    let mut last = 100;
    let error = loop {
        match tail.next().await.unwrap() {
            Ok(item) => last = seq(&item),
            Err(error) => break error,
        }
    };
    assert_eq!(error, StreamError::Store(broken));
    assert_eq!(tail.next().await, None);
    assert_eq!(rest(follow(&store, last)).await, (last + 1..=300).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn dropping_a_stream_leaves_nothing_behind() {
    let store = ScriptedStore::new(&story::id(), story::long(3), 1);
    let mut tail = follow(&store, 0);
    let _ = tail.next().await;
    assert_eq!(store.readers(), 1);
    drop(tail);
    assert_eq!(store.readers(), 0);
    assert_eq!(Arc::strong_count(&store), 1);
}
