//! Quotations inside a sentence. Owns where they start and end and what of them must be verbatim.

use std::ops::Range;

use super::text::{Plain, skeleton, tokens};

/// Shorter quoted words are emphasis or a term, not a quotation.
const WORDS_MIN: usize = 3;

/// The quotations of at least three words: the range inside the marks.
pub(super) fn quotations(plain: &Plain) -> Vec<Range<usize>> {
    let text = plain.text.as_str();
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        if !plain.is_code(at) {
            let after = text[at + c.len_utf8()..].chars().next();
            match open {
                Some((start, close)) if c == close && (!matches!(c, '"' | '’') || closes(before, after)) => {
                    if tokens(&text[start..at]).len() >= WORDS_MIN {
                        found.push(start..at);
                    }
                    open = None;
                }
                Some(_) => {}
                None => {
                    let close = match c {
                        '"' if opens(before, after) => Some('"'),
                        '“' => Some('”'),
                        '‘' => Some('’'),
                        '‹' => Some('›'),
                        '„' => Some('“'),
                        '«' => Some('»'),
                        '「' => Some('」'),
                        _ => None,
                    };
                    open = close.map(|close| (at + c.len_utf8(), close));
                }
            }
        }
        before = Some(c);
    }
    found
}

fn opens(before: Option<char>, after: Option<char>) -> bool {
    before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[' | '—' | '–' | ':' | '/'))
        && after.is_some_and(|c| !c.is_whitespace())
}

fn closes(before: Option<char>, after: Option<char>) -> bool {
    before.is_some_and(|c| !c.is_whitespace()) && after.is_none_or(|c| !c.is_alphanumeric())
}

/// The parts of a quotation that must be verbatim: what stands between its ellipses.
pub(super) fn verbatim_parts(quotation: &str) -> Vec<String> {
    quotation
        .replace("[…]", "…")
        .replace("[...]", "…")
        .replace("...", "…")
        .split('…')
        .map(skeleton)
        .filter(|part| part.len() > 2)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::text::plain, quotations};

    #[test]
    fn quotations_are_found_in_every_dress_and_terms_are_not() {
        for (text, expected) in [
            (r#"He said "every call is stored" twice"#, vec!["every call is stored"]),
            ("He said “every call is stored”.", vec!["every call is stored"]),
            ("«every call is stored»", vec!["every call is stored"]),
            ("‘it’s every call’s store’, he said", vec!["it’s every call’s store"]),
            (r#"the "safe mode" term and 5" pipes of 3" width"#, vec![]),
            (r#"an unclosed "quotation goes on"#, vec![]),
            (r#"`let a = "one two three"`"#, vec![]),
        ] {
            let plain = plain(text);
            let found: Vec<&str> = quotations(&plain).into_iter().map(|range| &plain.text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
