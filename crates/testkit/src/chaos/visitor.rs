//! A client that starts one workflow after the other and stays with each to its end, over whichever server answers. Owns what
//! a client does, and notes what it was told.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::{Record, Recorded, Seq, Status, StepId, WorkflowId};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::wire::{Followed, Wire};
use crate::{
    Luck,
    history::{Reader, SeenStatus},
};

const TASK: &str = "How does a workflow survive a crash?";

/// A client.
pub(super) struct Visitor {
    number: usize,
    luck: Luck,
    wire: Arc<Wire>,
    /// When it begins no further workflow.
    until: Instant,
}

/// What it was told about one workflow.
#[derive(Debug)]
pub(super) struct Notes {
    /// The idempotency key, and the id of the request.
    pub(super) key: String,
    /// The workflow as each acknowledged submission named it.
    pub(super) ids: Vec<WorkflowId>,
    pub(super) cancelled: bool,
    pub(super) answered: Vec<(StepId, String)>,
    pub(super) statuses: Vec<SeenStatus>,
    pub(super) looks: Vec<Vec<Recorded>>,
    pub(super) reader: Reader,
    /// Servers that did not know it after it was acknowledged.
    pub(super) unknown: usize,
}

impl Visitor {
    pub(super) const fn new(number: usize, luck: Luck, wire: Arc<Wire>, until: Instant) -> Self {
        Self { number, luck, wire, until }
    }

    /// Stays until its time is over and its last workflow has ended.
    pub(super) async fn visit(self) -> Vec<Notes> {
        let mut notes = Vec::new();
        for round in 0_u64.. {
            if Instant::now() >= self.until {
                break;
            }
            notes.push(Visit { of: &self, round }.stay().await);
        }
        notes
    }
}

/// A client with one of its workflows.
struct Visit<'a> {
    of: &'a Visitor,
    round: u64,
}

impl Visit<'_> {
    async fn stay(&self) -> Notes {
        let key = format!("chaos-{}-{}", self.of.number, self.round);
        let mut ids = vec![self.submit(&key, 0).await];
        if self.happens(25, "submits twice") {
            ids.push(self.submit(&key, 1_000_000).await);
        }
        let reader = Reader { id: ids[0].clone(), saw: Vec::new(), ended: false };
        let (cancelled, answered, unknown) = (false, Vec::new(), 0);
        let (statuses, looks) = (Vec::new(), Vec::new());
        let mut notes = Notes { key, ids, cancelled, answered, statuses, looks, reader, unknown };
        let id = notes.ids[0].clone();
        let (reader, ()) = tokio::join!(self.read(&id), self.steer(&id, &mut notes));
        notes.reader = reader;
        notes
    }

    async fn submit(&self, key: &str, first: u64) -> WorkflowId {
        let body = self.body();
        let headers = [("idempotency-key", key), ("x-request-id", key)];
        for attempt in first.. {
            let answer = self.of.wire.post(self.server("submit", attempt), "/v1/workflows", &body, &headers).await;
            match answer {
                Some((200 | 202, started)) => {
                    return started["task_id"].as_str().and_then(|id| id.parse().ok()).expect("an id in the answer");
                }
                Some((status @ 400..429, problem)) => panic!("a submission is refused: {status} {problem}"),
                Some(_) | None => self.pause("submit", attempt).await,
            }
        }
        unreachable!("it is asked until it answers")
    }

    /// Looks how it stands, reads its log, answers and cancels, until it has ended.
    async fn steer(&self, id: &WorkflowId, notes: &mut Notes) {
        let cancels = self.happens(15, "cancels").then(|| Instant::now() + self.millis(0, 3_000, "cancels at"));
        for attempt in 0.. {
            self.pause("steer", attempt).await;
            let server = self.server("steer", attempt);
            let view = match self.of.wire.get(server, format!("/v1/workflows/{id}")).await {
                Some((200, view)) => view,
                Some((404, _)) => {
                    notes.unknown += 1;
                    return;
                }
                Some(_) | None => continue,
            };
            let Some(status) = view["status"].as_str().and_then(|status| status.parse::<Status>().ok()) else {
                continue;
            };
            notes.statuses.push(SeenStatus { status, head: None });
            if status.is_terminal() {
                return;
            }
            if self.luck(("looks", attempt)).is_multiple_of(4) {
                notes.looks.extend(log(&self.of.wire, server, id).await);
            }
            if cancels.is_some_and(|at| at <= Instant::now()) {
                let path = format!("/v1/workflows/{id}/cancel");
                let answer = self.of.wire.post(server, &path, &json!({ "reason": "enough" }), &[]).await;
                notes.cancelled |= matches!(answer, Some((200, _)));
            }
            for question in view["questions"].as_array().into_iter().flatten() {
                let Some(step) = question["step"].as_str() else { continue };
                let (path, text) = (format!("/v1/workflows/{id}/answer"), format!("answer {attempt}"));
                let answer = self.of.wire.post(server, &path, &json!({ "step": step, "answer": text }), &[]).await;
                if let (Some((200, _)), Ok(step)) = (answer, step.parse()) {
                    notes.answered.push((step, text));
                }
            }
        }
    }

    /// Follows it from its beginning to its end, from server to server.
    async fn read(&self, id: &WorkflowId) -> Reader {
        let mut reader = Reader { id: id.clone(), saw: Vec::new(), ended: false };
        let mut last: Option<String> = None;
        for attempt in 0_u64.. {
            let server = self.server("read", attempt);
            match self.of.wire.events(server, id.as_str(), last.as_deref()).await {
                Followed::Stream(mut stream) => {
                    let leaves_at = Instant::now() + self.millis(500, 10_000, ("leaves", attempt));
                    while Instant::now() < leaves_at
                        && let Some(told) = stream.next().await
                    {
                        let closed = told.name == "stream_closed";
                        if closed && told.data.contains("\"shutdown\"") {
                            break;
                        }
                        last = Some(told.id.clone());
                        reader.saw.push(told);
                        if closed {
                            reader.ended = true;
                            return reader;
                        }
                    }
                }
                Followed::Seen => {
                    reader.ended = true;
                    return reader;
                }
                // Who looks at its status notes it.
                Followed::Unknown => return reader,
                Followed::Unanswered => {}
            }
            self.pause("read", attempt).await;
        }
        reader
    }

    fn body(&self) -> Value {
        match self.luck("pattern") % 4 {
            0 => json!({ "pattern": "research", "task": TASK, "num_agents": 3 }),
            1 => json!({ "pattern": "search", "query": TASK, "num_agents": 2 }),
            2 => json!({ "pattern": "sequential", "task": TASK, "steps": [
                { "id": "gather", "task": "Gather what there is" }, { "id": "write", "task": "Write it", "tools": [] },
            ] }),
            _ => json!({ "pattern": "custom", "task": TASK, "steps": [
                { "id": "gather", "task": "Gather what there is" },
                { "id": "approve", "question": "Is this enough?", "needs": ["gather"] },
                { "id": "write", "task": "Write it", "needs": ["approve"] },
            ] }),
        }
    }

    fn luck(&self, decision: impl std::hash::Hash) -> u64 {
        self.of.luck.number((self.of.number, self.round, decision))
    }

    fn happens(&self, percent: u64, decision: &str) -> bool {
        self.luck(decision) % 100 < percent
    }

    fn millis(&self, from: u64, to: u64, decision: impl std::hash::Hash) -> Duration {
        self.of.luck.millis(from, to, (self.of.number, self.round, decision))
    }

    /// The server asked next: one after the other.
    fn server(&self, what: &str, attempt: u64) -> usize {
        let first = self.luck(("first", what)) % self.of.wire.servers() as u64;
        usize::try_from(first + attempt).unwrap_or_default() % self.of.wire.servers()
    }

    async fn pause(&self, what: &str, attempt: u64) {
        sleep(self.millis(20, 400, ("pause", what, attempt))).await;
    }
}

/// A whole log as one server tells it; `None` when it does not.
pub(super) async fn log(wire: &Wire, server: usize, id: &WorkflowId) -> Option<Vec<Recorded>> {
    let mut log: Vec<Recorded> = Vec::new();
    loop {
        let after = log.last().map_or(0, |recorded| recorded.seq.value());
        let path = format!("/v1/workflows/{id}/log");
        let (status, page) =
            wire.get_with(server, path, &[("after", after.to_string()), ("limit", "1000".to_owned())]).await?;
        if status != 200 {
            return None;
        }
        let head = page["head"].as_u64()?;
        for record in page["records"].as_array()? {
            let seq = Seq::new(record["seq"].as_u64()?);
            let mut record = record.clone();
            record.as_object_mut()?.remove("seq");
            let record: Record = serde_json::from_value(record).ok()?;
            log.push(Recorded { seq, record: Arc::new(record) });
        }
        if log.last().is_none_or(|last| last.seq.value() >= head) {
            return Some(log);
        }
    }
}
