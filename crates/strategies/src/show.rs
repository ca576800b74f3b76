//! How foreign text is laid out for a model: fenced, bounded, with the ids it is cited by. Owns layout and bounds; says
//! nothing about what to do with it.

use std::sync::Arc;

use mcp_orchestrator_domain::Span;

use crate::Fence;

/// The longest part of a tool's own text shown to a model, in characters.
pub const TOOL_TEXT_CHARS_MAX: usize = 8_000;
/// The longest part of one quote shown to a model, in characters. The whole quote can be cited all the same.
pub const QUOTE_CHARS_MAX: usize = 3_000;
/// The most characters of quotes one answer of a tool shows.
pub const QUOTES_CHARS_MAX: usize = 24_000;

/// A tool's answer as a model reads it: its text, then each quote with the id it is cited by and its source.
///
/// All of it is fenced but the ids. Longer texts are cut at the end of a paragraph or a word and say so; quotes that
/// do not fit are counted.
#[must_use]
pub fn tool_answer(fence: &Fence, content: &str, spans: &[Arc<Span>]) -> String {
    let mut parts = Vec::new();
    if !content.trim().is_empty() {
        parts.push(fence.wrap("tool answer", &cut(content.trim(), TOOL_TEXT_CHARS_MAX)));
    }
    let quotes = quotes(fence, spans, QUOTE_CHARS_MAX, QUOTES_CHARS_MAX);
    if !quotes.is_empty() {
        parts.push(quotes);
    }
    if parts.is_empty() {
        return "The tool answered nothing.".to_owned();
    }
    parts.join("\n\n")
}

/// Quotes with their ids and sources, until `total_max` characters are shown. Empty without spans.
pub(crate) fn quotes(fence: &Fence, spans: &[Arc<Span>], each_max: usize, total_max: usize) -> String {
    let mut parts = Vec::new();
    let mut left = total_max;
    for (position, span) in spans.iter().enumerate() {
        let quote = cut(span.quote.trim(), each_max);
        let chars = quote.chars().count();
        if chars > left && position > 0 {
            let rest = spans.len() - position;
            parts.push(format!("({rest} more passages do not fit here and are left out.)"));
            break;
        }
        left = left.saturating_sub(chars);
        let text = format!("Source: {} ({})\n\n{quote}", span.source.title, span.source.uri);
        parts.push(format!("[{}]\n{}", span.id, fence.wrap("passage", &text)));
    }
    parts.join("\n\n")
}

/// The start of a text: at most `chars_max` characters, ended where a paragraph, a sentence or a word ends, with a note
/// of how much is left out.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(chars_max) else { return text.to_owned() };
    let start = &text[..end];
    // An earlier end costs text, so it must not cost more than half of it.
    let ended = [("\n\n", 0), (". ", 1), ("\n", 0), (" ", 0)]
        .into_iter()
        .find_map(|(mark, kept)| start.rfind(mark).filter(|at| at * 2 >= end).map(|at| &start[..at + kept]))
        .unwrap_or(start);
    let left_out = text.chars().count() - ended.chars().count();
    format!("{ended}\n(cut here: {left_out} more characters)")
}
