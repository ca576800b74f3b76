//! Several keys in turn. Owns which one is next, how long a refused one rests, and when a file of keys is read again.

use std::{
    fmt, fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use mcp_orchestrator_domain::FailureClass;
use secrecy::SecretString;
use tokio::time::Instant;

use super::{Key, KeyError, KeyProvider};
use crate::{Allowance, RateLimits};

/// Keys of one ring at most; further ones in a file are passed over.
const KEYS_MAX: usize = 64;

/// How much of a file of keys is read.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// How often a file is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One or several keys of one service, used in turn.
///
/// A key the service refuses rests: ten minutes if it is wrong, for as long as the service asks if its quota or rate is used
/// up (else an hour, or a second). Meanwhile the others are used; when all rest, the one that has rested longest is asked
/// with all the same, so a ring of one key behaves like a key.
///
/// Limits of rate are of a key: one that is used up makes that key rest, and what is left of it is told to nobody while another
/// key is awake. So the limits of several keys add up.
///
/// A file holds one key a line; empty lines and lines that begin with `#` are none. It is looked at once a second at most
/// when a key is asked for, and read again when it has changed. While it cannot be read, the keys it held last are used.
pub struct KeyRing {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Vec<Kept>,
    next: usize,
    looked: Option<Instant>,
    stamp: Option<Stamp>,
}

/// How a file looked when it was read.
#[derive(Clone, Copy, PartialEq)]
struct Stamp {
    changed: Option<SystemTime>,
    bytes: u64,
}

struct Kept {
    key: Key,
    rests_until: Option<Instant>,
    /// Whether it rests only because it was used too often.
    is_busy: bool,
}

impl KeyRing {
    /// How long a wrong key rests.
    pub const WRONG_RESTS: Duration = Duration::from_mins(10);

    /// How long a key without quota rests when the service does not say.
    pub const EXHAUSTED_RESTS: Duration = Duration::from_hours(1);

    /// How long a key that was used too often rests when the service does not say.
    pub const BUSY_RESTS: Duration = Duration::from_secs(1);

    /// These keys in turn. What cannot be sent is none; at most 64 are kept.
    #[must_use]
    pub fn of(keys: impl IntoIterator<Item = SecretString>) -> Self {
        let keys = keys.into_iter().filter_map(|key| Key::new(&key).ok()).take(KEYS_MAX).map(Kept::new).collect();
        Self { file: None, state: Mutex::new(State { keys, ..State::default() }) }
    }

    /// The keys in a file, one a line. Nothing is read yet.
    #[must_use]
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self { file: Some(path.into()), state: Mutex::default() }
    }
}

#[async_trait]
impl KeyProvider for KeyRing {
    async fn key(&self) -> Result<Key, KeyError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(path) = &self.file
            && state.looked.is_none_or(|looked| now.duration_since(looked) >= LOOK_EVERY)
        {
            // A file of a few lines: the look costs less than giving the thread away.
            match state.look(path) {
                Ok(()) => state.looked = Some(now),
                Err(source) if state.keys.is_empty() => {
                    return Err(KeyError::Unreadable { path: path.clone(), source });
                }
                Err(_) => {}
            }
        }
        state.next(now).ok_or_else(|| KeyError::None { path: self.file.clone() })
    }

    fn refused(&self, key: &Key, class: FailureClass, pause: Option<Duration>) -> bool {
        let pause = match class {
            FailureClass::Auth => Self::WRONG_RESTS,
            FailureClass::QuotaExhausted => pause.unwrap_or(Self::EXHAUSTED_RESTS),
            _ => pause.unwrap_or(Self::BUSY_RESTS),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(kept) = state.keys.iter_mut().find(|kept| kept.key.is(key)) {
            kept.rests_until = Some(now + pause);
            kept.is_busy = class == FailureClass::RateLimited;
        }
        // Not the same one again, even if its pause is none.
        state.keys.iter().any(|kept| !kept.key.is(key) && kept.is_awake(now))
    }

    fn said(&self, key: &Key, limits: RateLimits) -> RateLimits {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.keys.len() < 2 {
            return limits;
        }
        let now = Instant::now();
        if let (Some(pause), Some(kept)) = (limits.exhausted_for(), state.keys.iter_mut().find(|kept| kept.key.is(key)))
        {
            kept.rests_until = kept.rests_until.max(now.checked_add(pause));
            kept.is_busy = true;
        }
        // Of the others nobody knows more than whether they rest.
        let requests = state.wakes_in(now).map(|reset| Allowance { remaining: 0, reset });
        RateLimits { requests, tokens: None }
    }

    fn wakes_in(&self) -> Option<Duration> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.keys.len() > 1).then(|| state.wakes_in(Instant::now())).flatten()
    }

    fn busy_for(&self) -> Option<Duration> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let busy = state.keys.iter().filter(|kept| kept.is_busy && !kept.is_awake(now));
        busy.filter_map(|kept| kept.rests_until).min().map(|until| until - now)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.state.lock().unwrap_or_else(PoisonError::into_inner).keys.len();
        f.debug_struct("KeyRing").field("file", &self.file).field("keys", &keys).finish()
    }
}

impl State {
    /// How long until the first key wakes, if all rest.
    fn wakes_in(&self, now: Instant) -> Option<Duration> {
        let first = self.keys.iter().map(|kept| kept.rests_until).min()??;
        (first > now).then(|| first - now)
    }

    /// The next key that does not rest, else the one that wakes first.
    fn next(&mut self, now: Instant) -> Option<Key> {
        let count = self.keys.len();
        let turn = (0..count).map(|step| (self.next + step) % count);
        let awake = turn.clone().find(|at| self.keys[*at].is_awake(now));
        let at = awake.or_else(|| turn.min_by_key(|at| self.keys[*at].rests_until))?;
        self.next = (at + 1) % count;
        Some(self.keys[at].key.clone())
    }

    /// Reads the file if it has changed. What rested rests on.
    fn look(&mut self, path: &Path) -> std::io::Result<()> {
        let seen = fs::metadata(path)?;
        let stamp = Stamp { changed: seen.modified().ok(), bytes: seen.len() };
        if self.stamp == Some(stamp) {
            return Ok(());
        }
        let mut text = String::new();
        fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.filter_map(|line| Key::new(&SecretString::from(line)).ok()).take(KEYS_MAX);
        let before = std::mem::take(&mut self.keys);
        let kept = |key: Key| {
            let known = before.iter().find(|kept| kept.key.is(&key));
            let rests_until = known.and_then(|kept| kept.rests_until);
            Kept { rests_until, is_busy: known.is_some_and(|kept| kept.is_busy), key }
        };
        self.keys = keys.map(kept).collect();
        self.stamp = Some(stamp);
        Ok(())
    }
}

impl Kept {
    const fn new(key: Key) -> Self {
        Self { key, rests_until: None, is_busy: false }
    }

    fn is_awake(&self, now: Instant) -> bool {
        self.rests_until.is_none_or(|until| until <= now)
    }
}
