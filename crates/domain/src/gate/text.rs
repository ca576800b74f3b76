//! Text as the gate compares it. Owns plain text, tokens and stems; does not know what a citation is.

use std::ops::Range;

use super::{currency::is_sign, spellings::case_counts};

/// Inline Markdown without its marks.
#[derive(Clone, Debug, Default)]
pub(super) struct Plain {
    /// What a reader sees.
    pub(super) text: String,
    /// Byte ranges of `text` that were code.
    pub(super) code: Vec<Range<usize>>,
    /// Destinations of links.
    pub(super) links: Vec<String>,
}

impl Plain {
    /// Whether the byte at `at` was code.
    pub(super) fn is_code(&self, at: usize) -> bool {
        let after = self.code.partition_point(|range| range.start <= at);
        after > 0 && self.code[after - 1].contains(&at)
    }
}

/// One word, number or significant sign.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    /// As written.
    pub(super) text: &'a str,
    /// Where it starts in the text.
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The longest run of backticks taken as a code mark, and how far a link's `]` and `)` are looked for. Bounds keep
/// hostile text linear.
const BACKTICKS_MAX: usize = 6;
const LINK_TEXT_MAX: usize = 400;
const LINK_TARGET_MAX: usize = 2100;

/// Removes inline Markdown: emphasis, backticks, link targets, escapes and common entities.
pub(super) fn plain(markdown: &str) -> Plain {
    let bytes = markdown.as_bytes();
    let mut out = Plain { text: String::with_capacity(markdown.len()), ..Plain::default() };
    let mut unclosed = [false; BACKTICKS_MAX + 1];
    let mut link: Option<(usize, usize)> = None;
    let mut i = 0;
    while i < bytes.len() {
        if let Some((close, after)) = link
            && i == close
        {
            i = after;
            link = None;
            continue;
        }
        match bytes[i] {
            b'\\' if bytes.get(i + 1).is_some_and(u8::is_ascii_punctuation) => {
                out.text.push(char::from(bytes[i + 1]));
                i += 2;
            }
            b'`' => i = code(markdown, i, &mut unclosed, &mut out),
            b'*' | b'_' => i = emphasis(markdown, i, &mut out.text),
            b'[' if link.is_none() => {
                if let Some((close, after, target)) = link_at(markdown, i) {
                    if out.text.ends_with('!') {
                        out.text.pop();
                    }
                    out.links.push(target);
                    link = Some((close, after));
                } else {
                    out.text.push('[');
                }
                i += 1;
            }
            b'&' => match ENTITIES.iter().find(|(name, _)| markdown[i..].starts_with(name)) {
                Some((name, c)) => {
                    out.text.push(*c);
                    i += name.len();
                }
                None => {
                    out.text.push('&');
                    i += 1;
                }
            },
            _ => {
                let c = markdown[i..].chars().next().unwrap_or(' ');
                out.text.push(ascii_digit(c));
                i += c.len_utf8();
            }
        }
    }
    out
}

/// The ASCII digit for a digit of another script, so that a number is a number in every script.
fn ascii_digit(c: char) -> char {
    const ZEROS: &[char] =
        &['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{be6}', '\u{e50}', '\u{ff10}'];
    if c.is_ascii() {
        return c;
    }
    let value = ZEROS.iter().filter_map(|zero| u32::from(c).checked_sub(u32::from(*zero))).find(|value| *value < 10);
    value.and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

const ENTITIES: &[(&str, char)] = &[
    ("&amp;", '&'),
    ("&lt;", '<'),
    ("&gt;", '>'),
    ("&quot;", '"'),
    ("&apos;", '\''),
    ("&#39;", '\''),
    ("&nbsp;", ' '),
];

fn code(markdown: &str, at: usize, unclosed: &mut [bool; BACKTICKS_MAX + 1], out: &mut Plain) -> usize {
    let run = markdown[at..].bytes().take_while(|b| *b == b'`').count();
    let open = at + run;
    if run <= BACKTICKS_MAX && !unclosed[run] {
        if let Some(close) = closing_run(&markdown.as_bytes()[open..], run) {
            let start = out.text.len();
            out.text.push_str(markdown[open..open + close].trim());
            out.code.push(start..out.text.len());
            return open + close + run;
        }
        unclosed[run] = true;
    }
    out.text.push_str(&markdown[at..open]);
    open
}

fn closing_run(bytes: &[u8], run: usize) -> Option<usize> {
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] != b'`' {
            i += 1;
            continue;
        }
        let length = bytes[i..].iter().take_while(|b| **b == b'`').count();
        if length == run {
            return Some(i);
        }
        i += length;
    }
    None
}

/// Drops a run of emphasis marks, but keeps one that stands alone (`2 * 3`) or inside a word (`snake_case`, `2*3`).
fn emphasis(markdown: &str, at: usize, out: &mut String) -> usize {
    let mark = markdown.as_bytes()[at];
    let run = markdown[at..].bytes().take_while(|b| *b == mark).count();
    let after = markdown[at + run..].chars().next();
    let before = markdown[..at].chars().next_back();
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let is_gap = |c: Option<char>| c.is_none_or(char::is_whitespace);
    if (is_word(before) && is_word(after)) || (is_gap(before) && is_gap(after)) {
        out.push_str(&markdown[at..at + run]);
    }
    at + run
}

/// The link `[text](target)` at `at`: where its `]` is, where the text goes on, and the target.
fn link_at(markdown: &str, at: usize) -> Option<(usize, usize, String)> {
    let bytes = markdown.as_bytes();
    let window = &bytes[at + 1..bytes.len().min(at + 1 + LINK_TEXT_MAX)];
    let close = at + 1 + window.iter().position(|b| *b == b']')?;
    if bytes.get(close + 1) != Some(&b'(') {
        return None;
    }
    let window = &bytes[close + 2..bytes.len().min(close + 2 + LINK_TARGET_MAX)];
    let end = close + 2 + window.iter().position(|b| *b == b')')?;
    let target = markdown[close + 2..end].split_whitespace().next().unwrap_or_default();
    Some((close, end + 1, target.trim_matches(['<', '>']).to_owned()))
}

/// The tokens of a text: words with inner apostrophes, numbers with inner `.`, `,` and `:`, single characters of
/// scripts written without spaces, and signs that change a number's meaning.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut before: Option<char> = None;
    while let Some((start, c)) = chars.next() {
        let mut last = c;
        let mut end = start + c.len_utf8();
        if is_spaceless(c) {
            tokens.push(Token { text: &text[start..end], start });
        } else if is_word(c) {
            while let Some(&(at, next)) = chars.peek() {
                let after = text[at + next.len_utf8()..].chars().next();
                let joins = is_word(next) && !is_spaceless(next)
                    || matches!(next, '\'' | '’') && last.is_alphabetic() && after.is_some_and(char::is_alphabetic)
                    || matches!(next, '.' | ',' | ':')
                        && last.is_numeric()
                        && after.is_some_and(|after| after.is_numeric());
                if !joins {
                    break;
                }
                last = next;
                end = at + next.len_utf8();
                chars.next();
            }
            let word = text[start..end].trim_matches('_');
            if !word.is_empty() {
                let start = start + (text[start..end].len() - text[start..end].trim_start_matches('_').len());
                tokens.push(Token { text: word, start });
            }
        } else if is_significant(c, before, text[end..].chars().next()) {
            tokens.push(Token { text: &text[start..end], start });
        }
        before = Some(last);
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether the script of `c` is written without spaces between words.
pub(super) fn is_spaceless(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0EFF | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

fn is_significant(c: char, before: Option<char>, after: Option<char>) -> bool {
    let digit_follows = after.is_some_and(|c| c.is_ascii_digit());
    match c {
        '%' | '‰' => true,
        c if is_sign(c) => true,
        '<' | '>' | '≤' | '≥' | '±' => digit_follows,
        '-' | '−' | '–' => digit_follows && before.is_none_or(|c| c.is_whitespace() || c == '('),
        _ => false,
    }
}

/// A token as it is compared: lower case, typographic variants made one, underscores removed.
pub(super) fn fold(token: &str) -> String {
    let mut folded = String::with_capacity(token.len());
    for c in token.chars() {
        match c {
            '\'' | '’' | '_' => {}
            '−' | '–' => folded.push('-'),
            'ﬁ' => folded.push_str("fi"),
            'ﬂ' => folded.push_str("fl"),
            'ﬀ' => folded.push_str("ff"),
            '０'..='９' => folded.push(char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c)),
            _ => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

/// A text as one line of folded tokens, with a space before, between and after: what "verbatim" is compared by.
pub(super) fn skeleton(text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 2);
    line.push(' ');
    let mut before = None;
    for token in tokens(text) {
        line.push_str(&compared(text, before, &token));
        line.push(' ');
        before = Some(token.end());
    }
    line
}

/// A token as "verbatim" compares it: folded, but for the unit of a number whose case is part of it. `before` is where
/// the token before it ends.
pub(super) fn compared(text: &str, before: Option<usize>, token: &Token<'_>) -> String {
    let bare = token.text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
    let is_glued = bare.len() < token.text.len();
    let follows = before.is_some_and(|end| {
        text[..end].ends_with(|c: char| c.is_ascii_digit()) && matches!(text[end..token.start].trim(), "" | "-" | "‑")
    });
    if (is_glued || follows) && case_counts(bare) { token.text.to_owned() } else { fold(token.text) }
}

/// A folded word without the endings that come and go when a sentence is reworded.
pub(super) fn stem(folded: &str) -> &str {
    const ENDINGS: &[&str] = &["ingly", "edly", "ings", "ies", "ing", "ied", "ed", "es", "ly", "s", "e", "y"];
    if folded.len() <= 3 || !folded.is_ascii() {
        return folded;
    }
    let mut stem = folded;
    for ending in ENDINGS {
        if let Some(rest) = folded.strip_suffix(ending)
            && rest.len() >= 3
        {
            stem = rest;
            break;
        }
    }
    let bytes = stem.as_bytes();
    let doubled = bytes.len() > 3 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
    if doubled { &stem[..stem.len() - 1] } else { stem }
}

#[cfg(test)]
mod tests {
    use super::{plain, skeleton, stem};

    #[test]
    fn inline_marks_are_removed_and_arithmetic_is_not() {
        for (markdown, expected) in [
            ("**Bold** and *soft* and _soft_", "Bold and soft and soft"),
            ("a `code_span` and snake_case", "a code_span and snake_case"),
            ("2 * 3 and 2*3", "2 * 3 and 2*3"),
            ("see [the guide](https://example.com/a_b) now", "see the guide now"),
            (r"an \*asterisk\* &amp; more", "an *asterisk* & more"),
            ("an open ` tick and [bracket", "an open ` tick and [bracket"),
        ] {
            assert_eq!(plain(markdown).text, expected, "{markdown}");
        }
        assert_eq!(plain("[x](https://a.example)").links, ["https://a.example"]);
    }

    #[test]
    fn skeletons_differ_only_where_meaning_may() {
        assert_eq!(skeleton("Don’t  stop,\nplease"), skeleton("don't stop please"));
        assert_ne!(skeleton("1.5 ms"), skeleton("15 ms"));
        assert_ne!(skeleton("<5"), skeleton(">5"));
        assert_eq!(skeleton("漢字 ok"), " 漢 字 ok ");
    }

    #[test]
    fn rewordings_share_a_stem() {
        for (a, b) in [("crashes", "crash"), ("resumed", "resumes"), ("stopped", "stops"), ("retries", "retry")] {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
    }
}
