//! What becomes of a report after the check. Owns dropping and marking; finds nothing itself.

use crate::{Block, Finding, GateMode, Item, Mark, Outcome, Report, Sentence};

/// A report after the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine takes it apart")]
pub struct Settled {
    /// What remains, every sentence with its mark.
    pub report: Report,
    /// Sentences whose citations were all proved.
    pub proved: u32,
    /// Sentences marked as unverified.
    pub marked: u32,
    /// Sentences dropped.
    pub dropped: u32,
}

/// Applies `findings`, which [`super::check`] returned for this `report` and `mode`.
///
/// * [`GateMode::Strict`]: a sentence with a finding is dropped, then blocks without sentences and headings without
///   content; a sentence that cites is proved, one that does not is unverified; labels of a table stay
///   unchecked.
/// * [`GateMode::Mark`]: nothing is dropped; a sentence with a finding is unverified.
/// * [`GateMode::Off`]: nothing is changed.
///
/// In a report without sources every sentence that stays is unverified. A report that says that nothing was found
/// carries no prose in any mode.
#[must_use]
pub fn settle(report: Report, findings: &[Finding], mode: GateMode) -> Settled {
    if report.outcome == Outcome::NothingFound {
        let dropped = narrow(report.sentences().count());
        return Settled { report: Report { blocks: Vec::new(), ..report }, proved: 0, marked: 0, dropped };
    }
    if mode == GateMode::Off {
        return Settled { report, proved: 0, marked: 0, dropped: 0 };
    }
    let mut failing: Vec<usize> = findings.iter().map(|finding| finding.sentence).collect();
    failing.sort_unstable();
    failing.dedup();
    let mut pass = Pass {
        failing: failing.into_iter().peekable(),
        strict: mode == GateMode::Strict,
        unverified: report.outcome == Outcome::Unverified,
        position: 0,
        label: false,
        settled: Settled { report: Report { blocks: Vec::new(), ..report }, proved: 0, marked: 0, dropped: 0 },
    };
    let blocks: Vec<Block> = report.blocks.into_iter().filter_map(|block| pass.block(block)).collect();
    let Pass { mut settled, .. } = pass;
    settled.report.blocks = if settled.dropped > 0 { without_empty_sections(blocks) } else { blocks };
    settled
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// One walk over the sentences in their order.
struct Pass {
    failing: std::iter::Peekable<std::vec::IntoIter<usize>>,
    strict: bool,
    unverified: bool,
    position: usize,
    /// Whether this is a table's header, whose labels claim nothing.
    label: bool,
    settled: Settled,
}

impl Pass {
    fn block(&mut self, block: Block) -> Option<Block> {
        match block {
            Block::Paragraph(sentences) => self.kept(sentences).map(Block::Paragraph),
            Block::Quote(sentences) => self.kept(sentences).map(Block::Quote),
            Block::List { ordered, items } => {
                let items: Vec<Item> = items
                    .into_iter()
                    .filter_map(|Item { depth, sentences }| {
                        self.kept(sentences).map(|sentences| Item { depth, sentences })
                    })
                    .collect();
                (!items.is_empty()).then_some(Block::List { ordered, items })
            }
            Block::Table { head, rows } => {
                self.label = true;
                let head = self.cells(head);
                self.label = false;
                let had_rows = !rows.is_empty();
                let rows: Vec<_> = rows.into_iter().filter_map(|row| self.row(row)).collect();
                (!had_rows || !rows.is_empty()).then_some(Block::Table { head, rows })
            }
            Block::Heading { .. } | Block::Code { .. } | Block::Rule => Some(block),
        }
    }

    /// The sentences that stay; `None` when all of them were dropped. What was empty before stays.
    fn kept(&mut self, sentences: Vec<Sentence>) -> Option<Vec<Sentence>> {
        let had_none = sentences.is_empty();
        let kept: Vec<Sentence> = sentences.into_iter().filter_map(|sentence| self.sentence(sentence)).collect();
        (had_none || !kept.is_empty()).then_some(kept)
    }

    fn cells(&mut self, cells: Vec<Vec<Sentence>>) -> Vec<Vec<Sentence>> {
        cells.into_iter().map(|cell| self.kept(cell).unwrap_or_default()).collect()
    }

    /// A row that lost everything but the label in its first cell says nothing any more.
    fn row(&mut self, row: Vec<Vec<Sentence>>) -> Option<Vec<Vec<Sentence>>> {
        let dropped = self.settled.dropped;
        let row = self.cells(row);
        if dropped == self.settled.dropped || row.iter().skip(1).any(|cell| !cell.is_empty()) {
            return Some(row);
        }
        for label in row.iter().flatten() {
            self.settled.dropped += 1;
            match label.mark {
                Mark::Proved => self.settled.proved -= 1,
                Mark::Unverified => self.settled.marked -= 1,
                Mark::Unchecked => {}
            }
        }
        None
    }

    fn sentence(&mut self, mut sentence: Sentence) -> Option<Sentence> {
        let fails = self.failing.next_if_eq(&self.position).is_some();
        self.position += 1;
        if fails && self.strict {
            self.settled.dropped += 1;
            return None;
        }
        if self.label && !fails && sentence.evidence.is_empty() {
            return Some(sentence);
        }
        if fails || self.unverified || sentence.evidence.is_empty() {
            self.settled.marked += 1;
            sentence.mark = Mark::Unverified;
        } else {
            self.settled.proved += 1;
            sentence.mark = Mark::Proved;
        }
        Some(sentence)
    }
}

/// Removes headings whose section has no content, and rules that then separate nothing.
fn without_empty_sections(blocks: Vec<Block>) -> Vec<Block> {
    // From the end: the highest level of a section that has content after this point and is still open.
    let mut content_below = false;
    let mut filled = [false; 8];
    let mut kept: Vec<Block> = Vec::with_capacity(blocks.len());
    for block in blocks.into_iter().rev() {
        match &block {
            Block::Heading { level, .. } => {
                let level = usize::from((*level).clamp(1, 6));
                // Content directly below, or in a deeper section below.
                let has_content = content_below || filled[level + 1..].contains(&true);
                content_below = false;
                filled[level..].fill(false);
                if has_content {
                    filled[level] = true;
                    kept.push(block);
                }
            }
            Block::Rule => {
                if kept.last().is_some_and(|after| !matches!(after, Block::Rule)) {
                    kept.push(block);
                }
            }
            Block::Paragraph(_) | Block::Quote(_) | Block::List { .. } | Block::Code { .. } | Block::Table { .. } => {
                content_below = true;
                kept.push(block);
            }
        }
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::without_empty_sections;
    use crate::{Block, Sentence};

    #[test]
    fn headings_stay_only_above_content() {
        let heading = |level| Block::Heading { level, text: format!("h{level}") };
        let text = || Block::Paragraph(vec![Sentence { text: "x".into(), ..Sentence::default() }]);
        for (blocks, expected) in [
            (vec![heading(1), heading(2), text(), heading(1)], vec![heading(1), heading(2), text()]),
            (vec![heading(1), heading(2), heading(1), text()], vec![heading(1), text()]),
            (vec![heading(1), text(), heading(2), heading(3)], vec![heading(1), text()]),
            (vec![heading(1), Block::Rule, heading(1)], vec![]),
            (vec![heading(2), heading(1), heading(3), text()], vec![heading(1), heading(3), text()]),
        ] {
            assert_eq!(without_empty_sections(blocks), expected);
        }
    }
}
