//! Citations out of text. Owns which brackets are citations and where the text closes up; knows no sentence.

use mcp_orchestrator_domain::EvidenceId;

use super::inline::{Inline, Style};

/// The longest bracket looked into, in bytes: some forty ids.
const BRACKET_MAX: usize = 640;

/// A text without its citations.
#[derive(Debug, Default)]
pub(super) struct Cited {
    pub(super) inline: Inline,
    /// Where in the remaining text each id stood.
    pub(super) citations: Vec<(usize, EvidenceId)>,
    /// Where a citation stood behind a full stop: a sentence ends there whatever its last word is.
    pub(super) ends: Vec<usize>,
}

pub(super) fn take_citations(inline: &Inline) -> Cited {
    let text = inline.text.as_str();
    let code = inline.code();
    let mut cited = Cited { inline: inline.without_text(), ..Cited::default() };
    let mut copied = 0;
    let mut from = 0;
    let mut next_code = 0;
    while let Some(found) = text[from..].find('[') {
        let open = from + found;
        while code.get(next_code).is_some_and(|range| range.end <= open) {
            next_code += 1;
        }
        let inside = code.get(next_code).filter(|range| range.contains(&open));
        let bracket = bracket(text, open);
        let Some((end, ids, rest)) = bracket else {
            from = open + 1;
            continue;
        };
        if let Some(range) = inside
            && (range.start != open || range.end != end)
        {
            from = range.end.max(open + 1);
            continue;
        }
        cited.inline.push_part(inline, copied..open);
        cited.close_up(text[end..].chars().next(), rest.is_empty());
        let at = cited.inline.text.len();
        cited.citations.extend(ids.into_iter().map(|id| (at, id)));
        if !rest.is_empty() {
            cited.inline.push(&format!("[{}]", rest.join(", ")), Style::Plain, None);
        }
        copied = end;
        from = end;
    }
    cited.inline.push_part(inline, copied..text.len());
    let text = &cited.inline.text;
    let ends = cited.citations.iter().map(|(at, _)| *at);
    cited.ends = ends.filter(|at| ends_sentence(&text[..*at]) && !continues(&text[*at..])).collect();
    cited.ends.dedup();
    cited
}

impl Cited {
    /// After a citation was taken out: no space before what follows a space or ends a sentence, one between words.
    fn close_up(&mut self, after: Option<char>, nothing_stays: bool) {
        let text = &self.inline.text;
        if !nothing_stays {
            return;
        }
        let joins = after
            .is_none_or(|c| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | '[' | '。'));
        if joins {
            let length = text.trim_end().len();
            self.inline.truncate(length);
        } else if !text.is_empty() && !text.ends_with(char::is_whitespace) && after.is_some_and(char::is_alphanumeric) {
            self.inline.push(" ", Style::Plain, None);
        }
    }
}

/// The bracket at `open` if it holds at least one evidence id: where it ends, its ids and its other words.
fn bracket(text: &str, open: usize) -> Option<(usize, Vec<EvidenceId>, Vec<&str>)> {
    let bytes = text.as_bytes();
    let window = &bytes[open + 1..bytes.len().min(open + 1 + BRACKET_MAX)];
    let close = open + 1 + window.iter().position(|b| matches!(b, b']' | b'['))?;
    if bytes[close] == b'[' {
        return None;
    }
    let mut ids = Vec::new();
    let mut rest = Vec::new();
    for word in text[open + 1..close].split([',', ';']).flat_map(|part| {
        let all_ids = part.split_whitespace().all(|word| EvidenceId::new(word.trim_start_matches('^')).is_ok());
        if all_ids { part.split_whitespace().collect() } else { vec![part.trim()] }
    }) {
        match EvidenceId::new(word.trim_start_matches('^')) {
            Ok(id) => ids.push(id),
            Err(_) if word.is_empty() => {}
            Err(_) => rest.push(word),
        }
    }
    (!ids.is_empty()).then_some((close + 1, ids, rest))
}

fn continues(text: &str) -> bool {
    text.trim_start().starts_with(char::is_lowercase)
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '”', '’', '\'', ')', '»']).ends_with(['.', '!', '?', '…', '。', '！', '？', '।'])
}
