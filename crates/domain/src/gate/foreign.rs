//! References that are not evidence: numbers in brackets, addresses, author and year. Owns their syntax.

use super::{text::Plain, words::month};

/// The longest bracket looked into, in bytes.
const BRACKET_MAX: usize = 120;

/// Every foreign reference of a text, as written. Code is not looked into, except for addresses.
pub(super) fn foreign_references(plain: &Plain) -> Vec<String> {
    let text = plain.text.as_str();
    let mut found: Vec<String> = Vec::new();
    for (at, c) in text.char_indices() {
        let close = match c {
            '[' => ']',
            '【' => '】',
            '(' => ')',
            _ => continue,
        };
        if plain.is_code(at) {
            continue;
        }
        let start = at + c.len_utf8();
        let window = window(&text[start..], BRACKET_MAX);
        let Some(length) = window.find(close) else { continue };
        let inside = &window[..length];
        let is_reference = match c {
            '[' => is_bracket_reference(inside),
            '【' => inside.contains(|c: char| c.is_ascii_digit() || c == '†'),
            _ => is_author_year(inside),
        };
        if is_reference {
            found.push(text[at..start + length + close.len_utf8()].to_owned());
        }
    }
    found.extend(addresses(text).map(str::to_owned));
    found.extend(plain.links.iter().filter(|link| !text.contains(link.as_str())).cloned());
    found.dedup();
    found
}

fn window(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn is_bracket_reference(inside: &str) -> bool {
    let inside = inside.trim();
    let lower = inside.to_lowercase();
    let is_numeric = inside.len() <= 40
        && inside.starts_with(|c: char| c.is_ascii_digit())
        && inside.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '-' | '–' | ' ' | ';'));
    is_numeric
        || inside.starts_with('^')
        || lower.starts_with("ev_")
        || ["source", "ref ", "ref:", "citation", "doc "].iter().any(|word| lower.starts_with(word))
        || has_year(inside) && inside.starts_with(char::is_alphabetic)
}

fn is_author_year(inside: &str) -> bool {
    let starts_with_name = inside.chars().next().is_some_and(char::is_uppercase);
    let Some((author, rest)) = inside.rsplit_once([',', '.']) else { return false };
    let is_month = author.split_whitespace().any(|word| month(word).is_some());
    starts_with_name
        && !is_month
        && (author.contains("et al") || author.split_whitespace().count() <= 4)
        && is_year(rest.trim())
}

fn has_year(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(is_year)
}

fn is_year(word: &str) -> bool {
    let digits = word.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(word);
    digits.len() == 4
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits.starts_with('1') || digits.starts_with('2'))
}

/// Addresses by their beginnings.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '“' | '”' | '|'))
        .map(|word| {
            word.trim_matches(|c: char| matches!(c, '(' | ')' | '[' | ']' | ',' | '.' | ';' | ':' | '*' | '`' | '\''))
        })
        .filter(|word| is_address(word))
}

fn is_address(word: &str) -> bool {
    let lower = window(word, 16).to_ascii_lowercase();
    ["http://", "https://", "ftp://", "www.", "doi:", "arxiv:"]
        .iter()
        .any(|start| lower.strip_prefix(start).is_some_and(|rest| !rest.is_empty()))
        || is_doi(word)
        || word.contains("](http")
}

fn is_doi(word: &str) -> bool {
    let Some(rest) = word.strip_prefix("10.") else { return false };
    let Some((registrant, suffix)) = rest.split_once('/') else { return false };
    (4..=9).contains(&registrant.len()) && registrant.bytes().all(|b| b.is_ascii_digit()) && !suffix.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{super::text::plain, foreign_references};

    #[test]
    fn foreign_references_are_found_and_ordinary_brackets_are_not() {
        for (text, expected) in [
            ("It is so [1].", vec!["[1]"]),
            ("It is so [12, 13].", vec!["[12, 13]"]),
            ("It is so[3-5]", vec!["[3-5]"]),
            ("It is so [^1].", vec!["[^1]"]),
            ("It is so [Smith 2020].", vec!["[Smith 2020]"]),
            ("It is so (Smith et al., 2020a).", vec!["(Smith et al., 2020a)"]),
            ("It is so [ev_nothex].", vec!["[ev_nothex]"]),
            ("See https://example.com/a, then.", vec!["https://example.com/a"]),
            ("See [a page](https://example.com/a).", vec!["https://example.com/a"]),
            ("doi:10.1000/182 and 10.1000/183", vec!["doi:10.1000/182", "10.1000/183"]),
            ("【3†source】", vec!["【3†source】"]),
            ("an option [default: none] (see below) in (May, 2024)", vec![]),
            ("`a[1]` and Vec (a list) [sic]", vec![]),
            ("version 10.4 / 2", vec![]),
        ] {
            assert_eq!(foreign_references(&plain(text)), expected, "{text}");
        }
    }
}
