//! Styled text between Markdown events and sentences. Owns how inline Markdown is written back; knows no block.

use std::ops::Range;

/// How a run of text is set. One at a time: nesting says nothing a reader of a report needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    #[default]
    Plain,
    Emphasis,
    Strong,
    Code,
}

/// What a reader sees, with its styles and links.
#[derive(Clone, Debug, Default)]
pub(super) struct Inline {
    pub(super) text: String,
    /// Where each run starts; it ends where the next one does.
    runs: Vec<Run>,
    links: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    start: usize,
    style: Style,
    link: Option<usize>,
}

impl Inline {
    /// Registers a link's address.
    pub(super) fn link(&mut self, address: &str) -> usize {
        self.links.push(address.to_owned());
        self.links.len() - 1
    }

    /// Appends text. Outside code white space is made single spaces and control characters are dropped.
    pub(super) fn push(&mut self, text: &str, style: Style, link: Option<usize>) {
        self.begin(style, link);
        for c in text.chars() {
            match c {
                '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' => {
                    if style == Style::Code || !self.text.ends_with(' ') {
                        self.text.push(' ');
                    }
                }
                ' ' if style != Style::Code && self.text.ends_with(' ') => {}
                _ if is_hostile(c) => {}
                _ => self.text.push(c),
            }
        }
    }

    /// Appends a part of another text with its styles.
    pub(super) fn push_part(&mut self, other: &Self, range: Range<usize>) {
        for (part, run) in other.runs_in(range) {
            self.begin(run.style, run.link);
            self.text.push_str(&other.text[part]);
        }
    }

    /// A text without content that has the same links.
    pub(super) fn without_text(&self) -> Self {
        Self { links: self.links.clone(), ..Self::default() }
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.text.truncate(length);
        while self.runs.last().is_some_and(|run| run.start >= length) {
            self.runs.pop();
        }
    }

    fn begin(&mut self, style: Style, link: Option<usize>) {
        if self.runs.last().is_some_and(|run| run.start == self.text.len()) {
            self.runs.pop();
        }
        let run = Run { start: self.text.len(), style, link };
        if self.runs.last().is_none_or(|last| (last.style, last.link) != (style, link)) {
            self.runs.push(run);
        }
    }

    fn runs_in(&self, range: Range<usize>) -> impl Iterator<Item = (Range<usize>, Run)> {
        let first = self.runs.partition_point(|run| run.start <= range.start).saturating_sub(1);
        let ends = self.runs[first..].iter().skip(1).map(|run| run.start).chain([self.text.len()]);
        self.runs[first..]
            .iter()
            .zip(ends)
            .take_while({
                let end = range.end;
                move |(run, _)| run.start < end
            })
            .map(move |(run, end)| (run.start.max(range.start)..end.min(range.end), *run))
            .filter(|(part, _)| !part.is_empty())
    }

    /// Code and links: what no sentence ends in.
    pub(super) fn atoms(&self) -> Vec<Range<usize>> {
        self.runs_in(0..self.text.len())
            .filter(|(_, run)| run.style == Style::Code || run.link.is_some())
            .map(|(range, _)| range)
            .collect()
    }

    /// The runs of code.
    pub(super) fn code(&self) -> Vec<Range<usize>> {
        self.runs_in(0..self.text.len()).filter(|(_, run)| run.style == Style::Code).map(|(range, _)| range).collect()
    }

    /// Inline Markdown that reads back as the same text and, where the syntax allows it, the same styles.
    pub(super) fn markdown(&self, range: Range<usize>) -> String {
        let mut out = String::with_capacity(range.len() + 8);
        let parts: Vec<(Range<usize>, Run)> = self.runs_in(range.clone()).collect();
        // Plain text waits until it ends, so that what is escaped does not depend on how it was cut into runs.
        let mut plain: Range<usize> = range.start..range.start;
        let mut styled_to = None;
        let mut at = 0;
        while let Some((part, run)) = parts.get(at).cloned() {
            at += 1;
            let is_text = run.link.is_none() && run.style != Style::Code;
            let marked = if is_text { self.marked(&part, run.style, &range, styled_to) } else { None };
            if is_text && marked.is_none() {
                plain.end = part.end;
                continue;
            }
            let inner = marked.clone().map_or_else(|| part.clone(), |(inner, _)| inner);
            escape_into(&self.text[plain.start..inner.start], &mut out);
            let mut end = inner.end;
            if let Some((inner, mark)) = marked {
                out.push_str(mark);
                escape_into(&self.text[inner], &mut out);
                out.push_str(mark);
                styled_to = Some(end);
            } else if let Some(link) = run.link {
                let length = parts[at - 1..].iter().take_while(|(_, run)| run.link == Some(link)).count();
                let linked = &parts[at - 1..at - 1 + length];
                self.write_link(linked, &self.links[link], &mut out);
                at += length - 1;
                end = linked.last().map_or(end, |(part, _)| part.end);
            } else {
                write_code(&self.text[part], &mut out);
            }
            plain = end..end.max(parts[at - 1].0.end);
        }
        escape_into(&self.text[plain], &mut out);
        out
    }

    /// What of a part is set off and by which mark; `None` when it is plain or Markdown would not read the mark as one.
    fn marked(
        &self,
        part: &Range<usize>,
        style: Style,
        sentence: &Range<usize>,
        styled_to: Option<usize>,
    ) -> Option<(Range<usize>, &'static str)> {
        let mark = match style {
            Style::Plain | Style::Code => return None,
            Style::Emphasis => "*",
            Style::Strong => "**",
        };
        let text = &self.text[part.clone()];
        let start = part.start + (text.len() - text.trim_start().len());
        let inner = start..start + text.trim().len();
        let before = self.text[sentence.start..inner.start].chars().next_back();
        let after = self.text[inner.end..sentence.end].chars().next();
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let opens = is_word(self.text[inner.clone()].chars().next()) || !is_word(before);
        let closes = is_word(self.text[inner.clone()].chars().next_back()) || !is_word(after);
        let is_clear = before != Some('*') && after != Some('*') && styled_to != Some(inner.start);
        (!inner.is_empty() && is_clear && opens && closes).then_some((inner, mark))
    }

    fn write_link(&self, parts: &[(Range<usize>, Run)], address: &str, out: &mut String) {
        if out.ends_with('!') {
            out.pop();
            out.push_str("\\!");
        }
        out.push('[');
        for (part, run) in parts {
            let text = &self.text[part.clone()];
            if run.style == Style::Code {
                write_code(text, out);
            } else {
                escape_into(text, out);
            }
        }
        out.push_str("](");
        for c in address.chars() {
            match c {
                ' ' => out.push_str("%20"),
                '(' => out.push_str("%28"),
                ')' => out.push_str("%29"),
                '<' => out.push_str("%3C"),
                '>' => out.push_str("%3E"),
                '\\' => out.push_str("%5C"),
                '`' => out.push_str("%60"),
                _ if c.is_control() || c.is_whitespace() => {}
                _ => out.push(c),
            }
        }
        out.push(')');
    }
}

fn write_code(text: &str, out: &mut String) {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let is_blank = text.chars().all(|c| c == ' ');
    let pads =
        !is_blank && (text.starts_with('`') || text.ends_with('`') || (text.starts_with(' ') && text.ends_with(' ')));
    let pad = if pads { " " } else { "" };
    for piece in [&fence, pad, text, pad, &fence] {
        out.push_str(piece);
    }
}

/// Appends text so that Markdown reads it as itself inside a line. What is special only at the start of a line is for
/// whoever starts the line.
pub(crate) fn escape_into(text: &str, out: &mut String) {
    let mut before: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied();
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let special = match c {
            '\\' | '`' | '*' | '[' | ']' => true,
            '_' => !(is_word(before) && is_word(after)),
            '<' => after.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')),
            '&' => after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '#'),
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
}

/// Characters that move a cursor or reorder what a reader sees.
pub(super) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}
