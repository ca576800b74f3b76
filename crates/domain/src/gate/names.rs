//! Names and identifiers in a sentence. Owns which words must occur in the evidence.

use std::ops::Range;

use super::{
    currency::is_prefix,
    spellings::{speed, unit},
    text::{Plain, Token, fold},
    words::{is_function_word, is_generic_name},
};

/// A name as written and the folded words that must be found.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) parts: Vec<String>,
}

/// Code spans, identifiers (`snake_case`, `CamelCase`, `sha256`) and capitalised words that do not start a sentence.
/// Words in `taken` (dates, quotations) are checked elsewhere.
pub(super) fn names(plain: &Plain, tokens: &[Token<'_>], taken: &[Range<usize>]) -> Vec<Name> {
    let text = plain.text.as_str();
    let mut names: Vec<Name> =
        plain.code.iter().filter_map(|range| code_name(&text[range.clone()], range, tokens)).collect();
    let proper = proper_names_count(text, tokens);
    let mut previous_end = None;
    for (at, token) in tokens.iter().enumerate() {
        if plain.is_code(token.start)
            || is_measure(tokens, at)
            || is_prefix(token.text, &text[token.end()..])
            || taken.iter().any(|range| range.contains(&token.start))
        {
            previous_end = None;
            continue;
        }
        let folded = fold(token.text);
        let is_name = is_identifier(token.text)
            || proper
                && is_capitalised(token.text)
                && !starts_sentence(text, tokens, at)
                && !is_function_word(&folded)
                && !is_generic_name(&folded);
        if !is_name {
            previous_end = None;
            continue;
        }
        match names.last_mut().filter(|_| previous_end.is_some_and(|end| matches!(&text[end..token.start], " " | "-")))
        {
            Some(name) => {
                name.text.push_str(&text[previous_end.unwrap_or(token.start)..token.end()]);
                name.parts.push(folded);
            }
            None => names.push(Name { text: token.text.to_owned(), parts: vec![folded] }),
        }
        previous_end = Some(token.end());
    }
    names
}

/// Whether the word is the unit of a number, alone or glued to it: `64 kB`, `64kB`.
fn is_measure(tokens: &[Token<'_>], at: usize) -> bool {
    let ends_in_digit = |word: &str| word.ends_with(|c: char| c.is_ascii_digit());
    let word = tokens[at].text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
    let follows = at.checked_sub(1).is_some_and(|before| ends_in_digit(tokens[before].text));
    (unit(word).is_some() || speed(word).is_some()) && (follows || word.len() < tokens[at].text.len())
}

/// The most of a snapshot looked through for a name, in bytes.
const LOOKED_THROUGH_MAX: usize = 64 * 1024;

/// The word that begins a text, if a capital there could be a name: every sentence begins with one.
pub(super) fn first_word<'a>(plain: &Plain, tokens: &[Token<'a>], taken: &[Range<usize>]) -> Option<&'a str> {
    let first = tokens.first()?;
    let folded = fold(first.text);
    let is_candidate = first.text.chars().count() > 2
        && first.text.chars().all(char::is_alphabetic)
        && is_capitalised(first.text)
        && !plain.is_code(first.start)
        && !taken.iter().any(|range| range.contains(&first.start))
        && !is_function_word(&folded)
        && !is_generic_name(&folded);
    is_candidate.then_some(first.text)
}

/// Whether a text uses this capitalised word as a name: inside a sentence, and never in lower case.
pub(super) fn is_name_in(word: &str, text: &str) -> bool {
    let mut end = text.len().min(LOOKED_THROUGH_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    let whole = |at: usize, length: usize| {
        let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + length..].chars().next())
    };
    let inside = |at: usize| {
        let before = text[..at].trim_end_matches(' ');
        before.len() < at && before.ends_with(|c: char| c.is_lowercase() || c == ',')
    };
    let lower = word.to_lowercase();
    text.match_indices(word).any(|(at, _)| whole(at, word.len()) && inside(at))
        && !text.match_indices(&lower).any(|(at, _)| whole(at, lower.len()))
}

fn code_name(code: &str, range: &Range<usize>, tokens: &[Token<'_>]) -> Option<Name> {
    let from = tokens.partition_point(|token| token.start < range.start);
    let parts: Vec<String> = tokens[from..]
        .iter()
        .take_while(|token| token.end() <= range.end)
        .map(|token| fold(token.text))
        .filter(|part| part.chars().any(char::is_alphanumeric))
        .collect();
    (!parts.is_empty()).then(|| Name { text: code.to_owned(), parts })
}

/// Whether capitals mark names here: not in a title-cased label, nor in a language that capitalises every noun.
fn proper_names_count(text: &str, tokens: &[Token<'_>]) -> bool {
    const GERMAN: &[&str] =
        &["der", "die", "das", "und", "ist", "ein", "eine", "nicht", "mit", "von", "den", "dem", "im"];
    let german = tokens.iter().filter(|token| GERMAN.contains(&token.text)).count();
    let is_label = !text.trim_end().ends_with(['.', '!', '?', '。', ')', '"', '”']);
    let words = tokens.iter().filter(|token| token.text.len() > 3).count();
    let capitals = tokens.iter().filter(|token| token.text.len() > 3 && is_capitalised(token.text)).count();
    german < 2 && !(is_label && words >= 2 && capitals * 10 > words * 6)
}

fn is_capitalised(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_uppercase) && chars.next().is_some()
}

/// A word no prose has: inner capitals, inner underscores, digits after letters.
fn is_identifier(word: &str) -> bool {
    let mut before: Option<char> = None;
    for c in word.chars() {
        if let Some(before) = before {
            let inner_capital = before.is_lowercase() && c.is_uppercase();
            let digit_after_letter = before.is_alphabetic() && c.is_ascii_digit();
            if inner_capital || digit_after_letter || c == '_' {
                return !is_version(word);
            }
        }
        before = Some(c);
    }
    false
}

/// `v1.2` is a number and `T12:00` the time of a date.
fn is_version(word: &str) -> bool {
    let mut chars = word.chars();
    matches!(chars.next(), Some('v' | 'V' | 'T'))
        && word[1..].contains(['.', ':'])
        && chars.all(|c| c.is_ascii_digit() || matches!(c, '.' | ':' | ',' | 'Z'))
}

fn starts_sentence(text: &str, tokens: &[Token<'_>], at: usize) -> bool {
    let from = at.checked_sub(1).map_or(0, |before| tokens[before].end());
    let gap = &text[from..tokens[at].start];
    at == 0 || gap.contains(['.', '!', '?', ':', ';', '"', '“', '„', '«', '|', '•', '—', '–', '…', '\'', '‘'])
}

#[cfg(test)]
mod tests {
    use super::{
        super::text::{plain, tokens},
        is_name_in, names,
    };

    #[test]
    fn names_are_capitals_inside_sentences_and_identifiers_anywhere() {
        for (text, expected) in [
            ("The engine of Ada Lovelace uses Redis.", vec!["Ada Lovelace", "Redis"]),
            ("Workflows survive. Then The API of SQLite.", vec!["SQLite"]),
            ("Call `CallStarted` before tokio_util does.", vec!["CallStarted", "tokio_util"]),
            ("It uses sha256 and v1.2 at Rust 1.95.", vec!["sha256", "Rust"]),
            ("Result: Everything works.", vec![]),
            ("It takes 64 kB, or 64KiB, of 5 MHz.", vec![]),
            ("Write Throughput", vec![]),
            ("Der Motor ist die Maschine von Ada und läuft.", vec![]),
        ] {
            let plain = plain(text);
            let found: Vec<String> =
                names(&plain, &tokens(&plain.text), &[]).into_iter().map(|name| name.text).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_word_is_a_name_where_it_is_never_lower_case() {
        let text = "In winter Lovelace wrote. Later the Engine ran, and an engine is no name. Babbage saw it.";
        assert!(is_name_in("Lovelace", text));
        assert!(!is_name_in("Engine", text));
        assert!(!is_name_in("Babbage", text), "it begins its only sentence");
        assert!(!is_name_in("Love", text));
    }
}
