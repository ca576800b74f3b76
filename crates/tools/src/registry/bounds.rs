//! What a tool may answer. Owns the bounds and the check that evidence is what it says; knows no tool.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use mcp_orchestrator_domain::{Digest, Span};

use crate::{Snapshot, ToolAnswer, ToolError};

/// How much of an answer is taken. What is more is left out, and the answer's text says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers build it with `..AnswerBounds::default()`")]
pub struct AnswerBounds {
    /// Bytes of the text for the model.
    pub content_bytes_max: usize,
    /// Spans.
    pub spans_max: usize,
    /// Bytes of one span's quote.
    pub quote_bytes_max: usize,
    /// Bytes of all snapshots together.
    pub snapshot_bytes_max: usize,
}

impl Default for AnswerBounds {
    fn default() -> Self {
        Self { content_bytes_max: 256 << 10, spans_max: 50, quote_bytes_max: 8 << 10, snapshot_bytes_max: 64 << 20 }
    }
}

impl AnswerBounds {
    /// The answer within the bounds: the best spans, and the snapshots they point into.
    ///
    /// # Errors
    /// [`ToolError::Failed`] when a span does not quote its snapshot or has none: such an answer proves nothing.
    pub(super) fn hold(&self, mut answer: ToolAnswer) -> Result<ToolAnswer, ToolError> {
        let offered = answer.spans.len();
        let texts: HashMap<Digest, &Snapshot> = answer.snapshots.iter().map(|s| (s.digest, s)).collect();
        let mut needed: HashSet<Digest> = HashSet::new();
        let mut snapshot_bytes = 0;
        let mut spans = Vec::with_capacity(offered.min(self.spans_max));
        for span in &answer.spans {
            let snapshot = texts.get(&span.snapshot).filter(|snapshot| quotes(span, &snapshot.text));
            let snapshot = snapshot.ok_or_else(|| ToolError::failed(format!("{} does not quote its text", span.id)))?;
            if spans.len() == self.spans_max || span.quote.len() > self.quote_bytes_max {
                continue;
            }
            if !needed.contains(&span.snapshot) {
                if snapshot_bytes + snapshot.text.len() > self.snapshot_bytes_max {
                    continue;
                }
                snapshot_bytes += snapshot.text.len();
                needed.insert(span.snapshot);
            }
            spans.push(span.clone());
        }
        answer.snapshots.retain(|snapshot| needed.remove(&snapshot.digest));
        answer.spans = spans;
        self.hold_content(&mut answer.content, offered - answer.spans.len());
        Ok(answer)
    }

    /// The error within the bounds: an agent reads its message.
    pub(super) fn hold_error(&self, mut error: ToolError) -> ToolError {
        if let ToolError::Failed { message, .. } = &mut error {
            self.hold_content(message, 0);
        }
        error
    }

    fn hold_content(&self, content: &mut String, spans_left_out: usize) {
        let bytes = content.len();
        if bytes > self.content_bytes_max {
            content.truncate(content.floor_char_boundary(self.content_bytes_max));
            // Writing to a `String` cannot fail.
            let _ = write!(content, "\n[cut: {} of {bytes} bytes are shown]", content.len());
        }
        if spans_left_out > 0 {
            let _ = write!(content, "\n[{spans_left_out} more passages were left out: too many or too long]");
        }
    }
}

fn quotes(span: &Span, text: &str) -> bool {
    let (Ok(start), Ok(end)) = (usize::try_from(span.start), usize::try_from(span.end)) else { return false };
    start < end && text.get(start..end) == Some(&*span.quote)
}
