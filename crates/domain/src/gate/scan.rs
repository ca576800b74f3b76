//! Where digits begin and end in a text. Owns separators, list markers and what is glued to digits; reads no value.

use super::{
    decimal::{Style, readings},
    text::Token,
};

/// Whether a token is so many digits and nothing else.
pub(super) fn is_group(token: &Token<'_>, digits: std::ops::RangeInclusive<usize>) -> bool {
    digits.contains(&token.text.len()) && token.text.bytes().all(|b| b.is_ascii_digit())
}

/// The length of a list marker at the start: `1. `, `2) `, `(3) `.
pub(super) fn list_marker(text: &str) -> usize {
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
pub(super) fn is_versioned(text: &str, at: usize) -> bool {
    let mut before = text[..at].chars().rev();
    match before.next() {
        Some('v' | 'V') => before.next().is_none_or(|c| !c.is_alphanumeric()) && text[at..].contains('.'),
        Some('T') => before.next().is_some_and(|c| c.is_ascii_digit()),
        _ => false,
    }
}

/// Where the digits with their inner separators end.
pub(super) fn run_end(bytes: &[u8], start: usize) -> usize {
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

/// Where a word that goes on at `from` ends.
pub(super) fn word_end(text: &str, from: usize) -> usize {
    from + text[from..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum::<usize>()
}

/// `1,2,3` is three numbers, everything else one.
pub(super) fn parts(digits: &str) -> Vec<&str> {
    let groups: Vec<&str> = digits.split(',').collect();
    let is_list = groups.len() > 2
        && !digits.contains('.')
        && groups[1..].iter().any(|group| group.len() != 3)
        && readings(digits, Style::Dot) == [digits.to_owned()];
    if is_list { groups } else { vec![digits] }
}

/// The power of ten in letters glued to digits: `5k`, `$1.2m`.
pub(super) fn glued_scale(tail: &str, is_money: bool) -> Option<usize> {
    match tail {
        "k" | "K" => Some(3),
        "M" | "mn" => Some(6),
        "m" if is_money => Some(6),
        "bn" | "B" => Some(9),
        _ => None,
    }
}
