//! The tap between an engine and the store: what it does to each call, as luck says and as the world orders.

use std::{
    future,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_store::{Change, StoreError};
use mcp_orchestrator_testkit::{Luck, StoreCall, Tap};
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, sleep, sleep_until},
};

/// Hints on their way to an engine.
const HINTS: usize = 4096;

/// Of a hundred calls, so many fail before the store did anything, and as many after.
const FAILS_PERCENT: u64 = 2;
/// Of a hundred hints, so many are lost.
const LOST_PERCENT: u64 = 20;

/// What stands between one engine and the store.
#[derive(Debug)]
pub(super) struct Faults {
    luck: Luck,
    /// The engine: its number, and which of its lives this is.
    engine: (usize, u64),
    state: watch::Sender<State>,
    /// When the simulation began.
    began: Instant,
    /// No more faults: what is under way may end.
    calm: AtomicBool,
}

/// How an engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Well,
    /// Nothing of it reaches the store, and nothing comes back, until then.
    Frozen(Instant),
    /// The store is away for it until then.
    CutOff(Instant),
    Dead,
}

impl Faults {
    pub(super) fn new(luck: Luck, engine: (usize, u64), began: Instant) -> Self {
        Self { luck, engine, state: watch::Sender::new(State::Well), began, calm: AtomicBool::new(false) }
    }

    /// Nothing of this engine happens any more.
    pub(super) fn kill(&self) {
        self.state.send_replace(State::Dead);
    }

    /// The engine stands still for so long, as a process that was stopped.
    pub(super) fn freeze(&self, time: Duration) {
        self.state.send_replace(State::Frozen(Instant::now() + time));
    }

    /// The engine does not reach the store for so long.
    pub(super) fn cut_off(&self, time: Duration) {
        self.state.send_replace(State::CutOff(Instant::now() + time));
    }

    /// From now on nothing fails by luck.
    pub(super) fn calm(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    /// Returns when the engine dies.
    pub(super) async fn death(&self) {
        // The sender lives as long as this does.
        let _ = self.state.subscribe().wait_for(|state| *state == State::Dead).await;
    }

    /// Holds a call as long as the engine stands still, and for ever when it is dead.
    async fn pass(&self) -> Result<(), StoreError> {
        loop {
            let state = *self.state.borrow();
            match state {
                State::Well => return Ok(()),
                State::Frozen(until) if Instant::now() < until => sleep_until(until).await,
                State::CutOff(until) if Instant::now() < until => return Err(away("it is cut off")),
                State::Frozen(_) | State::CutOff(_) => return Ok(()),
                State::Dead => future::pending().await,
            }
        }
    }

    /// A name for this call in the luck of the run. It has the moment in it and no count: how often logs are read may differ
    /// where several things are ready at one moment, and must change nothing else.
    fn decision(&self, call: StoreCall<'_>, when: &'static str) -> (usize, u64, String, Duration) {
        (self.engine.0, self.engine.1, format!("{when} {}", name(call)), self.began.elapsed())
    }

    async fn trouble(&self, call: StoreCall<'_>, when: &'static str) -> Result<(), StoreError> {
        if matches!(call, StoreCall::WaitWork) || self.calm.load(Ordering::Relaxed) {
            return Ok(());
        }
        let decision = self.decision(call, when);
        sleep(self.luck.millis(0, 8, ("delay", &decision))).await;
        if self.luck.happens(FAILS_PERCENT, ("fails", &decision)) {
            return Err(away(when));
        }
        Ok(())
    }
}

#[async_trait]
impl Tap for Faults {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        self.pass().await?;
        self.trouble(call, "before").await?;
        self.pass().await
    }

    async fn after(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        self.pass().await?;
        self.trouble(call, "after").await?;
        self.pass().await
    }

    fn changes(&self, mut own: broadcast::Receiver<Change>) -> broadcast::Receiver<Change> {
        let (sender, receiver) = broadcast::channel(HINTS);
        let (luck, engine) = (self.luck, self.engine);
        let mut state = self.state.subscribe();
        tokio::spawn(async move {
            let mut number = 0_u64;
            loop {
                let change = tokio::select! {
                    biased;
                    _ = state.wait_for(|state| *state == State::Dead) => return,
                    change = own.recv() => change,
                };
                number += 1;
                match change {
                    Ok(_) if luck.happens(LOST_PERCENT, ("hint", engine, number)) => {}
                    // Nobody listening is no failure.
                    Ok(change) => drop(sender.send(change)),
                    Err(broadcast::error::RecvError::Lagged(_)) => drop(sender.send(Change::Elsewhere)),
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        });
        receiver
    }
}

fn away(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}

/// What a call is called in decisions: of which kind, and for which workflow.
fn name(call: StoreCall<'_>) -> String {
    match call {
        StoreCall::Create(new) => format!("create {}", new.idempotency.as_ref().map_or("", |given| given.key.as_str())),
        StoreCall::Append(append) => format!("append {}", append.id),
        StoreCall::Read(id) => format!("read {id}"),
        other => format!("{other:?}"),
    }
}
