//! What a span of evidence states, ready to be compared. Owns the analysis of one quote; judges no sentence.

use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
};

use super::{
    dates::{Date, dates},
    foreign::is_in,
    negation::Polarity,
    numbers::{Number, Origin, evidence_numbers},
    text::{Token, compared, fold, plain, stem, tokens},
    turns::{Factor, factors},
    units::mentioned,
    words::is_negation,
};
use crate::Span;

/// A quote and its source, analysed once.
#[derive(Debug)]
pub(super) struct Facts {
    /// The quote as it is and the quote without Markdown.
    lines: [Line; 2],
    /// What may be referred to literally: the quote, the source's address and title.
    literal: [String; 3],
    words: HashSet<String>,
    stems: BTreeSet<String>,
    initials: String,
    pub(super) numbers: Vec<Number>,
    /// Every unit the quote or its title names, at a number or not.
    pub(super) units: BTreeSet<&'static str>,
    pub(super) dates: Vec<Date>,
    pub(super) sentences: Vec<Polarity>,
    /// Factors its words state: "twice", "halved".
    pub(super) factors: Vec<Factor>,
    /// Whether it denies anything.
    pub(super) denies: bool,
}

/// A text as folded tokens between single spaces, and where its sentences, lines and cells begin and end.
#[derive(Debug, Default)]
struct Line {
    text: String,
    bounds: HashSet<usize>,
}

impl Facts {
    pub(super) fn of(span: &Span) -> Self {
        let shown = plain(&span.quote);
        let sentences = statements(&shown.text).map(|range| Polarity::of(&shown, range)).collect();
        let quote = shown.text;
        let mut facts = Self {
            lines: [Line::of(&span.quote), Line::of(&quote)],
            literal: [span.quote.to_string(), span.source.uri.clone(), span.source.title.clone()],
            words: HashSet::new(),
            stems: BTreeSet::new(),
            initials: String::new(),
            numbers: Vec::new(),
            units: BTreeSet::new(),
            dates: Vec::new(),
            sentences,
            factors: factors(&quote),
            denies: tokens(&quote).iter().any(|token| is_negation(&fold(token.text))),
        };
        for text in [&quote, &*span.quote, &span.source.title, &span.source.uri] {
            facts.learn_words(text);
        }
        for text in [&unindented(&quote), &span.source.title] {
            let dates = dates(text);
            let taken: Vec<_> = dates.iter().map(|date| date.range.clone()).collect();
            facts.numbers.extend(evidence_numbers(text, &taken));
            facts.numbers.extend(dates.iter().flat_map(Date::numbers));
            facts.units.extend(tokens(text).iter().filter_map(|token| mentioned(text, token.start)));
            facts
                .units
                .extend(facts.numbers.iter().flat_map(|number| [number.measure.unit, number.measure.per]).flatten());
            facts.dates.extend(dates);
        }
        facts
    }

    fn learn_words(&mut self, text: &str) {
        let mut before: Option<String> = None;
        for token in tokens(text) {
            let folded = fold(token.text);
            for part in token.text.split('_').filter(|_| token.text.contains('_')) {
                self.learn(fold(part));
            }
            for part in camel_parts(token.text) {
                self.learn(fold(part));
            }
            if let Some(before) = before {
                self.words.insert(format!("{before}{folded}"));
            }
            self.initials.extend(folded.chars().next());
            before = Some(folded.clone());
            self.learn(folded);
        }
        self.initials.push(' ');
    }

    fn learn(&mut self, folded: String) {
        self.stems.insert(stem(&folded).to_owned());
        self.words.insert(folded);
    }

    /// Whether the sentence is one or several whole sentences, lines or cells of the quote.
    pub(super) fn is_verbatim(&self, sentence: &[String; 2]) -> bool {
        self.lines.iter().zip(sentence).any(|(line, sentence)| line.has_whole(sentence))
    }

    /// Whether these tokens stand in the quote in this order without a gap.
    pub(super) fn has_sequence(&self, skeleton: &str) -> bool {
        self.lines.iter().any(|line| line.text.contains(skeleton))
    }

    /// Whether the quote, its source's address or title has this reference, whole.
    pub(super) fn has_reference(&self, reference: &str) -> bool {
        self.literal.iter().any(|literal| is_in(reference, literal))
    }

    /// Whether the quote or its title has these words, whatever their case.
    pub(super) fn has_words(&self, skeleton: &str) -> bool {
        self.has_sequence(skeleton) || super::text::skeleton(&self.literal[2]).contains(skeleton)
    }

    /// Whether the word occurs in the quote or its source, with whatever ending.
    pub(super) fn has_word(&self, folded: &str) -> bool {
        self.words.contains(folded) || self.has_stem(stem(folded))
    }

    /// Whether exactly this word occurs in the quote or its source.
    pub(super) fn has_exact_word(&self, folded: &str) -> bool {
        self.words.contains(folded)
    }

    /// As [`Self::has_word`] for a word already stemmed; long words need only begin alike.
    pub(super) fn has_stem(&self, stem: &str) -> bool {
        if self.stems.contains(stem) {
            return true;
        }
        let start: String = stem.chars().take(4).collect();
        let is_near = |theirs: &String| {
            let (short, long) =
                if theirs.len() < stem.len() { (theirs.as_str(), stem) } else { (stem, theirs.as_str()) };
            long.starts_with(short) && long.len() - short.len() <= 3
        };
        start.len() >= 4
            && !stem.bytes().any(|b| b.is_ascii_digit())
            && self.stems.range(start.clone()..).take_while(|theirs| theirs.starts_with(&start)).any(is_near)
    }

    /// Whether a number that is part of a name or a literal such as `0x1f` occurs letter by letter.
    pub(super) fn has_literal_number(&self, number: &Number) -> bool {
        number.origin == Origin::Digits
            && number.measure.unit.is_none()
            && number.text.bytes().any(|b| b.is_ascii_alphabetic())
            && self.words.contains(&fold(&number.text))
    }

    /// Whether the quote or its title has this abbreviation, in capitals: "it" abbreviates no name.
    pub(super) fn has_abbreviation(&self, folded: &str) -> bool {
        let upper = folded.to_uppercase();
        [&self.literal[0], &self.literal[2]].iter().any(|text| tokens(text).iter().any(|token| token.text == upper))
    }

    /// Whether consecutive words of the quote begin with these letters, so that it may be their abbreviation.
    pub(super) fn has_initials(&self, folded: &str) -> bool {
        self.initials.contains(folded)
    }
}

impl Line {
    fn of(text: &str) -> Self {
        let mut line = Self { text: " ".to_owned(), bounds: HashSet::from([0]) };
        let mut before = None;
        for unit in units(text) {
            for token in tokens(&text[unit.clone()]) {
                let token = Token { text: token.text, start: unit.start + token.start };
                line.text.push_str(&compared(text, before, &token));
                line.text.push(' ');
                before = Some(token.end());
            }
            line.bounds.insert(line.text.len() - 1);
        }
        line
    }

    fn has_whole(&self, sentence: &str) -> bool {
        sentence.len() > 2
            && self
                .text
                .match_indices(sentence)
                .any(|(at, _)| self.bounds.contains(&at) && self.bounds.contains(&(at + sentence.len() - 1)))
    }
}

/// The text with its lines beginning at their first letter: "in excess\n  of 5" is wrapped, not spaced.
fn unindented(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        lines.push_str(line.trim_start_matches([' ', '\t']));
    }
    lines
}

/// A quote's sentences, lines and table cells: where a verbatim sentence may begin and end.
fn units(text: &str) -> impl Iterator<Item = Range<usize>> {
    cut(text, |rest, at, c| matches!(c, '\n' | '|' | ';') || ends_sentence(rest, at, c))
}

/// A quote's sentences as they are meant: a line that goes on below is one, an item of a list is its own.
fn statements(text: &str) -> impl Iterator<Item = Range<usize>> {
    cut(text, |rest, at, c| (c == '\n' && begins_block(&rest[at + 1..])) || c == '|' || ends_sentence(rest, at, c))
}

/// The pieces of a text, each up to the character where `ends` says so.
fn cut(text: &str, ends: impl Fn(&str, usize, char) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = &text[start..];
        let (at, c) =
            rest.char_indices().find(|(at, c)| ends(rest, *at, *c)).or_else(|| rest.char_indices().next_back())?;
        let piece = start..start + at + c.len_utf8();
        start = piece.end;
        Some(piece)
    })
}

fn ends_sentence(text: &str, at: usize, c: char) -> bool {
    let after = text[at + c.len_utf8()..].chars().next();
    let closes = |c: char| c.is_whitespace() || matches!(c, '"' | '”' | '’' | ')' | '*' | '_' | '`' | '[' | ']');
    matches!(c, '。' | '！' | '？' | '।') || matches!(c, '.' | '!' | '?' | '…') && after.is_none_or(closes)
}

/// Whether a line does not go on with the one above: it is empty or begins an item, a heading, a quotation or a row.
fn begins_block(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t']);
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.is_empty()
        || line.starts_with(['\n', '\r', '-', '*', '+', '#', '>', '|', '•'])
        || rest.len() < line.len() && rest.starts_with(['.', ')'])
}

fn camel_parts(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in word.char_indices() {
        if before.is_some_and(char::is_lowercase) && c.is_uppercase() {
            parts.push(&word[start..at]);
            start = at;
        }
        before = Some(c);
    }
    if start > 0 {
        parts.push(&word[start..]);
    }
    parts
}
