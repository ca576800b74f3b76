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
    found.extend(bare_arxiv_ids(text).map(str::to_owned));
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

/// Whether a text has this reference whole: `10.1000/18` is not in `10.1000/182`. A DOI and an arXiv id are the same in every
/// dress: as an address, after `doi:`, in capitals.
pub(super) fn is_in(reference: &str, text: &str) -> bool {
    let wanted = bare(reference).to_lowercase();
    let text = text.to_lowercase();
    !wanted.is_empty()
        && text.match_indices(&wanted).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let mut after = text[at + wanted.len()..].chars();
            let next = after.next();
            let then = after.next();
            let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '=' | '%' | '#' | '&');
            let ends = match next {
                Some('/') => then.is_none_or(|c| !goes_on(c)),
                Some('.' | '?' | '&') => then.is_none_or(|c| !c.is_alphanumeric()),
                Some(c) => !goes_on(c),
                None => true,
            };
            ends && before.is_none_or(|c| !c.is_alphanumeric())
        })
}

/// A DOI or an arXiv id without what it is dressed in; other references as they are.
fn bare(reference: &str) -> &str {
    const DRESS: &[&str] = &["doi.org/", "doi:", "arxiv.org/abs/", "arxiv.org/pdf/", "arxiv:"];
    let lower = reference.to_ascii_lowercase();
    let after = DRESS.iter().find_map(|dress| lower.find(dress).map(|at| at + dress.len()));
    after.and_then(|after| reference.get(after..)).map_or(reference, str::trim)
}

/// `2401.12345` after the word arXiv.
fn bare_arxiv_ids(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | ',' | ';'));
    let mut named = false;
    words.filter(|word| !word.is_empty()).filter_map(move |word| {
        let word = word.trim_end_matches(['.', ':']);
        let was_named = named && is_arxiv_id(word);
        let lower = word.to_ascii_lowercase();
        named = lower == "arxiv" || named && matches!(lower.as_str(), "id" | "paper" | "preprint" | "number");
        was_named.then_some(word)
    })
}

fn is_arxiv_id(word: &str) -> bool {
    let Some((month, rest)) = word.split_once('.') else { return false };
    let number = rest.split_once('v').map_or(rest, |(number, _)| number);
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    month.len() == 4 && digits(month) && (4..=5).contains(&number.len()) && digits(number)
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
    ["http://", "https://", "ftp://", "www.", "doi:", "doi.org/", "arxiv:", "arxiv.org/"]
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
    use super::{super::text::plain, foreign_references, is_in};

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
            ("see arXiv 2401.12345v2, and arXiv:2401.1", vec!["arXiv:2401.1", "2401.12345v2"]),
            ("see doi.org/10.1/x and arxiv.org/abs/2401.12345.", vec!["doi.org/10.1/x", "arxiv.org/abs/2401.12345"]),
            ("2401.12345 is a number", vec![]),
            ("an option [default: none] (see below) in (May, 2024)", vec![]),
            ("`a[1]` and Vec (a list) [sic]", vec![]),
            ("version 10.4 / 2", vec![]),
        ] {
            assert_eq!(foreign_references(&plain(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_reference_is_there_whole_or_not_at_all() {
        for (reference, text, there) in [
            ("10.1000/182", "See 10.1000/182.", true),
            ("10.1000/18", "See 10.1000/182.", false),
            ("https://doi.org/10.1000/ABC", "doi:10.1000/abc", true),
            ("arXiv:2401.12345", "https://arxiv.org/abs/2401.12345", true),
            ("arXiv:2401.1234", "https://arxiv.org/abs/2401.12345", false),
            ("2401.12345v2", "arXiv:2401.12345", false),
            ("https://example.com/a", "See https://example.com/a, then.", true),
            ("https://example.com/a", "See https://example.com/a/b.", false),
            ("https://example.com", "See https://example.com/.", true),
            ("https://example.com", "https://example.com.evil.example/", false),
        ] {
            assert_eq!(is_in(reference, text), there, "{reference} in {text}");
        }
    }
}
