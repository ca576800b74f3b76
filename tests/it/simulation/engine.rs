//! One of the engines of a simulation, over all its lives. Owns who is reached by clients now.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator::{Clock, Handle, Orchestrator, domain::Timestamp};
use mcp_orchestrator_store::{Now, Store};
use mcp_orchestrator_testkit::{Luck, ScriptedProvider, TappedStore};
use tokio::time::Instant;

use super::{faults::Faults, work};

/// The time of the simulation begins at some moment of 2026.
const EPOCH: u64 = 1_790_000_000_000;

/// The clock of a simulation, as one machine shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SimClock {
    began: Instant,
    /// What its machine's clock is ahead of the store's.
    ahead: Duration,
}

impl SimClock {
    pub(super) fn new(began: Instant, ahead: Duration) -> Self {
        Self { began, ahead }
    }

    /// As a store takes it: a clock that is put forward at times, by so many milliseconds in all.
    pub(super) fn now_of_store(self, put_forward: Arc<AtomicU64>) -> Now {
        Arc::new(move || self.now().after(Duration::from_millis(put_forward.load(Ordering::Relaxed))))
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(EPOCH).after(self.began.elapsed() + self.ahead)
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let left = deadline.since(self.now());
        tokio::time::sleep(left).await;
    }
}

/// An engine that lives now.
#[derive(Clone)]
pub(super) struct Living {
    pub(super) handle: Handle,
    pub(super) tapped: Arc<TappedStore<Faults>>,
}

/// An engine over all its lives.
pub(super) struct Engine {
    number: usize,
    luck: Luck,
    store: Arc<dyn Store>,
    provider: ScriptedProvider,
    clock: SimClock,
    lives: Mutex<(u64, Option<Living>)>,
}

impl Engine {
    pub(super) fn new(
        number: usize,
        luck: Luck,
        store: Arc<dyn Store>,
        provider: ScriptedProvider,
        began: Instant,
    ) -> Self {
        let ahead = luck.millis(0, 3_000, ("ahead", number));
        let clock = SimClock::new(began, ahead);
        Self { number, luck, store, provider, clock, lives: Mutex::default() }
    }

    /// Begins a life, if it is dead.
    pub(super) fn start(&self) {
        let mut lives = self.lives.lock().unwrap();
        if lives.1.is_some() {
            return;
        }
        lives.0 += 1;
        let tapped =
            TappedStore::new(Arc::clone(&self.store), Faults::new(self.luck, (self.number, lives.0), self.clock.began));
        let handle = Orchestrator::builder_shared(Arc::<TappedStore<Faults>>::clone(&tapped))
            .with_provider(self.provider.clone())
            .with_tool(work::count_words())
            .with_clock(self.clock)
            .with_seed(self.luck.number(("engine", self.number, lives.0)))
            .with_running_max(3)
            .build()
            .unwrap()
            .start();
        lives.1 = Some(Living { handle, tapped });
    }

    /// Ends its life without a word. Whether it lived.
    pub(super) fn kill(&self) -> bool {
        let Some(living) = self.lives.lock().unwrap().1.take() else { return false };
        living.tapped.tap.kill();
        true
    }

    pub(super) fn living(&self) -> Option<Living> {
        self.lives.lock().unwrap().1.clone()
    }
}
