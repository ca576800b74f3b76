//! Cuts light markup by its headings. Owns what a heading, a fence and a front matter look like; packing paragraphs is
//! the parent's.

use std::{ops::Range, sync::Arc};

use super::{Cut, HEADING_CHARS_MAX, HEADING_SEPARATOR, Lines, extend, pack, paragraphs, tidy};

/// Headings inside headings.
const HEADING_LEVELS: usize = 6;
/// Lines a front matter may have.
const FRONT_MATTER_LINES_MAX: usize = 64;

pub(super) fn cut(text: &str) -> Cut {
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
