//! Words of a text and when two of them count as the same. Owns tokens, stems and the small word lists; knows nothing
//! of questions, spans or reports.

use std::collections::BTreeSet;

use super::lexicon;

/// The words of a text in reading order, folded to stems, and the same as a set.
#[derive(Clone, Debug, Default)]
pub(super) struct Bag {
    /// In reading order, parts of compound names after the name itself.
    pub(super) sequence: Vec<String>,
    /// Each once.
    pub(super) stems: BTreeSet<String>,
}

impl Bag {
    /// The words of `text`. A compound name (`max_draft`, `IntoResponse`) gives itself and its parts.
    pub(super) fn of(text: &str) -> Self {
        let mut bag = Self::default();
        bag.add(text);
        bag
    }

    /// Adds the words of another text.
    pub(super) fn add(&mut self, text: &str) {
        for word in words(text) {
            let whole = stem(word);
            let parts = compound_parts(word);
            self.push(whole);
            if parts.len() > 1 {
                // `WebSocketUpgrade` is also about a websocket.
                for pair in parts.windows(2).filter(|_| parts.len() > 2) {
                    self.stems.insert(stem(&pair.concat()));
                }
                for part in parts {
                    self.push(stem(part));
                }
            }
        }
    }

    fn push(&mut self, stem: String) {
        self.stems.insert(stem.clone());
        self.sequence.push(stem);
    }

    /// How well the stem `wanted` is in the bag: 1 as itself, less as a relative, 0 not at all.
    pub(super) fn strength(&self, wanted: &str) -> f64 {
        if self.stems.contains(wanted) {
            return 1.0;
        }
        if self.stems.iter().any(|stem| related(wanted, stem)) {
            return 0.85;
        }
        let meanings = lexicon::meanings(wanted);
        if !meanings.is_empty() && self.stems.iter().any(|stem| shares_meaning(meanings, lexicon::meanings(stem))) {
            return 0.7;
        }
        0.0
    }
}

/// The words of a text as they are written: runs of letters and digits that may hold `_` and, between digits, `.` or
/// `,`. Scripts without spaces give one word per character.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    word_ranges(text).map(|(start, end)| &text[start..end])
}

/// The same as byte ranges.
pub(super) fn word_ranges(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut position = 0;
    std::iter::from_fn(move || {
        let start = position + text[position..].find(char::is_alphanumeric)?;
        let rest = &text[start..];
        let mut end = start;
        let mut before = None;
        let mut chars = rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if is_unspaced(c) {
                if at == 0 {
                    end = start + c.len_utf8();
                }
                break;
            }
            let after = chars.peek().map(|(_, c)| *c);
            let joins = match c {
                '_' => after.is_some_and(char::is_alphanumeric),
                '.' => is_digit(before) && is_digit(after),
                ',' => is_digit(before) && groups_digits(&rest[at + 1..]),
                '\'' | '’' => false,
                _ => c.is_alphanumeric(),
            };
            if !joins {
                break;
            }
            end = start + at + c.len_utf8();
            before = Some(c);
        }
        position = end;
        Some((start, end))
    })
}

const fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{0e00}'..='\u{0e7f}')
}

/// Whether exactly three digits follow: the comma before them groups a number's digits.
fn groups_digits(rest: &str) -> bool {
    rest.bytes().take_while(u8::is_ascii_digit).count() == 3
}

fn is_digit(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_digit())
}

/// The parts of a compound name: cut at `_` and where a small letter meets a capital.
pub(super) fn compound_parts(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for piece in word.split('_').filter(|piece| !piece.is_empty()) {
        let mut start = 0;
        let mut before_is_lower = false;
        for (at, c) in piece.char_indices() {
            if before_is_lower && c.is_uppercase() {
                parts.push(&piece[start..at]);
                start = at;
            }
            before_is_lower = c.is_lowercase();
        }
        parts.push(&piece[start..]);
    }
    parts
}

/// Whether a word is a name of a program text: has `_`, or a capital after a small letter.
pub(super) fn is_identifier(word: &str) -> bool {
    compound_parts(word).len() > 1
}

/// The stem of a word: lower case, grouping commas out of numbers, common English endings off.
pub(super) fn stem(word: &str) -> String {
    let mut word = word.to_lowercase();
    if word.bytes().any(|b| b.is_ascii_digit()) {
        return normal_number(&word);
    }
    if let Some(base) = lexicon::irregular(&word) {
        return stem(base);
    }
    if word.contains('_') || !word.is_ascii() || word.len() <= 3 {
        return word;
    }
    strip_plural(&mut word);
    strip_verb_ending(&mut word);
    for (ending, kept_min) in [("ly", 4), ("ness", 4), ("ment", 4)] {
        if word.len() >= ending.len() + kept_min && word.ends_with(ending) {
            word.truncate(word.len() - ending.len());
            break;
        }
    }
    if word.len() > 3 && word.ends_with('e') && !word.ends_with("ee") {
        word.pop();
    }
    if word.len() > 3 && word.ends_with('y') && !ends_with_vowel(&word[..word.len() - 1]) {
        word.pop();
        word.push('i');
    }
    word
}

/// `1,200` is `1200`; `9.50` is `9.5`; everything else stays.
pub(super) fn normal_number(word: &str) -> String {
    let groups: Vec<&str> = word.split(',').collect();
    let grouped = groups.len() > 1
        && groups.iter().skip(1).all(|group| {
            let whole = group.split('.').next().unwrap_or_default();
            whole.len() == 3 && whole.bytes().all(|b| b.is_ascii_digit())
        });
    let mut number = if grouped { groups.concat() } else { word.to_owned() };
    if number.matches('.').count() == 1 && number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        number.truncate(number.trim_end_matches('0').trim_end_matches('.').len());
    }
    number
}

fn strip_plural(word: &mut String) {
    if word.ends_with("ies") && word.len() > 4 {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if ["sses", "xes", "zes", "ches", "shes"].iter().any(|ending| word.ends_with(ending)) {
        word.truncate(word.len() - 2);
    } else if word.ends_with('s') && !["ss", "us", "is"].iter().any(|ending| word.ends_with(ending)) {
        word.pop();
    }
}

fn strip_verb_ending(word: &mut String) {
    for ending in ["ing", "ed"] {
        let Some(kept) = word.strip_suffix(ending) else { continue };
        if kept.len() < 3 || !kept.contains(['a', 'e', 'i', 'o', 'u', 'y']) || kept.ends_with('e') {
            continue;
        }
        let kept_len = kept.len();
        let bytes = kept.as_bytes();
        let doubled = bytes[kept_len - 1] == bytes[kept_len - 2] && !matches!(bytes[kept_len - 1], b'l' | b's' | b'z');
        word.truncate(if doubled { kept_len - 1 } else { kept_len });
        return;
    }
}

fn ends_with_vowel(word: &str) -> bool {
    word.ends_with(['a', 'e', 'i', 'o', 'u'])
}

/// Whether two stems are forms of one word by their shared beginning: `regulat` and `regulation`, `pilot` and
/// `pilotag`. Numbers and names of program texts are never related.
fn related(one: &str, other: &str) -> bool {
    if [(one, other), (other, one)].iter().any(|(one, other)| {
        other.len() >= 4
            && ["un", "non", "dis", "re", "pre"].iter().any(|prefix| one.strip_prefix(prefix) == Some(other))
    }) {
        return true;
    }
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if short.len() < 5 || long.bytes().any(|b| b.is_ascii_digit()) || long.contains('_') != short.contains('_') {
        return false;
    }
    let shared = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    if shared == short.len() {
        return lexicon::is_derivation(&long[floor_boundary(long, shared)..]);
    }
    shared >= 6
        && lexicon::is_derivation(&short[floor_boundary(short, shared)..])
        && lexicon::is_derivation(&long[floor_boundary(long, shared)..])
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn shares_meaning(one: &[u8], other: &[u8]) -> bool {
    one.iter().any(|meaning| other.contains(meaning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflected_forms_share_a_stem() {
        for (one, other) in [
            ("fees", "fee"),
            ("moored", "mooring"),
            ("vessels", "vessel"),
            ("ferries", "ferry"),
            ("makes", "making"),
            ("stopped", "stops"),
            ("running", "ran"),
            ("passes", "passing"),
            ("1,200", "1200"),
            ("9.50", "9.5"),
        ] {
            assert_eq!(stem(one), stem(other), "{one} and {other}");
        }
        for (one, other) in [("berth", "birth"), ("14", "41"), ("9.5", "95"), ("speed", "spee")] {
            assert_ne!(stem(one), stem(other), "{one} and {other}");
        }
    }

    #[test]
    fn derived_words_are_relatives_and_numbers_are_not() {
        let bag = Bag::of("Pilotage regulations of 2100, max_draft and IntoResponse");
        assert_eq!(bag.strength(&stem("pilot")), 0.85);
        assert_eq!(bag.strength(&stem("regulate")), 0.85);
        assert_eq!(bag.strength(&stem("draft")), 1.0);
        assert_eq!(bag.strength(&stem("response")), 1.0);
        assert_eq!(bag.strength("210"), 0.0);
        assert_eq!(bag.strength("turbine"), 0.0);
    }

    #[test]
    fn words_keep_decimal_numbers_whole_and_possessives_apart() {
        assert_eq!(
            words("The harbour's depth: 9.5 m, v1.2.3.").collect::<Vec<_>>(),
            ["The", "harbour", "s", "depth", "9.5", "m", "v1.2.3"]
        );
    }
}
