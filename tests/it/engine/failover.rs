//! A Redis server is replaced by one that lacks what was acknowledged last: what was paid for is written again, and nothing is
//! written after what others have put in its place.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _};
use mcp_orchestrator::{Error, SystemClock};
use mcp_orchestrator_domain::{Payload, Recorded, Role, Seq, Status, WorkflowId};
use mcp_orchestrator_store::{AppendError, Change, Head, RedisStore, Store, StoreError, Summary};
use mcp_orchestrator_streaming::{ClientEvent, Cursor};
use mcp_orchestrator_testkit::{
    Act, RedisServer, ScriptedProvider, StoreCall, Tap, TappedStore, obliging,
    store_suite::{append, records},
};
use tokio::sync::broadcast;

use super::harness::{Engine, research};

/// A server and its copy.
struct Pair {
    primary: RedisServer,
    replica: RedisServer,
}

impl Pair {
    fn start() -> Self {
        let primary = RedisServer::with(&["--appendfsync", "always"]);
        let port = primary.port().to_string();
        let replica = RedisServer::with(&["--appendfsync", "always", "--replicaof", "127.0.0.1", &port]);
        Self { primary, replica }
    }

    async fn store(&self) -> Arc<dyn Store> {
        Arc::new(RedisStore::open(&self.primary.url()).await.unwrap())
    }

    /// From now on the copy learns of nothing; it has everything up to here.
    fn cut(&self) {
        assert_eq!(self.primary.commands(&[&["SET", "probe", "1"], &["WAIT", "1", "20000"]])[1], "1");
        self.replica.command(&["REPLICAOF", "NO", "ONE"]);
    }

    fn fail_over(&mut self) {
        self.primary.replace_by(&mut self.replica);
    }
}

/// Whether whoever listens hears what other processes write, and that a connection was lost.
struct Hints(bool);

#[async_trait]
impl Tap for Hints {
    async fn before(&self, _call: StoreCall<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn changes(&self, own: broadcast::Receiver<Change>) -> broadcast::Receiver<Change> {
        if self.0 { own } else { broadcast::Sender::new(1).subscribe() }
    }
}

/// An engine whose plan, findings and request for a report are stored, and only the first by the copy too.
struct Halfway {
    pair: Pair,
    engine: Engine,
    id: WorkflowId,
    /// What was told of it.
    log: Vec<Recorded>,
    head: Head,
    /// What the copy has of that.
    kept: usize,
}

impl Halfway {
    async fn start(hears: bool, more: usize) -> Self {
        let pair = Pair::start();
        let store = TappedStore::new(pair.store().await, Hints(hears));
        let provider = ScriptedProvider::new(move |asked| match asked.input.role {
            Role::Researcher => Act::Say(format!("{}{}", obliging(asked, 3), " More.".repeat(more))),
            _ => Act::Hold(obliging(asked, 3)),
        });
        let engine = Engine::start_on(store, provider, |builder| builder.with_clock(SystemClock::new()));
        let id = engine.submit(research(3)).await;
        engine.until("the planner is asked", |provider| provider.running() == 1).await;
        let kept = engine.store.read(&id, Seq::ZERO, 100).await.unwrap().records.len();
        pair.cut();
        engine.provider.release();
        engine.until("the findings are there", |provider| provider.asked().len() == 5).await;
        let log = engine.store.read(&id, Seq::ZERO, 1000).await.unwrap().records;
        let head = engine.store.heads(std::slice::from_ref(&id)).await.unwrap()[0];
        assert_eq!(Seq::new(log.len() as u64), head.seq);
        assert!(log.len() > kept + 8, "{kept} of {}", log.len());
        Self { pair, engine, id, log, head, kept }
    }

    /// Asks until the store is there.
    async fn surely<T, F: Future<Output = Result<T, StoreError>>>(&self, ask: impl Fn() -> F) -> T {
        loop {
            match ask().await {
                Err(StoreError::Unavailable(_)) => tokio::task::yield_now().await,
                answer => return answer.unwrap(),
            }
        }
    }

    async fn until_head(&self, so: impl Fn(Head) -> bool) {
        let seen = async {
            while !so(self.surely(|| self.engine.store.heads(std::slice::from_ref(&self.id))).await[0]) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.expect("the log is as it was to be");
    }

    async fn log(&self) -> Vec<Recorded> {
        self.surely(|| self.engine.store.read(&self.id, Seq::ZERO, 1000)).await.records
    }

    /// How it ends, once the store can be asked again.
    async fn settled(&self) -> Result<Summary, Error> {
        let settled = async {
            loop {
                match self.engine.handle.settled(&self.id).await {
                    Err(Error::Store(StoreError::Unavailable(_))) => tokio::task::yield_now().await,
                    settled => return settled.map(|row| row.summary),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), settled).await.expect("it is told")
    }

    /// It ends well, what was told stays as it was told, and nobody was asked twice.
    async fn ends_well(&self) {
        let ended = self.settled().await.unwrap();
        assert_eq!(ended.status, Status::Completed, "{:?}", ended.failure);
        assert!(self.engine.handle.results(&self.id).await.unwrap().report().is_ok());
        let log = self.log().await;
        assert_eq!(log[..self.log.len()], self.log, "the very same records are there again");
        let mut keys: Vec<String> = self.engine.provider.asked().into_iter().map(|asked| asked.key).collect();
        assert_eq!(keys.len(), 5, "{keys:?}");
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 5, "nobody was asked twice");
    }

    /// The run ends, and leaves the log to what is there.
    async fn gives_up(&self, log: &[Recorded]) {
        let told = self.settled().await;
        assert!(
            matches!(&told, Err(Error::Internal(why)) if why.contains("lacks what it had acknowledged")),
            "{told:?}"
        );
        assert_eq!(self.log().await, log);
    }
}

#[tokio::test]
async fn what_a_failover_lost_is_written_again_as_soon_as_it_is_noticed_and_readers_begin_again() {
    let mut halfway = Halfway::start(true, 0).await;
    let mut reader = halfway.engine.handle.events(&halfway.id, Cursor::START).await.unwrap();
    let mut saw: Vec<ClientEvent> = Vec::new();
    while saw.last().is_none_or(|event| event.event_type().as_str() != "synthesis_start") {
        saw.push(reader.next().await.unwrap().unwrap());
    }
    halfway.pair.fail_over();
    // The report is still being written.
    let (seq, lost) = (halfway.head.seq, halfway.head.lineage);
    halfway.until_head(|head| head.seq == seq && head.lineage.contradicts(lost)).await;
    halfway.engine.provider.release();
    halfway.ends_well().await;

    let rest: Vec<ClientEvent> = reader.try_collect().await.unwrap();
    let last = rest.iter().rposition(|event| event.event_type().as_str() == "stream_reset");
    let last = last.expect("what it saw is another history");
    assert_eq!(rest[last + 1..], halfway.engine.events(&halfway.id).await, "it is told everything anew");
}

#[tokio::test]
async fn what_a_failover_lost_is_written_again_with_what_follows() {
    let mut halfway = Halfway::start(false, 0).await;
    halfway.pair.fail_over();
    halfway.engine.provider.release();
    halfway.ends_well().await;
}

#[tokio::test]
async fn nothing_follows_what_others_wrote_in_place_of_what_was_lost() {
    // Before the log is as long as it was, when it is just as long, and when it is longer.
    for more in [-1_i64, 0, 2] {
        let mut halfway = Halfway::start(false, 0).await;
        halfway.pair.fail_over();
        let count = (halfway.log.len() - halfway.kept) as u64;
        let numbers = 1..=count.saturating_add_signed(more);
        let theirs = append(&halfway.id, halfway.kept as u64, records(numbers));
        loop {
            match halfway.engine.store.append(theirs.clone()).await {
                Err(AppendError::Store(StoreError::Unavailable(_))) => {}
                answer => {
                    answer.unwrap();
                    break;
                }
            }
        }
        let theirs = halfway.log().await;
        halfway.engine.provider.release();
        halfway.gives_up(&theirs).await;
    }
}

#[tokio::test]
async fn a_lost_record_whose_text_is_lost_too_is_not_written_again() {
    // Findings too long for a record, so they are kept beside the log.
    let mut halfway = Halfway::start(false, Payload::INLINE_MAX / 6).await;
    halfway.pair.fail_over();
    let kept = halfway.log[..halfway.kept].to_vec();
    halfway.engine.provider.release();
    halfway.gives_up(&kept).await;
}
