//! The words around a number. Owns which of them may say what it counts; judges nothing.

use std::ops::Range;

use super::{
    spelled::scale,
    spellings::unit,
    text::{fold, stem},
    words::is_function_word,
};

/// The words after a number that may say what it counts.
const COUNTS_MAX: usize = 2;
/// The words on each side of a number that are near it.
const NEAR_MAX: usize = 2;

/// The stem of the word directly after a number that is neither empty nor a word of the sentence's own.
pub(super) fn likeness(text: &str, from: usize) -> Option<String> {
    let rest = &text[from..];
    let rest = rest.strip_prefix([' ', '-', '\n', '\u{a0}', '\u{202f}']).unwrap_or(rest);
    let word = &rest[..rest.chars().take_while(|c| c.is_alphabetic()).map(char::len_utf8).sum()];
    let folded = fold(word);
    (!word.is_empty() && !is_function_word(&folded) && scale(word).is_none()).then(|| stem(&folded).to_owned())
}

/// The stems of the words before a number and after its unit.
pub(super) fn near(text: &str, range: &Range<usize>, measure_end: usize) -> Vec<String> {
    let is_mark = |c: char| !c.is_alphanumeric();
    let before = text[..range.start].rsplit(is_mark).filter(|word| !word.is_empty()).take(NEAR_MAX);
    let after = text[measure_end.max(range.end)..].split(is_mark).filter(|word| !word.is_empty()).take(NEAR_MAX);
    before.chain(after).map(|word| stem(&fold(word)).to_owned()).collect()
}

/// The stems of the words directly after a number, up to a word that says nothing.
pub(super) fn counted(text: &str, from: usize) -> Vec<String> {
    let mut counts = Vec::new();
    let mut rest = &text[from..];
    while counts.len() < COUNTS_MAX {
        let Some(start) = rest.strip_prefix([' ', '-', '\n', '\u{a0}']) else { break };
        let start = start.trim_start_matches([' ', '\t']);
        let length: usize =
            start.chars().take_while(|c| c.is_alphabetic() || matches!(c, '’' | '\'')).map(char::len_utf8).sum();
        let word = &start[..length];
        let folded = fold(word);
        let is_noun = folded.chars().count() >= 3
            && !word.starts_with(char::is_uppercase)
            && !is_function_word(&folded)
            && unit(word).is_none()
            && scale(word).is_none();
        if !is_noun {
            break;
        }
        counts.push(stem(&folded).to_owned());
        rest = &start[length..];
    }
    counts
}
