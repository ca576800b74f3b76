//! The records of one append, as they are read back: which of them a page wants. Owns their numbering; the text is the
//! codec's.

use mcp_orchestrator_domain::{Recorded, Seq, WorkflowId};

use crate::{StoreError, codec::Lines};

/// Bytes of text after which a page ends, so that large records do not fill the memory.
pub(crate) const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The records of one append.
pub(crate) struct Entry<'a> {
    id: &'a WorkflowId,
    next: u64,
    last: u64,
    lines: Lines<'a>,
}

impl<'a> Entry<'a> {
    /// Of `count` records that end with number `last`.
    pub(crate) fn new(id: &'a WorkflowId, last: u64, count: u64, text: &'a str) -> Self {
        Self { id, next: last.saturating_sub(count) + 1, last, lines: Lines::of(text) }
    }

    /// The number of its last record.
    #[cfg(feature = "sqlite")]
    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    /// The next record whose number is above `after`, and the size of its text.
    pub(crate) fn next_after(&mut self, after: Seq) -> Result<Option<(Recorded, usize)>, StoreError> {
        while self.next <= self.last {
            let seq = Seq::new(self.next);
            self.next += 1;
            let what = || format!("record {seq} of {}", self.id);
            if seq > after {
                let (record, size) = self.lines.read(what)?;
                return Ok(Some((Recorded { seq, record }, size)));
            }
            self.lines.pass(what)?;
        }
        Ok(None)
    }
}
