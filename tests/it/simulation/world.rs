//! A simulation from its first to its last moment: engines, clients, and what befalls them. Owns the plan of a seed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{TryStreamExt as _, future::join_all};
use mcp_orchestrator::{Cursor, ListFilter};
use mcp_orchestrator_domain::{Event, Seq, WorkflowId};
use mcp_orchestrator_store::{MemoryStore, Store};
use mcp_orchestrator_streaming::Bridge;
use mcp_orchestrator_testkit::{
    Luck,
    history::{Answered, History, ModelAsked, Submitted, Told},
};
use tokio::time::{Instant, sleep};

use super::{
    client::{Client, Notes},
    engine::{Engine, Living, SimClock},
    work,
};

/// How long things go wrong; then all engines live and what is under way may end.
const TROUBLE: Duration = Duration::from_secs(90);
/// How long everything may take in all.
const TIME_MAX: Duration = Duration::from_secs(3 * 3600);

/// All engines of a simulation.
#[derive(Clone)]
pub(super) struct Engines(Arc<Vec<Engine>>);

impl Engines {
    /// One of those that live.
    pub(super) fn any(&self, luck: u64) -> Option<Living> {
        let living: Vec<Living> = self.0.iter().filter_map(Engine::living).collect();
        let which = usize::try_from(luck).unwrap_or_default().checked_rem(living.len())?;
        living.into_iter().nth(which)
    }
}

/// How a simulation ended.
pub(super) struct Ended {
    pub(super) history: History,
    pub(super) kills: usize,
}

/// A simulation.
pub(super) struct World {
    luck: Luck,
    engines: Engines,
    /// What the store's clock was put forward by, in milliseconds.
    put_forward: Arc<AtomicU64>,
}

impl World {
    /// Runs the simulation of a seed to its end.
    ///
    /// # Panics
    /// When it does not end.
    pub(super) fn run(seed: u64) -> Ended {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let ended = tokio::time::timeout(TIME_MAX, Self::live(Luck(seed))).await;
            ended.unwrap_or_else(|_| panic!("ORCHESTRATOR_SEED={seed}: it does not end"))
        })
    }

    async fn live(luck: Luck) -> Ended {
        let began = Instant::now();
        let clock = SimClock::new(began, Duration::ZERO);
        let put_forward = Arc::<AtomicU64>::default();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::with_now(clock.now_of_store(Arc::clone(&put_forward))));
        let provider = work::provider(luck);
        let engine = |number| Engine::new(number, luck, Arc::clone(&store), provider.clone(), began);
        let count = 2 + usize::try_from(luck.below(3, "engines")).unwrap();
        let engines = Engines(Arc::new((0..count).map(engine).collect()));
        engines.0.iter().for_each(Engine::start);

        let workflows = 4 + usize::try_from(luck.below(6, "workflows")).unwrap();
        let client = |number| Client { number, luck, engines: engines.clone() }.run();
        let clients: Vec<_> = (0..workflows).map(|number| tokio::spawn(client(number))).collect();
        let world = Self { luck, engines, put_forward };
        let (kills, notes) = tokio::join!(world.trouble(), join_all(clients));
        let notes: Vec<Notes> = notes.into_iter().map(Result::unwrap).collect();
        let asked = provider.asked().into_iter().map(|asked| asked.key).collect();
        Ended { history: history(&store, notes, asked).await, kills }
    }

    /// Lets engines die, freeze and lose the store, for a time. How many died.
    async fn trouble(&self) -> usize {
        let ends = Instant::now() + TROUBLE;
        let mut kills = 0;
        for event in 0_u64.. {
            sleep(self.luck.millis(500, 9_000, ("next", event))).await;
            if Instant::now() >= ends {
                break;
            }
            let engine = &self.engines.0
                [usize::try_from(self.luck.below(self.engines.0.len() as u64, ("whom", event))).unwrap()];
            let Some(living) = engine.living() else {
                engine.start();
                continue;
            };
            match self.luck.below(10, ("what", event)) {
                0..5 => kills += usize::from(engine.kill()),
                // Every lease is late at once, and nobody who holds one knows.
                5 => drop(self.put_forward.fetch_add(self.luck.below(30_000, ("jumps", event)), Ordering::Relaxed)),
                6..8 => living.tapped.tap.freeze(self.luck.millis(2_000, 40_000, ("freezes", event))),
                _ => living.tapped.tap.cut_off(self.luck.millis(500, 20_000, ("cut off", event))),
            }
        }
        for engine in self.engines.0.iter() {
            engine.start();
            if let Some(living) = engine.living() {
                living.tapped.tap.calm();
            }
        }
        kills
    }
}

impl Ended {
    /// What happened, to be compared with another run.
    pub(super) fn story(&self) -> Vec<String> {
        let log = |(id, log): (&WorkflowId, &Vec<_>)| format!("{id}: {log:?}");
        let mut story: Vec<String> = self.history.logs.iter().map(log).collect();
        story.push(format!("{:?}", self.history.submitted));
        story.push(format!("{:?} {:?}", self.history.cancelled, self.history.answered));
        story.push(format!("{:?}", self.history.statuses));
        story.push(format!("{:?}", self.history.readers));
        story
    }

    /// # Panics
    /// When a workflow was given up because too many workers died of it: none of them did.
    pub(super) fn assert_not_poisoned(&self, run: &str) {
        for (id, log) in &self.history.logs {
            if let Some(Event::Failed(failed)) = log.last().map(|recorded| &recorded.record.event) {
                assert!(!failed.failure.message.contains("workers in a row"), "{run}: {id}: {}", failed.failure);
            }
        }
    }
}

async fn history(store: &Arc<dyn Store>, notes: Vec<Notes>, asked: Vec<String>) -> History {
    let mut history = History::default();
    for row in store.list(&ListFilter { max: 500, ..ListFilter::default() }).await.unwrap() {
        let log = store.read(&row.id, Seq::ZERO, 1000).await.unwrap().records;
        history.logs.insert(row.id, log);
    }
    history.told = told(store, history.logs.keys()).await;
    for key in asked {
        let (id, _) = key.split_once('/').unwrap();
        history.asked.push(ModelAsked { id: id.parse().unwrap(), key: Some(key) });
    }
    for notes in notes {
        let id = notes.ids[0].clone();
        history.submitted.extend(notes.ids.into_iter().map(|id| Submitted { key: notes.key.clone(), id }));
        history.cancelled.extend(notes.cancelled.then(|| id.clone()));
        let answered = notes.answered.into_iter().map(|(step, answer)| Answered { id: id.clone(), step, answer });
        history.answered.extend(answered);
        history.statuses.push((id, notes.statuses));
        history.readers.push(notes.reader);
    }
    history
}

/// What a reader is told of each workflow in the end.
async fn told(store: &Arc<dyn Store>, ids: impl Iterator<Item = &WorkflowId>) -> BTreeMap<WorkflowId, Vec<Told>> {
    let bridge = Bridge::new(Arc::clone(store));
    let mut all = BTreeMap::new();
    let reading = async {
        for id in ids {
            let events: Vec<_> = bridge.events(id, Cursor::START).try_collect().await.unwrap();
            all.insert(id.clone(), events.iter().map(super::client::told).collect());
        }
    };
    bridge.run(reading).await;
    all
}
