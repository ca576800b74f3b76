//! One client with one workflow: it submits it until it is told of it, follows it through whichever engine answers, answers
//! its questions, perhaps cancels it, and writes down what it was told.

use std::time::Duration;

use futures::StreamExt as _;
use mcp_orchestrator::{ClientEvent, Cursor, Error, SubmitOptions, domain::Rejected};
use mcp_orchestrator_domain::{Status, StepId, WorkflowId};
use mcp_orchestrator_testkit::{
    Luck,
    history::{Reader, SeenStatus, Told},
};
use tokio::time::{Instant, sleep};

use super::{engine::Living, work, world::Engines};

/// How long a client waits for an answer before it asks another engine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Attempts of anything before a client gives up: more than any seed needs.
const ATTEMPTS_MAX: u64 = 2_000;

/// What a client was told.
#[derive(Debug)]
pub(super) struct Notes {
    pub(super) key: String,
    /// The workflow as each acknowledged submission named it.
    pub(super) ids: Vec<WorkflowId>,
    pub(super) cancelled: bool,
    pub(super) answered: Vec<(StepId, String)>,
    pub(super) statuses: Vec<SeenStatus>,
    pub(super) reader: Reader,
}

/// A client.
pub(super) struct Client {
    pub(super) number: usize,
    pub(super) luck: Luck,
    pub(super) engines: Engines,
}

impl Client {
    /// Lives until its workflow has ended and its stream with it.
    pub(super) async fn run(self) -> Notes {
        sleep(self.luck.millis(0, 20_000, ("comes", self.number))).await;
        let key = format!("client {}", self.number);
        let mut ids = vec![self.submit(&key, 0).await];
        if self.luck.happens(30, ("submits twice", self.number)) {
            ids.push(self.submit(&key, 1).await);
        }
        let id = ids[0].clone();
        let (told, reader) = tokio::join!(self.steer(&id), self.read(&id));
        let (statuses, answered, cancelled) = told;
        Notes { key, ids, cancelled, answered, statuses, reader }
    }

    /// The engine a client reaches next; another one for each attempt.
    async fn engine(&self, what: &'static str, attempt: u64) -> Living {
        assert!(attempt < ATTEMPTS_MAX, "client {} gave up to {what}", self.number);
        for turn in 0..ATTEMPTS_MAX {
            let luck = self.luck.number(("engine of", what, self.number, attempt, turn));
            if let Some(living) = self.engines.any(luck) {
                return living;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("no engine came back");
    }

    async fn submit(&self, key: &str, round: u64) -> WorkflowId {
        for attempt in 0.. {
            let engine = self.engine("submit", round * ATTEMPTS_MAX / 2 + attempt).await;
            let options = SubmitOptions { idempotency_key: Some(key.to_owned()), ..SubmitOptions::default() };
            let draft = work::draft(self.luck, self.number);
            match Box::pin(answered(&engine, engine.handle.submit_with(draft, options))).await {
                Some(Ok(id)) => return id,
                Some(Err(Error::Store(_) | Error::Unsure { .. } | Error::ShuttingDown)) | None => {
                    self.pause("submit", attempt).await
                }
                Some(Err(error)) => panic!("client {}: {error}", self.number),
            }
        }
        unreachable!("attempts are counted")
    }

    /// Looks how it stands, answers and cancels, until it has ended.
    async fn steer(&self, id: &WorkflowId) -> (Vec<SeenStatus>, Vec<(StepId, String)>, bool) {
        let (mut statuses, mut given, mut cancelled) = (Vec::new(), Vec::new(), false);
        let cancels_at = self
            .luck
            .happens(20, ("cancels", self.number))
            .then(|| Instant::now() + self.luck.millis(0, 20_000, ("cancels at", self.number)));
        for attempt in 0.. {
            self.pause("steer", attempt).await;
            let engine = self.engine("steer", attempt).await;
            let Some(Ok(row)) = answered(&engine, engine.handle.status(id)).await else { continue };
            let status = row.summary.status;
            statuses.push(SeenStatus { status, head: Some(row.head) });
            if status.is_terminal() {
                break;
            }
            if cancels_at.is_some_and(|at| at <= Instant::now()) {
                let answer = answered(&engine, engine.handle.cancel(id, "enough")).await;
                cancelled |= matches!(answer, Some(Ok(()) | Err(Error::Rejected(Rejected::Ended(Status::Cancelled)))));
            }
            let Some(Ok(questions)) = answered(&engine, engine.handle.questions(id)).await else { continue };
            for question in questions {
                let answer = format!("answer {attempt}");
                let step = question.step.clone();
                if matches!(answered(&engine, engine.handle.answer(id, step, &answer)).await, Some(Ok(()))) {
                    given.push((question.step, answer));
                }
            }
        }
        (statuses, given, cancelled)
    }

    /// Follows it from its beginning to its end, from engine to engine.
    async fn read(&self, id: &WorkflowId) -> Reader {
        let mut reader = Reader { id: id.clone(), saw: Vec::new(), ended: false };
        let mut place = Cursor::START;
        for attempt in 0.. {
            let engine = self.engine("read", attempt).await;
            // Some connections are left after a while, as people's are.
            let leaves_at = Instant::now() + self.luck.millis(1_000, 60_000, ("leaves", self.number, attempt));
            if let Some(Ok(mut events)) = answered(&engine, engine.handle.events(id, place)).await {
                loop {
                    let next = tokio::select! {
                        biased;
                        () = engine.tapped.tap.death() => break,
                        next = events.next() => next,
                        () = tokio::time::sleep_until(leaves_at) => break,
                    };
                    let Some(Ok(event)) = next else { break };
                    let told = told(&event);
                    if told.name == "stream_closed" {
                        if told.data.contains("shutdown") {
                            break;
                        }
                        reader.ended = true;
                    }
                    place = event.id;
                    reader.saw.push(told);
                }
            }
            if reader.ended {
                break;
            }
            self.pause("read", attempt).await;
        }
        reader
    }

    async fn pause(&self, what: &'static str, attempt: u64) {
        sleep(self.luck.millis(50, 2_000, ("pause", what, self.number, attempt))).await;
    }
}

/// An event as the checker compares it.
pub(super) fn told(event: &ClientEvent) -> Told {
    let data = serde_json::to_string(event).unwrap();
    Told { id: event.id.to_string(), name: event.event_type().as_str().to_owned(), data }
}

/// An engine's answer; `None` when it died or took too long, and then nobody knows what became of it.
async fn answered<T>(engine: &Living, asked: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = engine.tapped.tap.death() => None,
        answer = asked => Some(answer),
        () = sleep(PATIENCE) => None,
    }
}
