//! Foreign text as Markdown that reads as the same text. Owns what has to be escaped; chooses nothing.

use super::inline;

/// Text as inline code.
pub(super) fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let marks = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{marks}{pad}{text}{pad}{marks}")
}

/// The text so that Markdown reads it as the same text: no block begins in it, no tag, no emphasis left open.
pub(super) fn prose(text: &str) -> String {
    let text = text.trim_start_matches(['#', '>', '-', '+', '|', '=', '~', ' ']);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_numbered = digits > 0 && (text[digits..].starts_with(". ") || text[digits..].starts_with(") "));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at + c.len_utf8()..];
        if c == '`'
            && let Some(length) = inline::code_length(&text[at..])
        {
            out.push_str(&text[at..at + length]);
            at += length;
            continue;
        }
        let word_around = out.ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric);
        let is_mark = match c {
            '<' => rest.starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')),
            '*' | '[' | ']' | '`' => true,
            '_' => !word_around,
            '.' | ')' => is_numbered && at == digits,
            _ => false,
        };
        if is_mark {
            out.push('\\');
        }
        out.push(c);
        at += c.len_utf8();
    }
    out
}

/// A source as a heading: foreign text, so one short line without marks. Its document's headings and its path; a file
/// without headings of its own is named by its path alone.
pub(super) fn heading(title: &str, uri: &str) -> String {
    const CHARS_MAX: usize = 100;
    const PATH_PARTS_MAX: usize = 3;
    let path = uri.split_once('/').map_or(uri, |(_, path)| path);
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let file = parts.last().copied().unwrap_or(path);
    let path = clean(&parts[parts.len().saturating_sub(PATH_PARTS_MAX)..].join("/"), CHARS_MAX);
    let title = clean(title, CHARS_MAX);
    if title.is_empty() || title.starts_with(file) { path } else { format!("{title} ({path})") }
}

fn clean(text: &str, chars_max: usize) -> String {
    let is_mark = |c: char| c.is_control() || "#*`[]<>|\\".contains(c);
    let text: String = text.chars().map(|c| if is_mark(c) { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(chars_max).collect()
}
