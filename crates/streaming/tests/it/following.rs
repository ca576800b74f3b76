//! A reader: dense, once each, to the end, under any interleaving of appends, hints and reads.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, TryStreamExt};
use mcp_orchestrator_domain::{Recorded, Seq, WorkflowId};
use mcp_orchestrator_store::{Change, StoreError};
use mcp_orchestrator_streaming::{Bridge, ClientEvents, Cursor, StreamError, translate};
use proptest::prelude::*;

use crate::{
    driven::{drive, pass, settle},
    scripted_store::{ScriptedStore, Told},
    story,
};

fn ids(log: &[Recorded]) -> Vec<Cursor> {
    log.iter().flat_map(|recorded| translate(&story::id(), recorded)).map(|event| event.id).collect()
}

fn after(seq: u64) -> Cursor {
    Cursor::after(Seq::new(seq))
}

async fn next(stream: &mut ClientEvents) -> Cursor {
    stream.next().await.unwrap().unwrap().id
}

async fn rest(stream: ClientEvents) -> Vec<Cursor> {
    stream.map_ok(|event| event.id).try_collect().await.unwrap()
}

/// A bridge that is driven, and a reader of the story from a record on.
fn follow(store: &Arc<ScriptedStore>, seq: u64) -> (Bridge, ClientEvents) {
    let bridge = drive(store.clone());
    let stream = bridge.events(&story::id(), after(seq));
    (bridge, stream)
}

/// What happens around a reader.
#[derive(Clone, Debug)]
enum Step {
    Append(usize, Told),
    AppendDuringRead(usize),
    /// Hints about others: more than the router can lag.
    Noise(u8),
    Hint,
    Read(u8),
    /// The router gets time.
    Settle,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let told = prop_oneof![Just(Told::Precisely), Just(Told::Elsewhere), Just(Told::NotAtAll)];
    let step = prop_oneof![
        4 => (0_usize..40, told).prop_map(|(count, told)| Step::Append(count, told)),
        2 => (1_usize..4).prop_map(Step::AppendDuringRead),
        1 => (1_u8..12).prop_map(Step::Noise),
        1 => Just(Step::Hint),
        4 => (1_u8..6).prop_map(Step::Read),
        3 => Just(Step::Settle),
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
        from in 0_u64..300,
        late in 0_u64..300,
    ) {
        let visible = visible.min(length);
        let from = from.min(visible as u64);
        let late = late.min(visible as u64);
        let log = story::long(length);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (seen, seen_by_others) = runtime.block_on(async {
            let store = ScriptedStore::new(&story::id(), log.clone(), visible);
            let (bridge, mut stream) = follow(&store, from);
            let other = tokio::spawn(rest(bridge.events(&story::id(), after(late))));
            let mut seen = Vec::new();
            for step in steps {
                match step {
                    Step::Append(count, told) => store.append(count, told),
                    Step::AppendDuringRead(count) => store.append_during_next_read(count),
                    Step::Noise(count) => (0..count).for_each(|_| store.hint(other_appended())),
                    Step::Hint => store.hint(Change::Elsewhere),
                    Step::Read(count) => {
                        for _ in 0..count {
                            if let Some(Some(event)) = stream.next().now_or_never() {
                                seen.push(event.unwrap().id);
                            }
                        }
                    }
                    Step::Settle => settle().await,
                }
            }
            let latest = bridge.events(&story::id(), after(late));
            store.append(length, Told::NotAtAll);
            seen.extend(rest(stream).await);
            (seen, [other.await.unwrap(), rest(latest).await])
        });
        prop_assert_eq!(seen, ids(&log[usize::try_from(from).unwrap()..]));
        for seen in seen_by_others {
            prop_assert_eq!(seen, ids(&log[usize::try_from(late).unwrap()..]));
        }
    }
}

fn other_appended() -> Change {
    Change::Appended(WorkflowId::new("research_000000000002").unwrap(), Seq::new(900))
}

#[tokio::test(start_paused = true)]
async fn ends_after_the_terminal_record_wherever_it_starts() {
    let log = story::long(300);
    let store = ScriptedStore::new(&story::id(), log.clone(), 300);
    for seq in 0..=300 {
        let (_bridge, stream) = follow(&store, seq as u64);
        assert_eq!(rest(stream).await, ids(&log[seq..]));
    }
}

#[tokio::test(start_paused = true)]
async fn appends_nobody_told_of_are_found_by_one_poll_however_many() {
    let store = ScriptedStore::new(&story::id(), story::long(400), 3);
    let (_bridge, mut stream) = follow(&store, 3);
    assert!(stream.next().now_or_never().is_none());
    settle().await;
    store.append(200, Told::NotAtAll);
    let began = tokio::time::Instant::now();
    for expected in 4..=203 {
        assert_eq!(next(&mut stream).await, after(expected));
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn hints_are_heeded_long_before_the_poll() {
    let store = ScriptedStore::new(&story::id(), story::long(400), 3);
    let (_bridge, mut stream) = follow(&store, 3);
    assert!(stream.next().now_or_never().is_none());
    pass(Duration::from_millis(100)).await;
    assert!(stream.next().now_or_never().is_none());
    let began = tokio::time::Instant::now();
    // More than is read at once.
    store.append(200, Told::Precisely);
    for expected in 4..=203 {
        assert_eq!(next(&mut stream).await, after(expected));
    }
    store.append(1, Told::Elsewhere);
    assert_eq!(next(&mut stream).await, after(204));
    // More than the router can lag.
    (0..9).for_each(|_| store.hint(other_appended()));
    store.append(1, Told::NotAtAll);
    assert_eq!(next(&mut stream).await, after(205));
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stream_opened_before_anybody_drives_the_bridge_misses_nothing() {
    let store = ScriptedStore::new(&story::id(), story::long(9), 3);
    let bridge = Bridge::new(store.clone());
    let mut stream = bridge.events(&story::id(), after(3));
    assert!(stream.next().now_or_never().is_none());
    settle().await;
    assert!(stream.next().now_or_never().is_none());
    store.append(1, Told::Precisely);
    let driven = bridge.clone();
    tokio::spawn(async move { driven.run(std::future::pending()).await });
    assert_eq!(next(&mut stream).await, after(4));
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_hints_costs_one_read() {
    let store = ScriptedStore::new(&story::id(), story::long(100), 3);
    let (_bridge, mut stream) = follow(&store, 2);
    assert_eq!(next(&mut stream).await, after(3));
    assert!(stream.next().now_or_never().is_none());
    settle().await;
    let reads = store.reads();
    for _ in 0..50 {
        store.append(1, Told::Precisely);
    }
    for expected in 4..=53 {
        assert_eq!(next(&mut stream).await, after(expected));
    }
    assert!(stream.next().now_or_never().is_none());
    assert_eq!(store.reads() - reads, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_sleeps_through_everything_still_gets_everything() {
    let log = story::long(1000);
    let store = ScriptedStore::new(&story::id(), log.clone(), 3);
    let (_bridge, mut stream) = follow(&store, 2);
    assert_eq!(next(&mut stream).await, after(3));
    assert!(stream.next().now_or_never().is_none());
    for _ in 0..997 {
        store.append(1, Told::Precisely);
        settle().await;
    }
    assert_eq!(rest(stream).await, ids(&log[3..]));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_workflow_is_an_error_and_then_the_end() {
    let unknown = WorkflowId::new("research_000000000002").unwrap();
    let store = ScriptedStore::new(&story::id(), story::long(3), 3);
    let bridge = drive(store);
    for cursor in [Cursor::START, after(2)] {
        let mut stream = bridge.events(&unknown, cursor);
        assert_eq!(stream.next().await, Some(Err(StreamError::Unknown(unknown.clone()))));
        assert_eq!(stream.next().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_is_purged_while_it_is_read_is_an_error() {
    let store = ScriptedStore::new(&story::id(), story::long(9), 3);
    let (bridge, mut stream) = follow(&store, 3);
    assert!(stream.next().now_or_never().is_none());
    settle().await;
    store.lose(3);
    assert_eq!(stream.next().await, Some(Err(StreamError::Unknown(story::id()))));
    assert_eq!(stream.next().await, None);
    assert_eq!(bridge.watched(), []);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lost_records_resets_every_reader() {
    let log = story::long(9);
    let store = ScriptedStore::new(&story::id(), log.clone(), 6);
    let (bridge, mut stream) = follow(&store, 3);
    let mut other = bridge.events(&story::id(), after(5));
    for expected in 4..=6 {
        assert_eq!(next(&mut stream).await, after(expected));
    }
    assert_eq!(next(&mut other).await, after(6));
    assert!(stream.next().now_or_never().is_none());
    assert!(other.next().now_or_never().is_none());
    settle().await;
    store.lose(2);
    for stream in [&mut stream, &mut other] {
        let reset = stream.next().await.unwrap().unwrap();
        assert_eq!((reset.event_type().as_str(), reset.id), ("stream_reset", Cursor::START));
    }
    store.append(9, Told::Precisely);
    assert_eq!(rest(stream).await, ids(&log));
    assert_eq!(rest(other).await, ids(&log));
}

#[tokio::test(start_paused = true)]
async fn a_torn_log_is_an_error_not_a_gap() {
    let store = ScriptedStore::new(&story::id(), story::long(9), 9);
    store.tear(4);
    let (_bridge, stream) = follow(&store, 0);
    let items: Vec<_> = stream.collect().await;
    assert!(matches!(items.as_slice(), [Err(StreamError::Gap { found, .. })] if *found == Seq::new(6)), "{items:?}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_ends_the_stream_and_a_new_one_goes_on() {
    let log = story::long(300);
    let store = ScriptedStore::new(&story::id(), log.clone(), 300);
    let (bridge, mut stream) = follow(&store, 0);
    let broken = StoreError::Unavailable("the disk is gone".to_owned());
    let mut last = next(&mut stream).await;
    store.fail_next_read(broken.clone());
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(event) => last = event.id,
            Err(error) => break error,
        }
    };
    assert_eq!(error, StreamError::Store(broken));
    assert_eq!(stream.next().await, None);
    let seen = usize::try_from(last.seq().value()).unwrap();
    assert_eq!(rest(bridge.events(&story::id(), last)).await, ids(&log[seen..]));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_the_common_read_ends_the_streams_that_wait_and_new_ones_go_on() {
    let log = story::long(9);
    let store = ScriptedStore::new(&story::id(), log.clone(), 3);
    let (bridge, mut stream) = follow(&store, 3);
    assert!(stream.next().now_or_never().is_none());
    settle().await;
    let broken = StoreError::Unavailable("the disk is gone".to_owned());
    store.fail_next_read(broken.clone());
    store.append(9, Told::Precisely);
    assert_eq!(stream.next().await, Some(Err(StreamError::Store(broken))));
    assert_eq!(stream.next().await, None);
    assert_eq!(rest(bridge.events(&story::id(), after(3))).await, ids(&log[3..]));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_stream_leaves_nothing_behind() {
    let store = ScriptedStore::new(&story::id(), story::long(9), 3);
    let bridge = Bridge::new(store.clone());
    let mut streams = [bridge.events(&story::id(), after(3)), bridge.events(&story::id(), after(1))];
    for stream in &mut streams {
        let _ = stream.next().now_or_never();
    }
    assert_eq!((bridge.readers(), bridge.watched()), (2, vec![story::id()]));
    drop(streams);
    assert_eq!((bridge.readers(), bridge.watched()), (0, vec![]));
    drop(bridge);
    assert_eq!(Arc::strong_count(&store), 1);
}
