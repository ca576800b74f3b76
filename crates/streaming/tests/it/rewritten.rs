//! A log whose end was lost and written anew, as after a failover: whoever saw something of the lost end is told.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, TryStreamExt};
use mcp_orchestrator_domain::{Record, Recorded, Seq};
use mcp_orchestrator_streaming::{Bridge, ClientEvent, ClientEvents, Cursor, translate};
use proptest::prelude::*;

use crate::{
    driven::{drive, pass, settle},
    scripted_store::{ScriptedStore, Told},
    story,
};

/// Long enough for the bridge to have looked at all heads.
const A_WHILE: Duration = Duration::from_secs(5);

/// A log, and another that is the same up to `kept` records: what happened after that happened later.
fn two_histories(length: usize, kept: usize) -> (Vec<Recorded>, Vec<Recorded>) {
    let log = story::long(length);
    let later = log[kept..].iter().map(|recorded| {
        let mut record = Record::clone(&recorded.record);
        record.at = record.at.after(Duration::from_secs(60));
        Recorded { seq: recorded.seq, record: Arc::new(record) }
    });
    let later = later.collect();
    (log, later)
}

/// What a reader of a whole log is told, but for the lineages in the ids.
fn told(log: &[Recorded]) -> Vec<ClientEvent> {
    log.iter().flat_map(|recorded| translate(&story::id(), recorded)).collect()
}

fn plain(event: ClientEvent) -> ClientEvent {
    let mut event = event;
    event.id = format!("0-{}-{}", event.id.seq(), event.id.seen_of_next()).parse().unwrap();
    event
}

/// By the clock of the test, which goes on when nobody has anything to do: what does not come by then never comes.
async fn in_time<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(10 * A_WHILE, coming).await.expect("it comes")
}

async fn next(stream: &mut ClientEvents) -> ClientEvent {
    in_time(stream.next()).await.unwrap().unwrap()
}

async fn rest(stream: ClientEvents) -> Vec<ClientEvent> {
    in_time(stream.map_ok(plain).try_collect()).await.unwrap()
}

fn is_reset(event: &ClientEvent) -> bool {
    event.event_type().as_str() == "stream_reset"
}

/// Reads `count` events from the beginning, with a reader of its own that is dropped then.
async fn read(bridge: &Bridge, count: usize) -> ClientEvent {
    bridge.events(&story::id(), Cursor::START).take(count).map(Result::unwrap).collect::<Vec<_>>().await.pop().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_to_a_lost_place_is_reset_and_told_everything() {
    let (log, other) = two_histories(9, 4);
    let store = ScriptedStore::losing(&story::id(), log.clone(), 6);
    let bridge = drive(store.clone());
    let (kept, lost) = (read(&bridge, told(&log[..4]).len()).await.id, read(&bridge, told(&log[..6]).len()).await.id);
    assert_eq!((kept.seq(), lost.seq()), (Seq::new(4), Seq::new(6)));
    let now: Vec<_> = log[..4].iter().chain(&other).cloned().collect();
    store.rewrite(4, other, 9);
    // The text is what a client hands back.
    let came_back = |cursor: Cursor| rest(bridge.events(&story::id(), cursor.to_string().parse().unwrap()));
    let seen = came_back(lost).await;
    assert!(is_reset(&seen[0]), "{:?}", seen[0]);
    assert_eq!(seen[1..], told(&now));
    assert_eq!(came_back(kept).await, told(&now[4..]), "what it saw is still there");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_saw_a_part_of_a_lost_record_is_reset() {
    let (log, other) = two_histories(9, 8);
    let ends = told(&log).len();
    let store = ScriptedStore::losing(&story::id(), log.clone(), 9);
    let bridge = drive(store.clone());
    let partly = read(&bridge, ends - 1).await.id;
    assert_eq!((partly.seq(), partly.seen_of_next()), (Seq::new(8), 1), "the last record gives two events");
    let untouched = rest(bridge.events(&story::id(), partly)).await;
    assert_eq!(untouched, told(&log)[ends - 1..]);
    store.rewrite(8, other.clone(), 9);
    let seen = rest(bridge.events(&story::id(), partly)).await;
    assert!(is_reset(&seen[0]), "{:?}", seen[0]);
    assert_eq!(seen[1..], told(&log[..8].iter().chain(&other).cloned().collect::<Vec<_>>()));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_given_without_a_lineage_is_taken_as_it_is() {
    let (log, other) = two_histories(9, 4);
    let store = ScriptedStore::losing(&story::id(), log.clone(), 9);
    let bridge = drive(store.clone());
    let seen = rest(bridge.events(&story::id(), "0-6-0".parse().unwrap())).await;
    assert_eq!(seen, told(&log[6..]));
    store.rewrite(4, other, 9);
    let seen = rest(bridge.events(&story::id(), "0-6-0".parse().unwrap())).await;
    assert!(!seen.iter().any(is_reset));
}

#[tokio::test(start_paused = true)]
async fn a_place_with_a_lineage_is_not_one_of_a_store_that_gives_none() {
    let log = story::long(9);
    let bridge = drive(ScriptedStore::new(&story::id(), log.clone(), 9));
    for _ in 0..2 {
        let seen = rest(bridge.events(&story::id(), "77-6-0".parse().unwrap())).await;
        assert!(is_reset(&seen[0]), "{:?}", seen[0]);
        assert_eq!(seen[1..], told(&log));
    }
}

#[tokio::test(start_paused = true)]
async fn readers_that_wait_are_reset_whatever_length_the_log_has_now() {
    for (length, visible) in [(9, 6), (9, 7), (9, 9), (6, 6)] {
        let store = ScriptedStore::losing(&story::id(), story::long(9), 6);
        let bridge = drive(store.clone());
        let mut streams = [0, 5, 6].map(|seq| bridge.events(&story::id(), Cursor::after(Seq::new(seq))));
        // Twice, as the store takes a moment to answer.
        for place in [0, 1, 2, 0, 1, 2] {
            while let Some(event) = streams[place].next().now_or_never() {
                assert!(!is_reset(&event.unwrap().unwrap()));
            }
            settle().await;
        }
        // Of the same length it may go on, or have ended there.
        let (same, later) = two_histories(length, 4);
        let now: Vec<_> = same[..4].iter().chain(&later).take(visible).cloned().collect();
        store.rewrite(4, later, visible);
        pass(A_WHILE).await;
        for stream in &mut streams {
            let reset = next(stream).await;
            assert!(is_reset(&reset), "{length} {visible}: {reset:?}");
            for expected in told(&now) {
                assert_eq!(plain(next(stream).await), expected);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_in_the_middle_of_what_it_replays_is_reset_at_its_next_page() {
    let (log, other) = two_histories(400, 50);
    let store = ScriptedStore::losing(&story::id(), log.clone(), 400);
    let bridge = drive(store.clone());
    let mut stream = bridge.events(&story::id(), Cursor::START);
    for _ in 0..60 {
        next(&mut stream).await;
    }
    let now: Vec<_> = log[..50].iter().chain(&other).cloned().collect();
    store.rewrite(50, other, 400);
    let seen = rest(stream).await;
    let reset = seen.iter().position(is_reset).expect("a reset");
    assert_eq!(seen[reset + 1..], told(&now));
}

#[tokio::test(start_paused = true)]
async fn readers_that_wait_still_cost_one_read_for_all_of_them() {
    let (log, _) = two_histories(100, 50);
    let store = ScriptedStore::losing(&story::id(), log, 3);
    let bridge = drive(store.clone());
    let mut streams: Vec<_> = (0..20).map(|_| bridge.events(&story::id(), Cursor::after(Seq::new(2)))).collect();
    for stream in &mut streams {
        assert_eq!(next(stream).await.id.seq(), Seq::new(3));
        assert!(stream.next().now_or_never().is_none());
    }
    pass(A_WHILE).await;
    for _ in 0..3 {
        let reads = store.reads();
        store.append(10, Told::Precisely);
        for stream in &mut streams {
            for _ in 0..10 {
                next(stream).await;
            }
            assert!(stream.next().now_or_never().is_none());
        }
        pass(A_WHILE).await;
        assert_eq!(store.reads() - reads, 1);
    }
}

/// What happens around readers.
#[derive(Clone, Debug)]
enum Step {
    Append(usize, bool),
    Read(usize, u8),
    Settle,
    /// All heads are looked at.
    Wait,
    /// A reader goes and comes again where it was.
    ComeBack(usize),
    Rewrite(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_usize..30, any::<bool>()).prop_map(|(count, told)| Step::Append(count, told)),
        4 => (0_usize..3, 1_u8..9).prop_map(|(reader, count)| Step::Read(reader, count)),
        2 => Just(Step::Settle),
        1 => Just(Step::Wait),
        2 => (0_usize..3).prop_map(Step::ComeBack),
        1 => (0_usize..30).prop_map(Step::Rewrite),
    ];
    prop::collection::vec(step, 0..50)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Once: whatever a reader has seen since its last reset is in the end the log from its beginning.
    #[test]
    fn no_reader_keeps_what_was_lost(steps in steps(), length in 3_usize..200, kept in 1_usize..100) {
        let kept = kept.min(length - 1);
        let (log, other) = two_histories(length, kept);
        let now: Vec<_> = log[..kept].iter().chain(&other).cloned().collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (was_rewritten, seen) = runtime.block_on(async {
            let store = ScriptedStore::losing(&story::id(), log.clone(), 1);
            let bridge = drive(store.clone());
            let open = |cursor| bridge.events(&story::id(), cursor);
            let mut readers: Vec<_> = (0..3).map(|_| (open(Cursor::START), Vec::<ClientEvent>::new())).collect();
            let mut was_rewritten = false;
            for step in steps {
                match step {
                    Step::Append(count, told) => {
                        // The end is not written before the rewriting: who has seen it has gone.
                        let most = if was_rewritten { length } else { length - 1 };
                        let room = most.saturating_sub(store.visible());
                        store.append(count.min(room), if told { Told::Precisely } else { Told::NotAtAll });
                    }
                    Step::Read(reader, count) => {
                        let (stream, seen) = &mut readers[reader];
                        for _ in 0..count {
                            if let Some(Some(event)) = stream.next().now_or_never() {
                                seen.push(event.unwrap());
                            }
                        }
                    }
                    Step::Settle => settle().await,
                    Step::Wait => pass(A_WHILE).await,
                    Step::ComeBack(reader) => {
                        let (stream, seen) = &mut readers[reader];
                        *stream = open(seen.last().map_or(Cursor::START, |event| event.id));
                    }
                    Step::Rewrite(more) => {
                        if !was_rewritten && store.visible() > kept {
                            store.rewrite(kept, other.clone(), (kept + more).min(length));
                            was_rewritten = true;
                        }
                    }
                }
            }
            store.append(length, Told::NotAtAll);
            let mut all = Vec::new();
            for (stream, mut seen) in readers {
                let left: Vec<_> = in_time(stream.try_collect()).await.unwrap();
                seen.extend(left);
                all.push(seen);
            }
            (was_rewritten, all)
        });
        let expected = told(if was_rewritten { &now } else { &log });
        for seen in seen {
            let resets = seen.iter().filter(|event| is_reset(event)).count();
            prop_assert!(was_rewritten || resets == 0);
            let since = seen.iter().rposition(is_reset).map_or(0, |reset| reset + 1);
            let seen: Vec<_> = seen.into_iter().skip(since).map(plain).collect();
            prop_assert_eq!(seen, expected.clone());
        }
    }
}
