//! Where a reader stands in a stream. Owns the text form of a position; knows no record and no store.

use std::{fmt, str::FromStr};

use mcp_orchestrator_domain::Seq;
use mcp_orchestrator_store::{Lineage, WorkflowRow};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A position in a workflow's stream: after a whole record, or after some of the client events of one.
///
/// Its text, `lineage-seq-n`, is the id of a client event and opaque to clients: they hand back what they were given.
/// A stream that starts at the cursor of an event goes on with the event after it. The lineage is that of the record last
/// seen of, so that a position in a history that was lost is not mistaken for the same one in the history that took its
/// place; 0 where a store loses nothing, and in what was given before there were lineages. Order is by position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// The last record of which everything was seen.
    seq: Seq,
    /// How many client events of the record after it were seen.
    n: u32,
    /// That of the record after `seq` if some of it was seen, otherwise that of `seq`.
    lineage: u64,
}

/// A text that is no cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no position in a stream")]
pub struct InvalidCursor(String);

impl Cursor {
    /// Before everything.
    pub const START: Self = Self { seq: Seq::ZERO, n: 0, lineage: 0 };

    /// After a record and all its client events, whatever history it is of.
    #[must_use]
    pub const fn after(seq: Seq) -> Self {
        Self { seq, n: 0, lineage: 0 }
    }

    /// After the first `n` client events of the record that follows `seq`.
    pub(crate) const fn within(seq: Seq, n: u32) -> Self {
        Self { seq, n, lineage: 0 }
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

    /// After everything a workflow's log had when its row was read.
    #[must_use]
    pub const fn end_of(row: &WorkflowRow) -> Self {
        Self::after(row.head).in_history(row.lineage)
    }

    /// Whether both are the same position, and not known to be of two histories.
    #[must_use]
    pub fn is_at(self, other: Self) -> bool {
        let are_of_two = Lineage(self.lineage).contradicts(Lineage(other.lineage));
        (self.seq, self.n) == (other.seq, other.n) && !are_of_two
    }

    /// The same position in a known history.
    pub(crate) const fn in_history(self, lineage: Lineage) -> Self {
        Self { lineage: lineage.0, ..self }
    }

    /// Whether the record last seen of can be the one of this lineage. Where it was given without one, any is.
    pub(crate) const fn is_of(self, lineage: Lineage) -> bool {
        self.lineage == Lineage::UNKNOWN.0 || self.lineage == lineage.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.lineage, self.seq, self.n)
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
    let (lineage, seq, n) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    Some(Cursor { seq: Seq::new(seq), n: u32::try_from(n).ok()?, lineage })
}

/// Decimal digits as they are printed: no sign and no leading zero, so that a position has one text only.
fn number(digits: &str) -> Option<u64> {
    let canonical = digits == "0" || !digits.starts_with('0');
    (canonical && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}
