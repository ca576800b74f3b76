//! Cuts a document's text into passages, the unit of search and of evidence. Pure: text in, byte ranges out.

mod markup;

use std::{ops::Range, sync::Arc};

use mcp_orchestrator_domain::clean_line;

use super::kind::Kind;

/// Paragraphs are put together until a passage has this many bytes.
const PASSAGE_BYTES_MIN: usize = 400;
/// No passage is longer.
pub(super) const PASSAGE_BYTES_MAX: usize = 1200;
/// What is kept of a heading.
const HEADING_CHARS_MAX: usize = 100;
/// Between the headings of a path.
pub(super) const HEADING_SEPARATOR: &str = " › ";

/// A stretch of a document that is found and quoted as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// Bytes of the text, on character boundaries, never empty.
    pub(super) range: Range<usize>,
    /// The headings above it, outermost first, without the document's title; empty when there is none.
    pub(super) heading: Arc<str>,
}

/// A document cut up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// The document's own title, if it says one.
    pub(super) title: Option<String>,
    /// In the order of the text, not overlapping.
    pub(super) passages: Vec<Passage>,
}

/// Cuts a text. The same text and kind always give the same passages.
pub(super) fn cut(kind: Kind, text: &str) -> Cut {
    match kind {
        Kind::Markup | Kind::Html | Kind::Pdf => markup::cut(text),
        Kind::Prose => Cut { title: None, passages: pack(text, &paragraphs(text), &"".into()) },
        Kind::Code => cut_code(text),
        Kind::Table => cut_table(text),
    }
}

fn cut_code(text: &str) -> Cut {
    let passages = pack(text, &paragraphs(text), &"".into())
        .into_iter()
        .map(|passage| {
            let heading = text[passage.range.clone()].lines().find(|line| is_definition(line.trim_start()));
            Passage { heading: heading.map(tidy).unwrap_or_default().into(), ..passage }
        })
        .collect();
    Cut { title: None, passages }
}

fn cut_table(text: &str) -> Cut {
    let columns: Arc<str> = text.lines().next().map(tidy).unwrap_or_default().into();
    let rows: Vec<Range<usize>> = Lines::new(text, 0).filter(|line| !text[line.clone()].trim().is_empty()).collect();
    Cut { title: None, passages: pack(text, &rows, &columns) }
}

/// Paragraphs put together to passages of one heading; what is too long is cut at the best place.
fn pack(text: &str, blocks: &[Range<usize>], heading: &Arc<str>) -> Vec<Passage> {
    let mut passages = Vec::new();
    let mut current: Option<Range<usize>> = None;
    let mut flush = |range: Range<usize>| {
        let range = trim(text, range);
        if text[range.clone()].contains(char::is_alphanumeric) {
            passages.push(Passage { range, heading: Arc::clone(heading) });
        }
    };
    for block in blocks {
        if let Some(open) = current.take() {
            if open.len() < PASSAGE_BYTES_MIN && block.end - open.start <= PASSAGE_BYTES_MAX {
                current = Some(open.start..block.end);
                continue;
            }
            flush(open);
        }
        let mut rest = block.clone();
        while rest.len() > PASSAGE_BYTES_MAX {
            let end = best_cut(text, &rest);
            flush(rest.start..end);
            rest.start = end;
        }
        current = Some(rest);
    }
    if let Some(open) = current {
        flush(open);
    }
    passages
}

/// Where to cut what is too long: after a line, else after a sentence, else after a word, in the second half of what
/// fits.
fn best_cut(text: &str, range: &Range<usize>) -> usize {
    let end = text.floor_char_boundary(range.start + PASSAGE_BYTES_MAX);
    let half = text.ceil_char_boundary(range.start + PASSAGE_BYTES_MAX / 2);
    let window = &text[half..end];
    let after = |at: usize, length: usize| half + at + length;
    window
        .rfind('\n')
        .map(|at| after(at, 1))
        .or_else(|| {
            [". ", "! ", "? ", "。", "; "]
                .iter()
                .filter_map(|stop| window.rfind(stop).map(|at| after(at, stop.len())))
                .max()
        })
        .or_else(|| window.rfind([' ', '\t', ',']).map(|at| after(at, 1)))
        .unwrap_or(end)
}

/// Without blank lines before and white space behind; the first line keeps its indentation.
fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let end = range.start + part.trim_end().len();
    let blank = part.len() - part.trim_start().len();
    let start = range.start + part[..blank].rfind('\n').map_or(0, |newline| newline + 1);
    start.min(end)..end
}

fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut block = None;
    for line in Lines::new(text, 0) {
        if text[line.clone()].trim().is_empty() {
            blocks.extend(block.take());
        } else {
            extend(&mut block, &line);
        }
    }
    blocks.extend(block);
    blocks
}

fn extend(block: &mut Option<Range<usize>>, line: &Range<usize>) {
    match block {
        Some(block) => block.end = line.end,
        None => *block = Some(line.clone()),
    }
}

/// Byte ranges of lines, each with its newline.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        self.at = start + rest.find('\n').map_or(rest.len(), |newline| newline + 1);
        Some(start..self.at)
    }
}

fn is_definition(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "pub ",
        "fn ",
        "async fn ",
        "struct ",
        "enum ",
        "trait ",
        "impl ",
        "impl<",
        "mod ",
        "def ",
        "async def ",
        "class ",
        "function ",
        "export ",
        "interface ",
        "type ",
        "func ",
        "public ",
        "private ",
        "protected ",
        "package ",
        "module ",
        "CREATE ",
        "create ",
        "[",
    ];
    WORDS.iter().any(|word| line.starts_with(word))
}

/// A heading as one plain line: marks, trailing `#` and anchors are taken off, links keep their text.
fn tidy(heading: &str) -> String {
    let heading = heading.trim().trim_end_matches('#').trim_end();
    let heading = heading.strip_suffix('}').and_then(|rest| rest.rsplit_once("{#")).map_or(heading, |(head, _)| head);
    let mut plain = String::with_capacity(heading.len());
    let mut rest = heading;
    while let Some((before, after)) = rest.split_once("](") {
        let Some((_, behind)) = after.split_once(')') else { break };
        plain.extend(before.chars().filter(|c| *c != '['));
        rest = behind;
    }
    plain.push_str(rest);
    plain.retain(|c| !matches!(c, '*' | '`'));
    clean_line(&plain, HEADING_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Cut, Kind, PASSAGE_BYTES_MAX, cut};

    fn shown(cut: &Cut, text: &str) -> Vec<(String, String)> {
        cut.passages.iter().map(|p| (p.heading.to_string(), text[p.range.clone()].to_owned())).collect()
    }

    fn pair(heading: &str, text: &str) -> (String, String) {
        (heading.to_owned(), text.to_owned())
    }

    #[test]
    fn markdown_is_cut_by_heading() {
        let text = "---\nlang: en\n---\n# Store\n\nIntro.\n\n## Crash *recovery* {#crash}\nIt resumes.\n\nTwice.\n\n### [Locks](x.md)\n\
                    Held.\n\nOther\n-----\n\n```sh\n# no heading\n\nrun\n```\n";
        let cut = cut(Kind::Markup, text);
        assert_eq!(cut.title.as_deref(), Some("Store"));
        assert_eq!(
            shown(&cut, text),
            [
                pair("", "Intro."),
                pair("Crash recovery", "It resumes.\n\nTwice."),
                pair("Crash recovery › Locks", "Held."),
                pair("Other", "```sh\n# no heading\n\nrun\n```"),
            ]
        );
    }

    #[test]
    fn a_front_matter_title_wins_and_a_document_of_headings_is_kept() {
        let text = "---\ntitle: \"A guide\"\n---\n# One\n\n## Two\n";
        let cut = cut(Kind::Markup, text);
        assert_eq!(cut.title.as_deref(), Some("A guide"));
        assert_eq!(cut.passages.len(), 1);
    }

    #[test]
    fn rows_carry_their_columns_and_code_its_definition() {
        let table = "name,price\nbolt,3\nnut,4\n";
        assert_eq!(shown(&cut(Kind::Table, table), table), [pair("name,price", "name,price\nbolt,3\nnut,4")]);
        let code = "// Adds.\npub fn add(a: u8) -> u8 {\n    a\n}\n";
        assert_eq!(&*cut(Kind::Code, code).passages[0].heading, "pub fn add(a: u8) -> u8 {");
    }

    #[test]
    fn a_line_without_end_is_cut_between_words() {
        let text = "word ".repeat(2_000);
        let passages = cut(Kind::Prose, &text).passages;
        assert!(passages.len() >= 8);
        assert!(
            passages
                .iter()
                .all(|p| text[p.range.clone()].starts_with("word") && text[p.range.clone()].ends_with("word"))
        );
    }

    proptest! {
        #[test]
        fn passages_are_ordered_bounded_and_on_characters(
            text in prop_oneof![
                "(# |## |```|---|===|\n|\n\n|word |é|漢|[a-z ]{0,80}|\t){0,200}",
                "\\PC{0,3000}",
            ],
            kind in prop::sample::select(vec![Kind::Markup, Kind::Prose, Kind::Code, Kind::Table]),
        ) {
            let cut = cut(kind, &text);
            let mut last = 0;
            for passage in &cut.passages {
                prop_assert!(passage.range.start >= last && passage.range.end > passage.range.start);
                prop_assert!(passage.range.len() <= PASSAGE_BYTES_MAX);
                prop_assert!(text.get(passage.range.clone()).is_some_and(|quote| quote.contains(char::is_alphanumeric)));
                last = passage.range.end;
            }
        }
    }
}
