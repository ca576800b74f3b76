//! The appends of one process on their way to Redis: those that wait go together, in one call. Owns how many go at once,
//! what the script is given and who is told what; what an append means is the script's.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use mcp_orchestrator_domain::{Seq, WorkflowId};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    keys::Keys,
    lines::{Call, Lines, ms},
    log::{entry, number, unreadable},
    scripts::APPEND,
    state::mark,
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
/// Appends under way for which no other call waits.
const FEW: usize = 8;
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
    line: String,
    entry: Vec<u8>,
    shown: Shown,
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
    let (mut under_way, mut open) = (0, true);
    loop {
        let room = TOGETHER_MAX - waiting.len();
        tokio::select! {
            brought = queue.recv_many(&mut waiting, room), if open && room > 0 => {
                open = brought > 0;
            }
            Some(call) = calls.join_next() => under_way -= call.unwrap_or(under_way),
            else => break,
        }
        // A call has its price, whatever is in it: one beside a large one goes when it is as large.
        while !waiting.is_empty() && calls.len() < CALLS_MAX && (under_way <= FEW || waiting.len() >= under_way) {
            let together = next_call(&mut waiting);
            let count = together.len();
            let sending = Arc::clone(&sending);
            under_way += count;
            calls.spawn(async move {
                sending.send(together).await;
                count
            });
        }
    }
}

/// Takes what goes in one call.
fn next_call(waiting: &mut Vec<Waiting>) -> Vec<Waiting> {
    let mut bytes = 0;
    let fits = waiting.iter().take_while(|waiting| {
        bytes += waiting.ready.entry.len();
        bytes <= BYTES_TOGETHER_MAX
    });
    let now = fits.count().max(1);
    waiting.drain(..now).collect()
}

impl Sending {
    async fn send(&self, mut together: Vec<Waiting>) {
        // Who has given up waiting repeats it; twice would be in vain.
        together.retain(|waiting| !waiting.answer.is_closed());
        if together.is_empty() {
            return;
        }
        let mut keys = vec![self.meta.as_str()];
        keys.extend(together.iter().flat_map(|waiting| waiting.ready.keys.iter().map(String::as_str)));
        let mut call = self.lines.call(&APPEND, &keys).arg(&self.origin);
        for waiting in &together {
            call = waiting.ready.told_to(call);
        }
        match self.lines.run::<Vec<String>>(call).await {
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
    fn read(&self, id: &WorkflowId, answer: &str) -> Result<Head, AppendError> {
        let (what, rest) = answer.split_once(' ').unwrap_or((answer, ""));
        let mut words = rest.split(' ');
        let mut number = || number(words.next().unwrap_or_default());
        match what {
            // The first try of one that is there already may have ended unheard.
            "ok" | "again" => {
                let head = Head { seq: Seq::new(number()?), lineage: Lineage(number()?) };
                if self.hints.watched() {
                    self.hints.tell(Change::Appended(id.clone(), head.seq));
                }
                if words.next() == Some("W") {
                    self.hints.wake();
                }
                Ok(head)
            }
            "unknown" => Err(AppendError::Unknown),
            "terminal" => Err(AppendError::Terminal),
            "fenced" => Err(AppendError::Fenced),
            "regressed" => Err(AppendError::Regressed { head: Seq::new(number()?) }),
            "conflict" => Err(AppendError::Conflict { head: Seq::new(number()?) }),
            "broken" => Err(StoreError::Unreadable(format!("appending to {id}: {rest}")).into()),
            _ => Err(unreadable("the answer to an append", answer).into()),
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
        let entry = entry(&records, append.append_id);
        let mut line = format!("{} {} ", records.count(), append.expected.value());
        if let Writer::Owner(epoch) = append.writer {
            let _ = write!(line, "{}", epoch.0);
        }
        let _ = write!(line, " {} {after} ", shown.status);
        line.extend(at.map(ms));
        line.push_str(if is_progress(&append.records) { " 1 " } else { " 0 " });
        if append.lineage != Lineage::UNKNOWN {
            let _ = write!(line, "{}", append.lineage.0);
        }
        let _ = write!(line, " {}", mark(&shown.title, &shown.task));
        for blob in named_blobs(append.records.iter().map(AsRef::as_ref)) {
            let _ = write!(line, " {blob}");
        }
        Ok(Self { keys: [keys.workflow(&append.id), keys.log(&append.id)], id: append.id, line, entry, shown })
    }

    fn told_to(&self, call: Call) -> Call {
        call.arg(&self.line)
            .arg(&self.entry[..])
            .arg(&self.shown.text[..])
            .arg(&*self.shown.title)
            .arg(&*self.shown.task)
    }
}
