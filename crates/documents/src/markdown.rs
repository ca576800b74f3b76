//! Documents as Markdown. Owns the page around a report and its front matter; the blocks are in `body`.

mod body;

use std::{collections::HashMap, fmt::Write as _};

use mcp_orchestrator_domain::{Block, Mark, Money, Outcome, Report};

use crate::{Document, Writer, document::instant, parse::escape_into};
use body::{Body, Cites, fenced};

/// Writes a document: front matter, title, notices and notes, report with numbered citations, gaps and sources.
///
/// Text from agents and sources stays text: it cannot end the front matter, start a heading or forge a list.
#[must_use]
pub fn render(document: &Document) -> String {
    let mut out = front_matter(document);
    out.push_str("\n# ");
    out.push_str(&line(&document.title));
    out.push('\n');
    for notice in notices(document) {
        let _ = write!(out, "\n> {notice}\n");
    }
    for note in &document.notes {
        let _ = write!(out, "\n> {}\n", line(note));
    }
    if document.task.trim() != document.title.trim() {
        let _ = write!(out, "\n**Task:** {}\n", line(&document.task));
    }
    let numbers = document.evidence.iter().zip(1..).map(|(span, number)| (&span.id, number)).collect::<HashMap<_, _>>();
    Body { cites: Cites::Numbers(&numbers), raise: 1, marks: true }.write(&document.report, &mut out);
    gaps(document, &mut out);
    sources(document, &mut out);
    costs(document, &mut out);
    out
}

/// Writes a report as agents write one: with `[ev_…]` citations and without marks. [`crate::parse`] reads it back as the
/// same sentences with the same evidence.
#[must_use]
pub fn source(report: &Report) -> String {
    let mut out = String::new();
    Body { cites: Cites::Ids, raise: 0, marks: false }.write(report, &mut out);
    out.trim_start_matches('\n').to_owned()
}

fn front_matter(document: &Document) -> String {
    let text = |text: &str| quoted(text);
    let name = |name: Option<&str>| name.map_or_else(|| "null".to_owned(), quoted);
    let models: Vec<String> = document.models.iter().map(|model| quoted(model.as_str())).collect();
    let written_by = match document.written_by {
        Writer::Model => "model",
        Writer::Extractive => "extractive",
    };
    let outcome = match document.report.outcome {
        Outcome::NothingFound => "nothing_found",
        Outcome::Unverified => "unverified",
        _ => "answered",
    };
    let fields = [
        ("title", text(&document.title)),
        ("id", text(document.id.as_str())),
        ("generated", text(&instant(document.generated))),
        ("pattern", text(document.pattern.as_str())),
        ("provider", name(document.provider.as_ref().map(AsRef::as_ref))),
        ("models", format!("[{}]", models.join(", "))),
        ("written_by", text(written_by)),
        ("outcome", text(outcome)),
        ("proved", document.counts.proved.to_string()),
        ("marked", document.counts.marked.to_string()),
        ("dropped", document.counts.dropped.to_string()),
        ("sources", document.evidence.len().to_string()),
        ("gaps", document.gaps.len().to_string()),
        ("calls", document.spent.calls.to_string()),
        ("tokens", document.spent.usage.total().to_string()),
        ("cost_usd", document.spent.total_cost().map_or_else(|| "null".to_owned(), dollars)),
    ];
    let mut out = "---\n".to_owned();
    for (key, value) in fields {
        let _ = writeln!(out, "{key}: {value}");
    }
    if document.spent.is_estimate() {
        out.push_str("cost_is_estimate: true\n");
    }
    out.push_str("---\n");
    out
}

/// A JSON string, which is also a YAML scalar: what YAML does not print is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if c.is_control() || is_invisible(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// An exact decimal with at least two places.
fn dollars(money: Money) -> String {
    let pico_usd = money.pico_usd();
    let places = format!("{:012}", pico_usd % 1_000_000_000_000);
    let kept = places.trim_end_matches('0').len().max(2);
    format!("{}.{}", pico_usd / 1_000_000_000_000, &places[..kept])
}

fn notices(document: &Document) -> Vec<&'static str> {
    let has_prose = document.report.sentences().next().is_some();
    let outcome = match document.report.outcome {
        Outcome::Unverified => {
            Some("**Unverified.** No source could be asked. Nothing below was checked against evidence.")
        }
        Outcome::NothingFound => Some("**Nothing found.** The sources that were asked hold nothing about this task."),
        _ if !has_prose => Some("**Nothing proved.** No sentence of the draft was supported by its evidence."),
        _ => None,
    };
    let extractive = (document.written_by == Writer::Extractive && has_prose)
        .then_some("No model was used: sentences are quotes from the sources.");
    let unchecked = document.report.outcome != Outcome::Unverified
        && document
            .report
            .sentences()
            .any(|sentence| sentence.mark == Mark::Unchecked && !sentence.evidence.is_empty());
    let unchecked = unchecked.then_some("Citations were not checked: the citation gate was off.");
    outcome.into_iter().chain(extractive).chain(unchecked).collect()
}

/// Foreign text as inline Markdown on one line.
fn line(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = flat.chars().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let mut out = String::with_capacity(shown.len() + 8);
    escape_into(&shown, &mut out);
    out
}

fn gaps(document: &Document, out: &mut String) {
    if document.gaps.is_empty() {
        return;
    }
    out.push_str("\n## What could not be looked into\n\n");
    for gap in &document.gaps {
        let _ = writeln!(out, "- `{}` failed at “{}”: {}", gap.step, line(&gap.task), line(&gap.reason));
    }
}

/// What each section cost, what is no section's, and the sum, where all of it is known.
fn costs(document: &Document, out: &mut String) {
    let Some(costs) = &document.costs else { return };
    let (Some(total), Some(rest)) = (costs.total().known(), costs.not_attributed.known()) else { return };
    let mut sections: Vec<(String, Money)> = Vec::new();
    let mut prices = costs.sentences.iter().map(|sentence| sentence.cost.known().unwrap_or_default());
    for block in &document.report.blocks {
        if let Block::Heading { text, .. } = block {
            sections.push((line(text), Money::ZERO));
            continue;
        }
        let price = prices.by_ref().take(block.sentences().count()).fold(Money::ZERO, Money::plus);
        match sections.last_mut() {
            Some((_, sum)) => *sum = sum.plus(price),
            None => sections.push((line(&document.title), price)),
        }
    }
    let about = if costs.total().is_estimate() { ", estimated by a table of prices" } else { "" };
    let _ = write!(out, "\n## What it cost\n\nIn US dollars{about}; each sentence's part is in the JSON document.\n\n");
    for (section, price) in sections.iter().filter(|(_, price)| *price > Money::ZERO) {
        let _ = writeln!(out, "- {section}: {}", dollars(*price));
    }
    let _ = writeln!(out, "- Not attributed: {}", dollars(rest));
    let _ = writeln!(out, "- Total: {}", dollars(total));
}

fn sources(document: &Document, out: &mut String) {
    if document.evidence.is_empty() {
        return;
    }
    out.push_str("\n## Sources\n");
    for (span, number) in document.evidence.iter().zip(1..) {
        let title = line(&span.source.title);
        let title = if title.is_empty() { line(&span.source.uri) } else { title };
        let _ = write!(out, "\n{number}. **{title}** — {} — `{}`\n\n", line(&span.source.uri), span.id);
        let quote: String =
            span.quote.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || is_invisible(*c))).collect();
        let indent = " ".repeat(number.to_string().len() + 2);
        for row in fenced("text", &quote).lines() {
            out.push_str(if row.is_empty() { "" } else { &indent });
            out.push_str(row);
            out.push('\n');
        }
    }
}
