//! Numbers in text and when two of them are the same. Owns separators, scales and units; dates are elsewhere.

use std::ops::Range;

use super::{
    text::{Token, fold, tokens},
    words::{number_word, unit},
};

/// A number as written, with what it may mean.
#[derive(Clone, Debug)]
pub(super) struct Number {
    /// As written, with its unit when glued.
    pub(super) text: String,
    /// The values it may stand for, as canonical decimals: `1.234` may be 1.234 or 1234.
    values: Vec<String>,
    unit: Option<&'static str>,
    negative: bool,
    /// It is part of a name: the 256 of SHA-256.
    pub(super) attached: bool,
}

impl Number {
    /// Whether `evidence` supports this number. A sign or a unit must agree where both have one; a sign may be
    /// expressed in words ("fell by 5"), so only a negative number needs a negative one.
    pub(super) fn is_in(&self, evidence: &[Self]) -> bool {
        evidence.iter().any(|other| {
            self.values.iter().any(|value| other.values.contains(value))
                && (!self.negative || other.negative)
                && (self.unit.is_none() || other.unit.is_none() || self.unit == other.unit)
        })
    }

    pub(super) fn plain(value: u32) -> Self {
        Self { text: value.to_string(), values: vec![value.to_string()], unit: None, negative: false, attached: false }
    }
}

/// Every number written with digits outside `taken`. Digits that follow a letter belong to a name, not to a number.
pub(super) fn numbers(text: &str, taken: &[Range<usize>]) -> Vec<Number> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut i = list_marker(text);
    let mut taken = taken.iter().peekable();
    while i < bytes.len() {
        while taken.next_if(|range| range.end <= i).is_some() {}
        if let Some(range) = taken.peek()
            && range.contains(&i)
        {
            i = range.end;
            continue;
        }
        if !bytes[i].is_ascii_digit() {
            i += 1;
            continue;
        }
        let end = run_end(bytes, i);
        let before = text[..i].chars().next_back();
        let tail_end = word_end(text, end);
        // A letter before means a name such as sha256 or v2; `T` after a date and `v` before a version do not.
        let named = before.is_some_and(|c| c.is_alphanumeric() || c == '_') && !is_versioned(text, i);
        if !named {
            push(text, i..end, tail_end, &mut found);
        }
        i = tail_end.max(i + 1);
    }
    found
}

/// Numbers of a quote: those in digits, joined groups ("1 234"), and words from "zero" on.
pub(super) fn evidence_numbers(text: &str, taken: &[Range<usize>]) -> Vec<Number> {
    let mut found = numbers(text, taken);
    let words = tokens(text);
    for pair in words.windows(2) {
        if is_group(&pair[0], 1..=3) && is_group(&pair[1], 3..=3) && text[pair[0].end()..pair[1].start] == *" " {
            found.push(number(&[pair[0].text, pair[1].text].concat(), None));
        }
    }
    for (at, word) in words.iter().enumerate() {
        if let Some(value) = number_word(&fold(word.text)) {
            let mut spelled = number(value, words.get(at + 1).and_then(|next| unit(next.text)));
            if let Some(places) = words.get(at + 1).and_then(|next| scale(next.text)) {
                spelled.values = spelled.values.iter().map(|value| shift(value, places)).collect();
            }
            found.push(spelled);
        }
    }
    found
}

fn is_group(token: &Token<'_>, digits: std::ops::RangeInclusive<usize>) -> bool {
    digits.contains(&token.text.len()) && token.text.bytes().all(|b| b.is_ascii_digit())
}

/// The length of a list marker at the start: `1. `, `2) `, `(3) `.
fn list_marker(text: &str) -> usize {
    let open = text.trim_start();
    let skipped = text.len() - open.len();
    let rest = open.strip_prefix('(').unwrap_or(open);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = &rest[digits..];
    let is_marker = (1..=3).contains(&digits)
        && (after.starts_with(". ") || after.starts_with(") "))
        && after[2..].chars().next().is_some_and(|c| !c.is_numeric());
    if is_marker { skipped + (open.len() - rest.len()) + digits + 1 } else { 0 }
}

/// `v1.2`, and the `T12:00` of a time stamp: a single letter after a non-word.
fn is_versioned(text: &str, at: usize) -> bool {
    let mut before = text[..at].chars().rev();
    match before.next() {
        Some('v' | 'V') => before.next().is_none_or(|c| !c.is_alphanumeric()) && text[at..].contains('.'),
        Some('T') => before.next().is_some_and(|c| c.is_ascii_digit()),
        _ => false,
    }
}

/// Where the digits with their inner separators end.
fn run_end(bytes: &[u8], start: usize) -> usize {
    let mut end = start;
    while end < bytes.len() {
        let digit_at = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        match bytes[end] {
            b'0'..=b'9' => end += 1,
            b'.' | b',' | b':' if digit_at(end + 1) => end += 1,
            b'\'' | b'_' if (1..=3).all(|step| digit_at(end + step)) && !digit_at(end + 4) => end += 1,
            _ => match separator(&bytes[end..]) {
                Some(length) if (0..3).all(|step| digit_at(end + length + step)) && !digit_at(end + length + 3) => {
                    end += length;
                }
                _ => break,
            },
        }
    }
    end
}

/// The length of a no-break, thin or narrow space, or of a typographic apostrophe, which group digits.
fn separator(bytes: &[u8]) -> Option<usize> {
    let spaces: [&[u8]; 4] = ["\u{a0}".as_bytes(), "\u{2009}".as_bytes(), "\u{202f}".as_bytes(), "\u{2019}".as_bytes()];
    spaces.iter().find(|space| bytes.starts_with(space)).map(|space| space.len())
}

fn word_end(text: &str, from: usize) -> usize {
    from + text[from..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum::<usize>()
}

fn push(text: &str, run: Range<usize>, tail_end: usize, found: &mut Vec<Number>) {
    let tail = &text[run.end..tail_end];
    let before = &text[..run.start];
    let last = before.chars().next_back();
    let before_last = before.chars().rev().nth(1);
    let attached = matches!(last, Some('-' | '‑' | '/' | '+' | '.')) && before_last.is_some_and(char::is_alphabetic);
    let negative = matches!(last, Some('-' | '−')) && before_last.is_none_or(|c| c.is_whitespace() || c == '(');
    let digits = &text[run.clone()];
    if tail.bytes().any(|b| b.is_ascii_digit()) || digits.starts_with('0') && tail.starts_with('x') {
        // `1e6`, `3d7a`, `0x1f`: only the same letters and digits are the same.
        let whole = &text[run.start..tail_end];
        let values = vec![fold(whole)];
        found.push(Number { text: whole.to_owned(), values, unit: None, negative, attached });
        return;
    }
    let is_decade = tail == "s" && digits.len() == 4;
    let next = text[tail_end..].trim_start_matches([' ', '\u{a0}', '\u{202f}', '-']);
    let next = if next.starts_with('%') { "%" } else { &next[..word_end(next, 0)] };
    let unit_of = if is_decade { None } else { unit(if tail.is_empty() { next } else { tail }) };
    let places = glued_scale(tail).or_else(|| scale(next).filter(|_| tail.is_empty()));
    for part in parts(digits) {
        let mut number = number(part, unit_of);
        if let Some(places) = places {
            number.values = number.values.iter().map(|value| shift(value, places)).collect();
        }
        number.text = format!("{part}{tail}");
        number.negative = negative;
        number.attached = attached;
        found.push(number);
    }
}

fn number(digits: &str, unit: Option<&'static str>) -> Number {
    Number { text: digits.to_owned(), values: values(digits), unit, negative: false, attached: false }
}

/// `1,2,3` is three numbers, everything else one.
fn parts(digits: &str) -> Vec<&str> {
    let groups: Vec<&str> = digits.split(',').collect();
    let is_list = groups.len() > 2 && !digits.contains('.') && groups[1..].iter().any(|group| group.len() != 3);
    if is_list { groups } else { vec![digits] }
}

/// What the digits may stand for, as canonical decimals.
fn values(digits: &str) -> Vec<String> {
    let digits: String = digits.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ':')).collect();
    if digits.contains(':') {
        return vec![digits];
    }
    let dots = digits.matches('.').count();
    let commas = digits.matches(',').count();
    let groups: Vec<&str> = digits.split(['.', ',']).collect();
    let grouped = groups.len() > 1
        && groups[1..].iter().all(|group| group.len() == 3)
        && (1..=3).contains(&groups[0].len())
        && groups[0] != "0";
    match (dots, commas) {
        (0, 0) => vec![decimal(&digits, "")],
        (1, 0) | (0, 1) => {
            let mut values = vec![decimal(groups[0], groups[1])];
            if grouped {
                values.push(decimal(&groups.concat(), ""));
            }
            values
        }
        (_, 0) => {
            let mut values = vec![digits.clone()];
            if grouped {
                values.push(decimal(&groups.concat(), ""));
            }
            values
        }
        (0, _) if grouped => vec![decimal(&groups.concat(), "")],
        (0, _) => vec![digits],
        _ => {
            let (whole, fraction) = groups.split_at(groups.len() - 1);
            vec![decimal(&whole.concat(), fraction[0])]
        }
    }
}

fn decimal(whole: &str, fraction: &str) -> String {
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// The value times ten to the power of `places`.
fn shift(value: &str, places: usize) -> String {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let padded = format!("{fraction:0<places$}");
    let (moved, rest) = padded.split_at(places);
    decimal(&format!("{whole}{moved}"), rest)
}

fn scale(word: &str) -> Option<usize> {
    match word.to_lowercase().as_str() {
        "hundred" => Some(2),
        "thousand" | "tausend" => Some(3),
        "million" | "millions" | "millionen" | "mio" => Some(6),
        "billion" | "billions" | "bn" | "milliarden" | "mrd" => Some(9),
        "trillion" | "trillions" => Some(12),
        _ => None,
    }
}

fn glued_scale(tail: &str) -> Option<usize> {
    match tail {
        "k" | "K" => Some(3),
        "M" | "mn" => Some(6),
        "bn" | "B" => Some(9),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{evidence_numbers, numbers};

    #[test]
    fn same_numbers_in_other_dress_agree_and_others_do_not() {
        for (sentence, evidence, agrees) in [
            ("1,234 items", "1234 items", true),
            ("1\u{202f}234 items", "1,234 items", true),
            ("1234 items", "1 234 items", true),
            ("12,345.60", "12345.6", true),
            ("12.345,60", "12345.6", true),
            ("1'000'000", "1 million", true),
            ("5M users", "5 million users", true),
            ("1.5 billion", "1,500,000,000", true),
            ("50ms", "50 milliseconds", true),
            ("50ms", "50 s", false),
            ("50 ms", "50", true),
            ("5%", "5 percent", true),
            ("5%", "5 ms", false),
            ("1.2.3", "v1.2.3", true),
            ("v1.2.3", "1.2.4", false),
            ("1.2", "12", false),
            ("10-20 ms", "10–20 ms", true),
            ("10–30 ms", "10–20 ms", false),
            ("-5", "5", false),
            ("5", "-5", true),
            ("12:30", "12:30", true),
            ("12:30", "12:31", false),
            ("3 replicas", "three replicas", true),
            ("2nd", "second", true),
            ("4 replicas", "three replicas", false),
            ("1e6", "1e6", true),
            ("1e6", "1e7", false),
            ("0x1f", "0x1e", false),
            ("1990s", "1990s", true),
            ("3 million", "three million", true),
            ("7 and 8", "7", false),
        ] {
            let evidence_has = evidence_numbers(evidence, &[]);
            let all = numbers(sentence, &[]).iter().all(|number| number.is_in(&evidence_has));
            assert_eq!(all, agrees, "{sentence:?} against {evidence:?}");
        }
    }

    #[test]
    fn names_and_list_markers_are_no_numbers() {
        for text in ["sha256 and utf8", "1. First things", "2) Then", "x86_64"] {
            let found: Vec<String> = numbers(text, &[]).into_iter().map(|number| number.text).collect();
            assert!(found.is_empty(), "{text:?} gave {found:?}");
        }
        assert!(numbers("GPT-4", &[])[0].attached);
        assert!(!numbers("a 4", &[])[0].attached);
    }
}
