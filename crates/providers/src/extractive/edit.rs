//! The editor's part: a report without the sentences that cite what is no evidence. Owns no wording of its own.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{NOTHING_FOUND, StepInput, cited};

/// The first output, without the lines that cite an id no span has. What is wrong with other sentences cannot be told
/// from here, so they stay.
pub(super) fn repaired(input: &StepInput) -> String {
    let Some(output) = input.outputs.first() else { return NOTHING_FOUND.to_owned() };
    let known: BTreeSet<&str> = input.spans.iter().map(|span| span.id.as_str()).collect();
    if known.is_empty() {
        return output.text.to_string();
    }
    let mut text = String::with_capacity(output.text.len());
    for line in output.text.split_inclusive('\n') {
        text.push_str(&without_unknown(line, &known));
    }
    text
}

/// A line without its sentences that cite an unknown id; each sentence ends at its citation.
fn without_unknown(line: &str, known: &BTreeSet<&str>) -> String {
    let is_known = |piece: &str| cited(piece).iter().all(|id| known.contains(id.as_str()));
    if is_known(line) {
        return line.to_owned();
    }
    let mut kept = String::new();
    let mut rest = line;
    while let Some(end) = citation_end(rest) {
        let (sentence, after) = rest.split_at(end);
        if is_known(sentence) {
            kept.push_str(sentence);
        }
        rest = after;
    }
    kept.push_str(rest.trim_start());
    if kept.trim().is_empty() { String::new() } else { kept }
}

fn citation_end(text: &str) -> Option<usize> {
    let start = text.find("[ev_")?;
    Some(start + text[start..].find(']')? + 1)
}
