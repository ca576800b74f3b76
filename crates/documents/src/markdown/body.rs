//! The blocks of a report as Markdown. Owns what must be escaped where; knows nothing of front matter and sources.

use std::{collections::HashMap, fmt::Write as _};

use mcp_orchestrator_domain::{Block, EvidenceId, Item, Mark, Outcome, Report, Sentence};

/// How citations are written.
pub(super) enum Cites<'a> {
    /// As the numbers of the source list; ids without one are left out.
    Numbers(&'a HashMap<&'a EvidenceId, usize>),
    /// As the ids themselves.
    Ids,
}

/// How a report's blocks are written.
pub(super) struct Body<'a> {
    pub(super) cites: Cites<'a>,
    /// How many levels headings are below those of the report.
    pub(super) raise: u8,
    /// Whether unverified sentences say so.
    pub(super) marks: bool,
}

impl Body<'_> {
    /// Appends every block, each after an empty line.
    pub(super) fn write(&self, report: &Report, out: &mut String) {
        // In a report without sources the first line says it for all.
        let marks = self.marks && report.outcome != Outcome::Unverified;
        let mut lists_in_a_row = 0_usize;
        for block in &report.blocks {
            lists_in_a_row = if matches!(block, Block::List { .. }) { lists_in_a_row + 1 } else { 0 };
            out.push('\n');
            match block {
                Block::Heading { level, text } => {
                    let level = usize::from(level.saturating_add(self.raise).clamp(1, 6));
                    let _ = writeln!(out, "{} {}", "#".repeat(level), heading(text));
                }
                Block::Paragraph(sentences) => {
                    let _ = writeln!(out, "{}", at_line_start(&self.sentences(sentences, marks)));
                }
                Block::Quote(sentences) => {
                    let _ = writeln!(out, "> {}", at_line_start(&self.sentences(sentences, marks)));
                }
                Block::List { ordered, items } => {
                    let is_second = lists_in_a_row.is_multiple_of(2);
                    self.list(*ordered, is_second, items, marks, out);
                }
                Block::Code { language, text } => out.push_str(&fenced(language, text)),
                Block::Table { head, rows } => self.table(head, rows, marks, out),
                Block::Rule => out.push_str("---\n"),
            }
        }
    }

    fn sentences(&self, sentences: &[Sentence], marks: bool) -> String {
        let mut out = String::new();
        for sentence in sentences {
            if !out.is_empty() {
                out.push(' ');
            }
            out.extend(sentence.text.chars().map(|c| if c.is_control() { ' ' } else { c }));
            self.citation(&sentence.evidence, &mut out);
            if marks && sentence.mark == Mark::Unverified {
                out.push_str(" *(unverified)*");
            }
        }
        out
    }

    fn citation(&self, evidence: &[EvidenceId], out: &mut String) {
        let cites: Vec<String> = match self.cites {
            Cites::Ids => evidence.iter().map(ToString::to_string).collect(),
            Cites::Numbers(numbers) => {
                evidence.iter().filter_map(|id| numbers.get(id)).map(ToString::to_string).collect()
            }
        };
        if !cites.is_empty() {
            let _ = write!(out, " [{}]", cites.join(", "));
        }
    }

    fn list(&self, ordered: bool, is_second: bool, items: &[Item], marks: bool, out: &mut String) {
        // Where the text of the last item of each open depth begins.
        let mut offsets: Vec<usize> = Vec::new();
        let mut number = 0_usize;
        for item in items {
            offsets.truncate(usize::from(item.depth));
            let indent = offsets.last().copied().unwrap_or(0);
            let marker = match (ordered && offsets.is_empty(), is_second) {
                (true, second) => {
                    number += 1;
                    format!("{number}{}", if second { ')' } else { '.' })
                }
                (false, false) => "-".to_owned(),
                (false, true) => "+".to_owned(),
            };
            let text = at_line_start(&self.sentences(&item.sentences, marks));
            let _ = writeln!(out, "{:indent$}{marker} {text}", "");
            offsets.push(indent + marker.len() + 1);
        }
    }

    fn table(&self, head: &[Vec<Sentence>], rows: &[Vec<Vec<Sentence>>], marks: bool, out: &mut String) {
        let row = |cells: &[Vec<Sentence>], out: &mut String| {
            out.push('|');
            for cell in cells {
                let _ = write!(out, " {} |", self.sentences(cell, marks).replace('|', "\\|"));
            }
            out.push('\n');
        };
        row(head, out);
        let _ = writeln!(out, "|{}", " --- |".repeat(head.len()));
        for cells in rows {
            row(cells, out);
        }
    }
}

/// A fenced code block whose fence no line of the text can end.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let mut longest = 2;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let text: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
    format!("{fence}{language}\n{text}\n{fence}\n")
}

/// A heading's text: closing marks stay text.
fn heading(text: &str) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let marks = flat.len() - flat.trim_end_matches('#').len();
    if marks == 0 { flat } else { format!("{}\\{}", &flat[..flat.len() - marks], "#".repeat(marks)) }
}

/// Inline Markdown at the start of a line: what would begin a block is escaped.
fn at_line_start(text: &str) -> String {
    let text = text.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let after = text[digits..].chars().next();
    if digits > 0 && matches!(after, Some('.' | ')')) {
        return format!("{}\\{}", &text[..digits], &text[digits..]);
    }
    if text.starts_with(['#', '>', '-', '+', '~', '=', '|']) { format!("\\{text}") } else { text.to_owned() }
}
