//! The appends of one process on their way to Redis: those that wait go together, in one call. Owns how many go at once,
//! what the script is given and who is told what; what an append means is the script's.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::{Seq, WorkflowId};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    keys::Keys,
    lines::{Call, Lines, ms},
    log::{number, unreadable},
    scripts::APPEND,
};
use crate::{
    After, Append, AppendError, Change, Head, Lineage, StoreError, Writer,
    codec::{Encoded, Shown},
    hints::Hints,
    references::named_blobs,
    rules::is_progress,
};

/// Appends that go in one call. Redis does nothing else meanwhile.
const TOGETHER_MAX: usize = 64;
/// Bytes of text in one call, unless a single append has more.
const BYTES_TOGETHER_MAX: usize = 1024 * 1024;
/// Calls under way at once: while Redis works on one, the next is made.
const CALLS_MAX: usize = 2;
/// Appends that wait to be sent. Whoever brings more waits for a place.
const WAITING_MAX: usize = 1024;

/// Sends the appends of one store. Dropping it ends its task: what was sent is written, and nobody hears of it.
#[derive(Debug)]
pub(super) struct Appends {
    waiting: mpsc::Sender<Waiting>,
    sender: JoinHandle<()>,
    patience: Duration,
    location: Arc<str>,
}

/// An append as the script is given it.
pub(super) struct Ready {
    id: WorkflowId,
    keys: [String; 2],
    records: Encoded,
    shown: Shown,
    expected: Seq,
    epoch: String,
    append_id: u128,
    after: &'static str,
    at: String,
    is_progress: bool,
    lineage: String,
    blobs: Vec<String>,
}

/// One of them, and who waits for what becomes of it.
struct Waiting {
    ready: Ready,
    answer: oneshot::Sender<Result<Head, AppendError>>,
}

impl Appends {
    pub(super) fn open(lines: Arc<Lines>, meta: String, origin: String, hints: Arc<Hints>) -> Self {
        let (waiting, queue) = mpsc::channel(WAITING_MAX);
        let (patience, location) = (lines.patience(), lines.location());
        let sending = Arc::new(Sending { lines, meta, origin, hints });
        Self { waiting, sender: tokio::spawn(send_all(sending, queue)), patience, location }
    }

    /// Writes it, with others that wait at this moment.
    pub(super) async fn append(&self, ready: Ready) -> Result<Head, AppendError> {
        let (answer, answered) = oneshot::channel();
        let asking = async {
            self.waiting.send(Waiting { ready, answer }).await.ok()?;
            answered.await.ok()
        };
        let unavailable = |why: &str| AppendError::Store(StoreError::Unavailable(format!("{}: {why}", self.location)));
        match timeout(self.patience, asking).await {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(unavailable("it is closed")),
            Err(_) => Err(unavailable("no answer in time")),
        }
    }
}

impl Drop for Appends {
    fn drop(&mut self) {
        self.sender.abort();
    }
}

/// What every call needs.
struct Sending {
    lines: Arc<Lines>,
    meta: String,
    origin: String,
    hints: Arc<Hints>,
}

/// Sends what waits until nobody brings more.
async fn send_all(sending: Arc<Sending>, mut queue: mpsc::Receiver<Waiting>) {
    let mut calls = JoinSet::new();
    let mut waiting = Vec::new();
    loop {
        tokio::select! {
            brought = queue.recv_many(&mut waiting, TOGETHER_MAX), if calls.len() < CALLS_MAX && waiting.is_empty() => {
                if brought == 0 {
                    break;
                }
            }
            Some(_) = calls.join_next() => {}
        }
        while !waiting.is_empty() && calls.len() < CALLS_MAX {
            let mut bytes = 0;
            let fits = waiting.iter().take_while(|waiting| {
                bytes += waiting.ready.records.text().len();
                bytes <= BYTES_TOGETHER_MAX
            });
            let now = fits.count().max(1);
            // Who has given up waiting repeats it; twice would be in vain.
            let mut together: Vec<Waiting> = waiting.drain(..now).collect();
            together.retain(|waiting| !waiting.answer.is_closed());
            if !together.is_empty() {
                let sending = Arc::clone(&sending);
                calls.spawn(async move { sending.send(together).await });
            }
        }
    }
    while calls.join_next().await.is_some() {}
}

impl Sending {
    async fn send(&self, together: Vec<Waiting>) {
        let mut keys = vec![self.meta.as_str()];
        keys.extend(together.iter().flat_map(|waiting| waiting.ready.keys.iter().map(String::as_str)));
        let mut call = self.lines.call(&APPEND, &keys).arg(&self.origin);
        for waiting in &together {
            call = waiting.ready.told_to(call);
        }
        match self.lines.run::<Vec<Vec<String>>>(call).await {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                for waiting in together {
                    let answer = self.read(&waiting.ready.id, &answers.next().unwrap_or_default());
                    let _ = waiting.answer.send(answer);
                }
            }
            Err(error) => {
                for waiting in together {
                    let _ = waiting.answer.send(Err(error.clone().into()));
                }
            }
        }
    }

    /// What became of one.
    fn read(&self, id: &WorkflowId, answer: &[String]) -> Result<Head, AppendError> {
        let told = |place: usize| answer.get(place).map(String::as_str).unwrap_or_default();
        let head = || number(told(1)).map(Seq::new);
        match told(0) {
            // The first try of one that is there already may have ended unheard.
            "ok" | "again" => {
                let head = Head { seq: head()?, lineage: Lineage(number(told(2))?) };
                if self.hints.watched() {
                    self.hints.tell(Change::Appended(id.clone(), head.seq));
                }
                if told(3) == "W" {
                    self.hints.wake();
                }
                Ok(head)
            }
            "unknown" => Err(AppendError::Unknown),
            "terminal" => Err(AppendError::Terminal),
            "fenced" => Err(AppendError::Fenced),
            "regressed" => Err(AppendError::Regressed { head: head()? }),
            "conflict" => Err(AppendError::Conflict { head: head()? }),
            "broken" => Err(StoreError::Unreadable(format!("appending to {id}: {}", told(1))).into()),
            other => Err(unreadable("the answer to an append", other).into()),
        }
    }
}

impl Ready {
    /// Encodes an append.
    ///
    /// # Errors
    /// [`AppendError::TooLarge`], and what else makes it impossible to write down.
    pub(super) fn new(keys: &Keys, append: Append) -> Result<Self, AppendError> {
        let records = Encoded::new(&append.records).map_err(|error| match error {
            StoreError::TooLarge { bytes, bytes_max } => AppendError::TooLarge { bytes, bytes_max },
            other => AppendError::Store(other),
        })?;
        let shown = Shown::new(append.summary)?;
        let (after, at) = match append.after {
            After::Keep => ("k", None),
            After::Requeue { not_before } => ("q", not_before),
            After::Wait => ("w", None),
            After::Finish => ("f", shown.finished),
        };
        let epoch = match append.writer {
            Writer::Owner(epoch) => epoch.0.to_string(),
            Writer::External => String::new(),
        };
        let blobs = named_blobs(append.records.iter().map(AsRef::as_ref));
        Ok(Self {
            keys: [keys.workflow(&append.id), keys.log(&append.id)],
            id: append.id,
            records,
            shown,
            expected: append.expected,
            epoch,
            append_id: append.append_id,
            after,
            at: at.map_or_else(String::new, ms),
            is_progress: is_progress(&append.records),
            lineage: if append.lineage == Lineage::UNKNOWN { String::new() } else { append.lineage.0.to_string() },
            blobs: blobs.iter().map(ToString::to_string).collect(),
        })
    }

    fn told_to(&self, call: Call) -> Call {
        let call = call
            .arg(self.id.as_str())
            .arg(self.records.count())
            .arg(self.records.text())
            .arg(self.shown.status)
            .arg(&self.shown.text[..])
            .arg(&*self.shown.title)
            .arg(&*self.shown.task)
            .arg(self.expected.value())
            .arg(&self.epoch)
            .arg(format!("{:032x}", self.append_id))
            .arg(self.after)
            .arg(&self.at)
            .arg(if self.is_progress { "1" } else { "0" })
            .arg(&self.lineage)
            .arg(self.blobs.len());
        self.blobs.iter().fold(call, |call, digest| call.arg(digest))
    }
}
