//! Hints of other processes, as they arrive. Owns what is said on the channel and how it is read; a hint that is lost
//! costs time, never a record.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use mcp_orchestrator_domain::{Seq, WorkflowId};
use redis::{PushInfo, Value};

use super::line::Ear;
use crate::{Change, hints::Hints};

/// Listens for one store.
pub(super) struct Listener {
    channel: String,
    /// What this store says begins with this: it has told its own watchers already.
    origin: String,
    hints: Arc<Hints>,
    listened: AtomicBool,
}

impl Listener {
    pub(super) fn new(channel: String, hints: Arc<Hints>) -> Self {
        let origin = format!("{:016x}", RandomState::new().hash_one(0_u8));
        Self { channel, origin, hints, listened: AtomicBool::new(false) }
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// How an ephemeral is said.
    pub(super) fn ephemeral(&self, id: &WorkflowId, bytes: &[u8]) -> Vec<u8> {
        [b"E", self.origin.as_bytes(), b" ", id.as_str().as_bytes(), b" ", bytes].concat()
    }
}

impl Ear for Listener {
    fn channel(&self) -> &str {
        &self.channel
    }

    fn listens(&self) {
        // What was said while nobody listened is not known.
        if self.listened.swap(true, Ordering::Relaxed) {
            self.hints.tell(Change::Elsewhere);
            self.hints.wake();
        }
    }

    fn hear(&self, message: &PushInfo) {
        let Some(Value::BulkString(message)) = message.data.get(1) else { return };
        // What is shown may hold any byte; appends that went together are told together, in a line each.
        let is_shown = message.first() == Some(&b'E');
        for said in message.split(|byte| *byte == b'\n' && !is_shown) {
            match read(said) {
                // All of a message is by one process.
                Some(said) if said.origin == self.origin.as_bytes() => return,
                Some(said) => {
                    if said.wakes {
                        self.hints.wake();
                    }
                    if let Some(change) = said.change {
                        self.hints.tell(change);
                    }
                }
                // A later version may say what this one does not know.
                None => self.hints.tell(Change::Elsewhere),
            }
        }
    }
}

/// A message, read.
#[derive(Debug, PartialEq)]
struct Said<'a> {
    origin: &'a [u8],
    wakes: bool,
    change: Option<Change>,
}

/// `A` or `W`, origin, head, id: an append, with `W` one that makes something claimable. `W` and the origin alone:
/// something is claimable. `E`, origin, id, bytes: something to show.
fn read(said: &[u8]) -> Option<Said<'_>> {
    let (kind, rest) = said.split_first()?;
    let mut words = rest.splitn(3, |byte| *byte == b' ');
    let origin = words.next()?;
    let id = |word: &[u8]| std::str::from_utf8(word).ok().and_then(|text| WorkflowId::new(text).ok());
    let (wakes, change) = match (kind, words.next(), words.next()) {
        (b'W', None, None) => (true, None),
        (b'A' | b'W', Some(head), Some(word)) => {
            let head = std::str::from_utf8(head).ok()?.parse().ok()?;
            (*kind == b'W', Some(Change::Appended(id(word)?, Seq::new(head))))
        }
        (b'E', Some(word), Some(bytes)) => (false, Some(Change::Ephemeral(id(word)?, Bytes::copy_from_slice(bytes)))),
        _ => return None,
    };
    Some(Said { origin, wakes, change })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> WorkflowId {
        "research_0123456789ab".parse().unwrap()
    }

    #[test]
    fn what_is_said_is_read_back() {
        let listener = Listener::new("channel".to_owned(), Arc::new(Hints::new()));
        let said = listener.ephemeral(&id(), b"two  words");
        let change = Some(Change::Ephemeral(id(), Bytes::from_static(b"two  words")));
        assert_eq!(read(&said), Some(Said { origin: listener.origin().as_bytes(), wakes: false, change }));
        let change = || Some(Change::Appended(id(), Seq::new(7)));
        let appended = read(b"Aab 7 research_0123456789ab");
        assert_eq!(appended, Some(Said { origin: b"ab", wakes: false, change: change() }));
        let created = read(b"Wab 7 research_0123456789ab");
        assert_eq!(created, Some(Said { origin: b"ab", wakes: true, change: change() }));
        assert_eq!(read(b"Wab"), Some(Said { origin: b"ab", wakes: true, change: None }));
    }

    #[test]
    fn what_nobody_says_is_not_read() {
        for said in [&b""[..], b"A", b"Aab", b"Aab 7", b"Aab x research_0123456789ab", b"Aab 7 ../..", b"Xab 7 x"] {
            assert_eq!(read(said), None, "{}", String::from_utf8_lossy(said));
        }
    }
}
