//! One result, whatever service it is from: what it is as evidence. Owns its bounds and how it is written down; knows no
//! service.

use std::sync::Arc;

use mcp_orchestrator_domain::{Source, Span, clean, clean_line};
use mcp_orchestrator_egress::Guard;

use super::plain::plain;
use crate::Snapshot;

const TITLE_CHARS_MAX: usize = 300;
/// The longest text of one record: an abstract, or the beginning of a long post. A quote of it is shown to a model whole.
const TEXT_CHARS_MAX: usize = 2_400;
/// Authors that are named; the others are counted.
const AUTHORS_MAX: usize = 10;
const AUTHOR_CHARS_MAX: usize = 80;
const LINE_CHARS_MAX: usize = 200;

/// A result as a service gave it: texts may be pieces of HTML, of any length.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) title: String,
    /// Where a reader finds it.
    pub(super) url: String,
    /// An abstract, a snippet, a description; may be empty.
    pub(super) text: String,
    /// When it appeared, as the service writes it.
    pub(super) date: Option<String>,
    pub(super) authors: Vec<String>,
    /// `doi:…`, `arXiv:…` and the like.
    pub(super) id: Option<String>,
}

/// A result as evidence.
pub(super) struct Proof {
    pub(super) snapshot: Snapshot,
    pub(super) span: Arc<Span>,
}

impl Record {
    /// Writes it down as one text, all of which can be cited. `None` for what has no title and no text, or no address a
    /// reader could open.
    pub(super) fn proof(&self) -> Option<Proof> {
        let uri = address(&self.url)?;
        let text = cut(&clean(&plain(&self.text)), TEXT_CHARS_MAX);
        let mut title = clean_line(&plain(&self.title), TITLE_CHARS_MAX);
        if title.is_empty() {
            title = clean_line(&text, 80);
        }
        if title.is_empty() {
            return None;
        }
        let mut parts = vec![title.clone()];
        let facts = self.facts();
        if !facts.is_empty() {
            parts.push(facts.join("\n"));
        }
        if !text.is_empty() {
            parts.push(text);
        }
        let snapshot = Snapshot::of(parts.join("\n\n"));
        let span = snapshot.quote(0..snapshot.text.len(), &Arc::new(Source { uri, title }))?;
        Some(Proof { snapshot, span })
    }

    fn facts(&self) -> Vec<String> {
        let mut facts = Vec::new();
        let line = |text: &str| clean_line(&plain(text), LINE_CHARS_MAX);
        let authors = self.authors.iter().map(|author| clean_line(&plain(author), AUTHOR_CHARS_MAX));
        let authors: Vec<String> = authors.filter(|author| !author.is_empty()).collect();
        if !authors.is_empty() {
            let named = authors[..authors.len().min(AUTHORS_MAX)].join(", ");
            let more = authors.len().saturating_sub(AUTHORS_MAX);
            facts.push(if more > 0 {
                format!("Authors: {named} and {more} more")
            } else {
                format!("Authors: {named}")
            });
        }
        let told = [("Date", self.date.as_deref()), ("Identifier", self.id.as_deref())];
        facts.extend(told.into_iter().filter_map(|(name, value)| {
            let value = line(value.unwrap_or_default());
            (!value.is_empty()).then(|| format!("{name}: {value}"))
        }));
        facts
    }
}

/// An address as it may stand in a report: `http` or `https`, nothing in it that ends a link.
fn address(url: &str) -> Option<String> {
    let target = Guard::operator().admit(url).ok()?;
    let mut safe = String::with_capacity(target.as_str().len());
    for c in target.as_str().chars() {
        match c {
            '(' => safe.push_str("%28"),
            ')' => safe.push_str("%29"),
            '<' => safe.push_str("%3C"),
            '>' => safe.push_str("%3E"),
            '[' => safe.push_str("%5B"),
            ']' => safe.push_str("%5D"),
            '|' => safe.push_str("%7C"),
            '`' => safe.push_str("%60"),
            '"' => safe.push_str("%22"),
            c if c.is_whitespace() || c.is_control() => {}
            c => safe.push(c),
        }
    }
    Some(safe)
}

/// The beginning of a text, ended where a sentence or a word ends.
fn cut(text: &str, chars_max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(chars_max) else { return text.to_owned() };
    let start = &text[..end];
    let at = [". ", "\n", " "].into_iter().find_map(|mark| start.rfind(mark).filter(|at| at * 2 >= end));
    let kept = at.map_or(start, |at| &start[..at + usize::from(start[at..].starts_with('.'))]);
    format!("{} …", kept.trim_end())
}

/// A date out of numbers: year, month and day, as far as they are there.
pub(super) fn date_of(parts: &[Option<u32>]) -> Option<String> {
    match parts {
        [Some(year), Some(month), Some(day), ..] => Some(format!("{year:04}-{month:02}-{day:02}")),
        [Some(year), Some(month), ..] => Some(format!("{year:04}-{month:02}")),
        [Some(year), ..] => Some(format!("{year:04}")),
        _ => None,
    }
}

/// The date of a moment in seconds since 1970.
pub(super) fn date_of_seconds(seconds: i64) -> Option<String> {
    let moment = jiff::Timestamp::from_second(seconds).ok()?;
    Some(moment.strftime("%Y-%m-%d").to_string())
}

/// The day of a time in ISO 8601.
pub(super) fn day(time: Option<String>) -> Option<String> {
    time.map(|time| time.split('T').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Record, cut, date_of, date_of_seconds};

    #[test]
    fn a_record_is_one_text_that_can_be_cited_whole() {
        let record = Record {
            title: "On <i>Logs</i> &amp; crashes".into(),
            url: "https://example.org/a(b)?q=[x]".into(),
            text: "A log   survives.".into(),
            date: Some("2024-05-06".into()),
            authors: (1..=12).map(|n| format!("Author {n}")).collect(),
            id: Some("doi:10.1/x".into()),
        };
        let proof = record.proof().unwrap();
        let text = "On Logs & crashes\n\nAuthors: Author 1, Author 2, Author 3, Author 4, Author 5, Author 6, Author 7, \
                    Author 8, Author 9, Author 10 and 2 more\nDate: 2024-05-06\nIdentifier: doi:10.1/x\n\nA log survives.";
        assert_eq!(&*proof.snapshot.text, text);
        assert_eq!(&*proof.span.quote, text);
        assert_eq!(proof.span.source.uri, "https://example.org/a%28b%29?q=%5Bx%5D");
        assert_eq!(proof.span.source.title, "On Logs & crashes");
    }

    #[test]
    fn what_nobody_could_open_or_read_is_no_record() {
        let record = |title: &str, url: &str| Record { title: title.into(), url: url.into(), ..Record::default() };
        for (title, url) in
            [("t", "javascript:alert(1)"), ("t", "file:///etc/passwd"), ("t", ""), (" ", "https://example.org")]
        {
            assert!(record(title, url).proof().is_none(), "{title} {url}");
        }
        assert!(record("t", "https://user:pass@example.org").proof().is_none());
    }

    #[test]
    fn what_hides_in_a_text_is_taken_out_and_what_is_long_is_cut() {
        let text = format!("safe\u{202e}\u{200b} \u{1b}[31m text. {}", "word ".repeat(2_000));
        let record =
            Record { title: "t\u{202e}x".into(), url: "https://example.org".into(), text, ..Record::default() };
        let proof = record.proof().unwrap();
        assert!(!proof.snapshot.text.contains(['\u{202e}', '\u{1b}']));
        assert!(proof.snapshot.text.chars().count() < 2_500 && proof.snapshot.text.ends_with(" …"));
        assert_eq!(cut("漢字漢字", 3), "漢字漢 …");
    }

    #[test]
    fn dates_are_as_exact_as_their_parts() {
        assert_eq!(date_of(&[Some(2017), Some(6), Some(2)]).as_deref(), Some("2017-06-02"));
        assert_eq!(date_of(&[Some(2017)]).as_deref(), Some("2017"));
        assert_eq!(date_of(&[None]), None);
        assert_eq!(date_of_seconds(0).as_deref(), Some("1970-01-01"));
        assert_eq!(date_of_seconds(i64::MAX), None);
    }
}
