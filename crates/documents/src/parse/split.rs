//! Text to sentences. Owns where a sentence ends; knows neither Markdown nor citations.

use std::ops::Range;

/// A quotation longer than this many bytes no longer keeps its sentences together.
const QUOTATION_MAX: usize = 600;

/// The sentences of a text in order. Together they hold everything but the white space between them. `atoms` are ranges no sentence
/// ends in; `ends` are places where one ends in any case.
pub(super) fn split(text: &str, atoms: &[Range<usize>], ends: &[usize]) -> Vec<Range<usize>> {
    let quoted = quotations(text);
    let atoms = Ranges::new(atoms);
    let quotes = Ranges::new(&quoted);
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut ends = ends.iter().peekable();
    let mut skip_to = 0;
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        if let Some(end) = ends.next_if(|end| **end <= at)
            && *end > start
            && !atoms.covers(*end)
        {
            push(text, start..*end, &mut sentences);
            start = *end;
        }
        if !is_stop(c) || atoms.covers(at) || atoms.starts(at) {
            continue;
        }
        let end = after_stop(text, at);
        skip_to = end;
        let inside = quotes.covers(at) && quotes.covers(end);
        if !inside && is_end(text, start, at, end) {
            push(text, start..end, &mut sentences);
            start = end;
        }
    }
    if let Some(end) = ends.next().filter(|end| **end > start && **end < text.len()) {
        push(text, start..*end, &mut sentences);
        start = *end;
    }
    push(text, start..text.len(), &mut sentences);
    sentences
}

/// Sorted ranges that do not overlap.
struct Ranges<'a> {
    ranges: &'a [Range<usize>],
}

impl<'a> Ranges<'a> {
    fn new(ranges: &'a [Range<usize>]) -> Self {
        Self { ranges }
    }

    /// Whether `at` lies inside a range, its start excluded.
    fn covers(&self, at: usize) -> bool {
        let before = self.ranges.partition_point(|range| range.start < at);
        before > 0 && at < self.ranges[before - 1].end
    }

    fn starts(&self, at: usize) -> bool {
        self.ranges.binary_search_by_key(&at, |range| range.start).is_ok()
    }
}

fn push(text: &str, range: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let part = &text[range.clone()];
    let trimmed = part.trim();
    if trimmed.is_empty() {
        return;
    }
    let start = range.start + (part.len() - part.trim_start().len());
    let end = start + trimmed.len();
    match sentences.last_mut() {
        // Signs alone are no sentence.
        Some(last) if !trimmed.contains(char::is_alphanumeric) => last.end = end,
        _ => sentences.push(start..end),
    }
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…') || is_wide_stop(c)
}

/// Full stops that need no space after them.
fn is_wide_stop(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡' | '।' | '॥' | '؟' | '۔' | '።' | '။' | '។' | '‼' | '⁇' | '⁈' | '⁉')
}

/// Where the stops from `at` on, and the quotes and brackets that close after them, end.
fn after_stop(text: &str, at: usize) -> usize {
    let stops: usize = text[at..].chars().take_while(|c| is_stop(*c)).map(char::len_utf8).sum();
    let closers = text[at + stops..]
        .chars()
        .take_while(|c| matches!(c, '"' | '”' | '’' | '\'' | ')' | ']' | '»' | '」' | '』' | '）'))
        .map(char::len_utf8)
        .sum::<usize>();
    at + stops + closers
}

fn is_end(text: &str, start: usize, at: usize, end: usize) -> bool {
    let rest = &text[end..];
    let stop = text[at..].chars().next().unwrap_or('.');
    if is_wide_stop(stop) {
        return true;
    }
    if !rest.starts_with(char::is_whitespace) {
        return rest.is_empty();
    }
    let next = rest.trim_start();
    let first = next.trim_start_matches(['"', '“', '(', '\'', '‘', '«', '[']).chars().next();
    if first.is_none_or(char::is_lowercase) {
        return first.is_none();
    }
    if stop != '.' || text[at..end].starts_with("..") {
        return true;
    }
    ends_with_word(text[start..at].trim_start(), next)
}

/// Whether the full stop after `sentence` ends it: not after an abbreviation, an initial or a list number.
fn ends_with_word(sentence: &str, next: &str) -> bool {
    let word =
        sentence.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '“' | '[')).next().unwrap_or_default();
    let word = word.trim_matches(['*', '_']);
    if word.len() == sentence.len() && word.len() <= 3 && word.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let starts = starts_sentence(next);
    let mut chars = word.chars();
    if let (Some(initial), None) = (chars.next(), chars.next())
        && initial.is_uppercase()
        && initial != 'I'
    {
        return starts;
    }
    let lower = word.to_lowercase();
    if TITLES.contains(&word) || ALWAYS_GO_ON.contains(&lower.as_str()) {
        return false;
    }
    let before_number = matches!(lower.as_str(), "no" | "nos" | "nr" | "vol" | "ch" | "art" | "sect" | "pt" | "op");
    if before_number && next.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let is_dotted = lower.contains('.') && lower.split('.').all(|part| part.chars().count() == 1);
    if is_dotted || MAY_END.contains(&lower.as_str()) {
        return starts;
    }
    true
}

/// Whether what follows an abbreviation is the start of a sentence, by its first word.
fn starts_sentence(next: &str) -> bool {
    const STARTERS: &[&str] = &[
        "The", "A", "An", "In", "It", "This", "That", "These", "Those", "However", "We", "He", "She", "They", "But",
        "And", "For", "On", "At", "As", "With", "When", "If", "While", "Its", "Their", "There", "Then", "To", "From",
        "By", "Each", "Every", "No", "Not", "All", "Some", "Such", "One", "Der", "Die", "Das", "Ein", "Eine", "Es",
        "Er", "Sie", "Im",
    ];
    let word = next.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    STARTERS.contains(&word)
}

/// As written: their lower-case twins are ordinary words and units.
const TITLES: &[&str] = &[
    "Dr", "Mr", "Mrs", "Ms", "Prof", "Gen", "Col", "Sgt", "Rep", "Sen", "Gov", "St", "Mt", "Messrs", "Capt", "Lt",
    "Rev", "Hon", "Jan", "Feb", "Aug", "Sept", "Oct", "Nov", "Dec",
];

const ALWAYS_GO_ON: &[&str] = &[
    "e.g", "i.e", "fig", "figs", "vs", "cf", "eq", "eqs", "approx", "ca", "resp", "viz", "z.b", "d.h", "bzw", "vgl",
    "u.a", "sog", "ggf", "incl", "excl", "pp", "p", "al", "refs",
];

const MAY_END: &[&str] = &[
    "etc", "inc", "ltd", "co", "corp", "jr", "sr", "a.m", "p.m", "u.s", "u.k", "usw", "dept", "univ", "est", "ed",
    "eds", "ph.d",
];

/// The ranges between quotation marks, short enough to be one thing.
fn quotations(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let after = text[at + c.len_utf8()..].chars().next();
        if open.is_some_and(|(start, _)| at - start > QUOTATION_MAX) {
            open = None;
        }
        match open {
            Some((start, close)) if c == close => {
                if c != '"' || after.is_none_or(|c| !c.is_alphanumeric()) {
                    found.push(start..at + c.len_utf8());
                    open = None;
                }
            }
            Some(_) => {}
            None => {
                let starts = before.is_none_or(|c| !c.is_alphanumeric()) && after.is_some_and(|c| !c.is_whitespace());
                open = match c {
                    '"' if starts => Some((at, '"')),
                    '“' => Some((at, '”')),
                    '„' => Some((at, '“')),
                    '«' => Some((at, '»')),
                    '「' => Some((at, '」')),
                    _ => None,
                };
            }
        }
        before = Some(c);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::split;

    #[track_caller]
    fn check(text: &str) {
        let expected: Vec<&str> = text.split(" | ").collect();
        let text = text.replace(" | ", " ");
        let found: Vec<&str> = split(&text, &[], &[]).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sentences_end_where_a_reader_says() {
        check("One thing. | Another thing! | A third? | Yes.");
        check("It is 2.5 ms. | Version 1.2.3 is out. | See main.rs for more.");
        check("Some, e.g. Redis, and i.e. SQLite vs. Postgres. | Next.");
        check("Dr. Smith and J. R. Smith met Prof. Jones et al. Later. | Good.");
        check("It ends at 5 p.m. | The next day it resumes.");
        check("Apples, pears etc. | The rest is gone.");
        check("In the U.S. Army it is so. | See Fig. 3 and No. 5 there.");
        check("He said \"Stop. Now.\" and left. | Then silence.");
        check("“It works. It holds.” | So they say.");
        check("Wait... | What? | It goes… on and on.");
        check("1. First things. | 2 Second things.");
        check("In 2024. | In 2025 too.");
        check("Is it Yahoo! or not? | Yes.");
        check("(It is so.) | And more.");
        check("no full stop at all");
        check("Vitamin C. | The rest.");
    }

    #[test]
    fn scripts_without_spaces_are_split_too() {
        let text = "第一句。第二句！第三句";
        let found: Vec<&str> = split(text, &[], &[]).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["第一句。", "第二句！", "第三句"]);
        check("यह एक है। | यह दो है।");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[ -~äß。“”…\n]{0,200}", ends in prop::collection::vec(0_usize..200, 0..4)) {
            let mut ends: Vec<usize> = ends.into_iter().filter(|end| text.is_char_boundary(*end)).collect();
            ends.sort_unstable();
            let ranges = split(&text, &[], &ends);
            let kept: String = ranges.iter().map(|range| &text[range.clone()]).collect();
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&kept), bare(&text));
        }
    }
}
