//! Inline Markdown taken off a quote. Owns which marks go; the words and their order stay as they are.

/// The text without emphasis marks, link targets, footnote and number references, and with single spaces.
/// Code between backticks keeps its backticks.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = text.trim();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '`' => code(rest, &mut out),
            '!' if rest.starts_with("![") => link(&rest[1..], &mut out).map(|length| length + 1),
            '[' => reference(rest, &mut out).or_else(|| link(rest, &mut out)),
            '<' => autolink(rest, &mut out).or_else(|| tag(rest)),
            '*' | '_' => {
                let run = rest.bytes().take_while(|b| char::from(*b) == c).count();
                let before = text[..text.len() - rest.len()].chars().next_back();
                if !is_emphasis(rest, c, before) {
                    out.push_str(&rest[..run]);
                }
                Some(run)
            }
            '\\' => escape(rest, &mut out),
            _ if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
                Some(c.len_utf8())
            }
            _ => None,
        };
        let length = taken.unwrap_or_else(|| {
            out.push(c);
            c.len_utf8()
        });
        rest = &rest[length..];
    }
    out.truncate(out.trim_end().len());
    out
}

/// A run of backticks with what it encloses; alone it stays as it is.
fn code(rest: &str, out: &mut String) -> Option<usize> {
    let length = code_length(rest).unwrap_or_else(|| rest.bytes().take_while(|b| *b == b'`').count());
    out.push_str(&rest[..length]);
    Some(length)
}

/// The length of the code span `rest` begins with, marks included; `None` when its marks are not closed.
pub(super) fn code_length(rest: &str) -> Option<usize> {
    let marks = rest.bytes().take_while(|b| *b == b'`').count();
    let mut at = marks;
    while let Some(found) = rest[at..].find('`') {
        let run = rest[at + found..].bytes().take_while(|b| *b == b'`').count();
        at += found + run;
        if run == marks {
            return Some(at);
        }
    }
    None
}

/// `[text](target)`, `[text][name]` and `[text]` that is followed by neither.
fn link(rest: &str, out: &mut String) -> Option<usize> {
    let close = closing(rest, '[', ']')?;
    let text = &rest[1..close];
    let after = &rest[close + 1..];
    let target = if after.starts_with('(') {
        closing(after, '(', ')')? + 1
    } else if after.starts_with('[') {
        closing(after, '[', ']')? + 1
    } else if text.starts_with('`') && text.ends_with('`') {
        0
    } else {
        return None;
    };
    out.push_str(&plain(text));
    Some(close + 1 + target)
}

/// `[^note]` and `[12]`: marks of the source that would point nowhere in a report.
fn reference(rest: &str, out: &mut String) -> Option<usize> {
    let close = rest.find(']')?;
    let inside = &rest[1..close];
    let is_reference = inside.strip_prefix('^').is_some_and(|name| !name.is_empty() && !name.contains(' '))
        || (1..=3).contains(&inside.len()) && inside != "0" && inside.bytes().all(|b| b.is_ascii_digit());
    let after = &rest[close + 1..];
    if !is_reference || after.starts_with('(') {
        return None;
    }
    if after.starts_with(['.', ',', ';', ':', '!', '?']) {
        out.truncate(out.trim_end().len());
    }
    Some(close + 1)
}

fn autolink(rest: &str, out: &mut String) -> Option<usize> {
    let close = rest.find('>')?;
    let inside = &rest[1..close];
    let is_address = inside.starts_with("http://") || inside.starts_with("https://") || inside.starts_with("mailto:");
    (is_address && !inside.contains(' ')).then(|| {
        out.push_str(inside);
        close + 1
    })
}

/// An HTML tag of the kind people put into Markdown.
fn tag(rest: &str) -> Option<usize> {
    const TAGS: &[&str] = &[
        "a", "b", "br", "code", "details", "div", "em", "i", "img", "kbd", "p", "span", "strong", "sub", "summary",
        "sup", "u",
    ];
    let close = rest.find('>')?;
    let inside = rest[1..close].trim_start_matches('/');
    let name = inside.split([' ', '/']).next().unwrap_or_default();
    TAGS.contains(&name.to_ascii_lowercase().as_str()).then_some(close + 1)
}

/// Whether the run of marks `rest` begins with is emphasis: neither alone (`2 * 3`) nor inside a word (`snake_case`).
fn is_emphasis(rest: &str, mark: char, before: Option<char>) -> bool {
    let after = rest.trim_start_matches(mark).chars().next();
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let is_gap = |c: Option<char>| c.is_none_or(char::is_whitespace);
    !(is_word(before) && is_word(after) || is_gap(before) && is_gap(after))
}

fn escape(rest: &str, out: &mut String) -> Option<usize> {
    let next = rest[1..].chars().next().filter(char::is_ascii_punctuation)?;
    out.push(next);
    Some(2)
}

fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        for (text, expected) in [
            ("The **fee** is *fixed* and _final_.", "The fee is fixed and final."),
            ("See [the list](fees.md) and [this][1].", "See the list and this."),
            ("Set `max_draft * 2` in snake_case.", "Set `max_draft * 2` in snake_case."),
            ("As said.[^note] And here [12].", "As said. And here."),
            ("2 * 3 * 4 <br> <T>", "2 * 3 * 4 <T>"),
            ("An open ` mark and [array[0]]", "An open ` mark and [array[0]]"),
            ("Use [`Router`] now\n  please", "Use `Router` now please"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
