//! Cuts a document's text into passages, the unit of search and of evidence. Pure: text in, byte ranges out.

use std::{ops::Range, sync::Arc};

use mcp_orchestrator_domain::clean_line;

use super::kind::Kind;

/// Paragraphs are put together until a passage has this many bytes.
const PASSAGE_BYTES_MIN: usize = 400;
/// No passage is longer.
pub(super) const PASSAGE_BYTES_MAX: usize = 1200;
/// Headings inside headings, and what is kept of each.
const HEADING_LEVELS: usize = 6;
const HEADING_CHARS_MAX: usize = 100;
/// Lines a front matter may have.
const FRONT_MATTER_LINES_MAX: usize = 64;
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
        Kind::Markup | Kind::Html | Kind::Pdf => cut_markup(text),
        Kind::Prose => Cut { title: None, passages: pack(text, &paragraphs(text), &"".into()) },
        Kind::Code => cut_code(text),
        Kind::Table => cut_table(text),
    }
}

fn cut_markup(text: &str) -> Cut {
    let (front_title, body_start) = front_matter(text);
    let mut outline = Outline::default();
    let mut passages = Vec::new();
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let mut block: Option<Range<usize>> = None;
    let mut fence: Option<&str> = None;
    let mut lines = Lines::new(text, body_start).peekable();
    while let Some(line) = lines.next() {
        let content = text[line.clone()].trim_end();
        let trimmed = content.trim_start();
        if let Some(mark) = fence {
            if trimmed.starts_with(mark) && trimmed.trim_start_matches([' ', '`', '~']).is_empty() {
                fence = None;
            }
            extend(&mut block, &line);
            continue;
        }
        let below = lines.peek().map_or("", |next| text[next.clone()].trim_end());
        let heading = atx_heading(content).or_else(|| {
            let level = underline_level(content, below)?;
            let alone = block.is_none();
            alone.then_some((level, content))
        });
        if let Some((level, heading)) = heading {
            if atx_heading(content).is_none() {
                lines.next();
            }
            blocks.extend(block.take());
            passages.extend(pack(text, &blocks, &outline.path()));
            blocks.clear();
            outline.enter(level, heading);
        } else if trimmed.is_empty() {
            blocks.extend(block.take());
        } else {
            fence = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
            extend(&mut block, &line);
        }
    }
    blocks.extend(block);
    passages.extend(pack(text, &blocks, &outline.path()));
    if passages.is_empty() {
        // A document of headings alone is still found by them.
        passages = pack(text, &paragraphs(text), &"".into());
    }
    Cut { title: front_title.or(outline.title), passages }
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

/// The headings above the current line.
#[derive(Default)]
struct Outline {
    title: Option<String>,
    levels: [Option<String>; HEADING_LEVELS],
}

impl Outline {
    fn enter(&mut self, level: usize, heading: &str) {
        let heading = tidy(heading);
        let index = level.clamp(1, HEADING_LEVELS) - 1;
        for deeper in &mut self.levels[index..] {
            *deeper = None;
        }
        if heading.is_empty() {
            return;
        }
        if self.title.is_none() {
            self.title = Some(heading);
        } else {
            self.levels[index] = Some(heading);
        }
    }

    fn path(&self) -> Arc<str> {
        self.levels.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(HEADING_SEPARATOR).into()
    }
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

/// `## Heading` of Markdown or `== Heading` of AsciiDoc.
fn atx_heading(line: &str) -> Option<(usize, &str)> {
    let mark = line.chars().next().filter(|c| matches!(c, '#' | '='))?;
    let rest = line.trim_start_matches(mark);
    let level = line.len() - rest.len();
    (level <= HEADING_LEVELS && (rest.is_empty() || rest.starts_with([' ', '\t']))).then(|| (level, rest.trim()))
}

/// A line underlined as Markdown and reStructuredText do.
fn underline_level(line: &str, below: &str) -> Option<usize> {
    let mark = below.chars().next()?;
    let level = match mark {
        '=' => 1,
        '-' => 2,
        '~' => 3,
        '^' => 4,
        _ => return None,
    };
    let is_rule = below.len() >= 3 && below.chars().all(|c| c == mark);
    let is_title = line.starts_with(char::is_alphanumeric) && line.len() <= 4 * HEADING_CHARS_MAX;
    (is_rule && is_title && (level <= 2 || below.len() >= line.chars().count())).then_some(level)
}

/// The title a front matter states, and where the body begins.
fn front_matter(text: &str) -> (Option<String>, usize) {
    let mut lines = Lines::new(text, 0);
    let Some(mark) = lines.next().map(|line| text[line].trim_end()).filter(|line| matches!(*line, "---" | "+++"))
    else {
        return (None, 0);
    };
    let mut title = None;
    for line in lines.take(FRONT_MATTER_LINES_MAX) {
        let content = text[line.clone()].trim_end();
        if content == mark {
            return (title, line.end);
        }
        if let Some(value) =
            content.strip_prefix("title").map(str::trim_start).and_then(|rest| rest.strip_prefix([':', '=']))
        {
            title = Some(tidy(value.trim().trim_matches(['"', '\'']))).filter(|title| !title.is_empty());
        }
    }
    (None, 0)
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
