//! The end of a log as its owner wrote it, kept in case the store loses it. Owns how much is kept and what of it is missing;
//! reads and appends nothing.

use std::{collections::VecDeque, sync::Arc};

use mcp_orchestrator_domain::{Record, Seq};
use mcp_orchestrator_store::{Head, Lineage};

/// Records kept of each workflow that runs here: a store that loses more than these ends the run. A failover loses what
/// was written in a second or two, and the busiest workflows write tens of records in that time.
const KEPT_MAX: usize = 256;

/// The last records of a log that are known to be stored. Of a store that gives no lineages, and so loses nothing, only
/// where they end.
#[derive(Debug)]
pub(super) struct Tail {
    /// Where the log ended before the first of them.
    before: Head,
    /// Each with its lineage, as far as that was told: of the last of each append.
    records: VecDeque<(Arc<Record>, Lineage)>,
}

/// Records the store has lost.
#[derive(Debug)]
pub(super) struct Missing {
    /// The last record it still has, if that is the one its writer knows.
    pub(super) after: Head,
    /// What followed.
    pub(super) records: Vec<Arc<Record>>,
}

impl Tail {
    /// Nothing is kept of what was written before.
    pub(super) const fn after(head: Head) -> Self {
        Self { before: head, records: VecDeque::new() }
    }

    /// Where the log ends.
    pub(super) fn end(&self) -> Head {
        let lineage = self.records.back().map_or(self.before.lineage, |(_, lineage)| *lineage);
        Head { seq: self.before.seq.plus(self.records.len() as u64), lineage }
    }

    /// Takes records that were appended after a position, the last of which is at `head`.
    pub(super) fn take(&mut self, after: Seq, records: &[Arc<Record>], head: Head) {
        if head.lineage == Lineage::UNKNOWN {
            *self = Self::after(head);
            return;
        }
        let kept = after.value().saturating_sub(self.before.seq.value());
        self.records.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        self.records.extend(records.iter().map(|record| (Arc::clone(record), Lineage::UNKNOWN)));
        if let Some((_, lineage)) = self.records.back_mut() {
            *lineage = head.lineage;
        }
        // Whole appends go, so that the lineage before what is kept stays known.
        let mut inside = false;
        while (inside || self.records.len() > KEPT_MAX)
            && let Some((_, lineage)) = self.records.pop_front()
        {
            self.before = Head { seq: self.before.seq.plus(1), lineage };
            inside = lineage == Lineage::UNKNOWN;
        }
    }

    /// What a log lacks that ends here; `None` when that is nothing, more than is kept, or not known.
    ///
    /// A log that was cut ends where an append did, so the lineage there is known. Where nothing is known, because it is where
    /// the lease was given, the store that knows the lease has what was there by then.
    pub(super) fn missing_after(&self, head: Seq) -> Option<Missing> {
        let kept = usize::try_from(head.value().checked_sub(self.before.seq.value())?).ok()?;
        if kept >= self.records.len() {
            return None;
        }
        let lineage = match kept.checked_sub(1) {
            None => self.before.lineage,
            Some(last) => self.records.get(last).map(|(_, lineage)| *lineage).filter(|of| *of != Lineage::UNKNOWN)?,
        };
        let records = self.records.iter().skip(kept).map(|(record, _)| Arc::clone(record)).collect();
        Some(Missing { after: Head { seq: head, lineage }, records })
    }
}

#[cfg(test)]
mod tests {
    use mcp_orchestrator_domain::{Event, Progress, TimerFired, Timestamp};

    use super::*;

    fn records(numbers: std::ops::RangeInclusive<u64>) -> Vec<Arc<Record>> {
        let record = |at| {
            let event = Event::TimerFired(TimerFired { due: at });
            Arc::new(Record { at, progress: Progress::default(), event })
        };
        numbers.map(Timestamp::from_millis).map(record).collect()
    }

    fn head(seq: u64, lineage: u64) -> Head {
        Head { seq: Seq::new(seq), lineage: Lineage(lineage) }
    }

    fn missing(tail: &Tail, after: u64) -> Option<(Head, Vec<u64>)> {
        let missing = tail.missing_after(Seq::new(after))?;
        Some((missing.after, missing.records.iter().map(|record| record.at.as_millis()).collect()))
    }

    #[test]
    fn what_a_shorter_log_lacks_is_told_where_an_append_ended() {
        let mut tail = Tail::after(head(2, 0));
        tail.take(Seq::new(2), &records(3..=4), head(4, 104));
        tail.take(Seq::new(4), &records(5..=6), head(6, 106));
        assert_eq!(tail.end(), head(6, 106));
        assert_eq!(missing(&tail, 4), Some((head(4, 104), vec![5, 6])));
        assert_eq!(missing(&tail, 2), Some((head(2, 0), vec![3, 4, 5, 6])), "where the lease was given");
        assert_eq!(missing(&tail, 6), None, "nothing is missing");
        assert_eq!(missing(&tail, 5), None, "no append ended there");
        assert_eq!(missing(&tail, 1), None, "that is more than is kept");
        // Written again, with what followed, in one append.
        tail.take(Seq::new(4), &records(5..=7), head(7, 207));
        assert_eq!((tail.end(), missing(&tail, 4)), (head(7, 207), Some((head(4, 104), vec![5, 6, 7]))));
        assert_eq!(missing(&tail, 6), None, "it was not written by itself the second time");
    }

    #[test]
    fn a_bounded_number_is_kept_and_nothing_of_a_store_that_loses_nothing() {
        let mut tail = Tail::after(head(0, 0));
        for seq in 1..=KEPT_MAX as u64 + 10 {
            tail.take(Seq::new(seq - 1), &records(seq..=seq), head(seq, 1_000 + seq));
        }
        assert_eq!(missing(&tail, 9), None);
        assert_eq!(missing(&tail, 10).map(|(after, lost)| (after, lost.len())), Some((head(10, 1_010), KEPT_MAX)));
        let mut pairs = Tail::after(head(0, 0));
        for seq in (2..=KEPT_MAX as u64 + 1 + 2).step_by(2) {
            pairs.take(Seq::new(seq - 2), &records(seq - 1..=seq), head(seq, 1_000 + seq));
        }
        assert_eq!(pairs.before, head(2, 1_002), "an append is kept whole or not at all");
        tail.take(Seq::new(266), &records(267..=267), head(267, 0));
        assert_eq!((tail.end(), tail.records.len()), (head(267, 0), 0));
    }
}
