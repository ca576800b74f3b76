//! Where a reader stands in a stream. Owns the text form of a position; knows no record and no store.

use std::{fmt, str::FromStr};

use mcp_orchestrator_domain::Seq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A position in a workflow's stream: after a whole record, or after some of the client events of one.
///
/// Its text, `epoch-seq-n`, is the id of a client event and opaque to clients: they hand back what they were given.
/// A stream that starts at the cursor of an event goes on with the event after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// Grows when a log was rewritten, so that positions in the old one are not mistaken for positions in the new one.
    epoch: u64,
    /// The last record of which everything was seen.
    seq: Seq,
    /// How many client events of the record after it were seen.
    n: u32,
}

/// A text that is no cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no position in a stream")]
pub struct InvalidCursor(String);

impl Cursor {
    /// The epoch of every log that was never rewritten.
    pub(crate) const EPOCH: u64 = 0;

    /// Before everything.
    pub const START: Self = Self { epoch: Self::EPOCH, seq: Seq::ZERO, n: 0 };

    /// After a record and all its client events.
    #[must_use]
    pub const fn after(seq: Seq) -> Self {
        Self { epoch: Self::EPOCH, seq, n: 0 }
    }

    /// After the first `n` client events of the record that follows `seq`.
    pub(crate) const fn within(seq: Seq, n: u32) -> Self {
        Self { epoch: Self::EPOCH, seq, n }
    }

    /// The last record of which everything was seen.
    #[must_use]
    pub const fn seq(self) -> Seq {
        self.seq
    }

    /// How many client events of the record after [`Cursor::seq`] were seen.
    #[must_use]
    pub const fn seen_of_next(self) -> u32 {
        self.n
    }

    pub(crate) const fn epoch(self) -> u64 {
        self.epoch
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.epoch, self.seq, self.n)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        parse(text).ok_or_else(|| InvalidCursor(text.chars().filter(|c| !c.is_control()).take(80).collect()))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn parse(text: &str) -> Option<Cursor> {
    let mut parts = text.split('-').map(number);
    let (epoch, seq, n) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    Some(Cursor { epoch, seq: Seq::new(seq), n: u32::try_from(n).ok()? })
}

/// Decimal digits as they are printed: no sign and no leading zero, so that a position has one text only.
fn number(digits: &str) -> Option<u64> {
    let canonical = digits == "0" || !digits.starts_with('0');
    (canonical && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}
