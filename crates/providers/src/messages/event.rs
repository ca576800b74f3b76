//! One JSON object of an answer of the Messages wire: an event of a stream, a message, a block of one. Owns their fields.

use mcp_orchestrator_domain::Usage;
use serde::Deserialize;

use crate::http::loose::{Object, Raw, count, parse, string};

/// An event of a stream.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'a>,
    #[serde(borrow)]
    pub(super) index: Raw<'a>,
    #[serde(borrow)]
    pub(super) message: Raw<'a>,
    #[serde(borrow)]
    pub(super) content_block: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) delta: Object<Delta<'a>>,
    #[serde(borrow)]
    pub(super) usage: Raw<'a>,
    #[serde(borrow)]
    pub(super) error: Raw<'a>,
}

/// A message, whole or as it begins.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'a>,
    #[serde(borrow)]
    pub(super) model: Raw<'a>,
    #[serde(borrow)]
    pub(super) content: Raw<'a>,
    #[serde(borrow)]
    pub(super) stop_reason: Raw<'a>,
    #[serde(borrow)]
    pub(super) usage: Raw<'a>,
    #[serde(borrow)]
    pub(super) error: Raw<'a>,
}

/// A block of content.
#[derive(Debug, Deserialize)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'a>,
    #[serde(borrow)]
    pub(super) text: Raw<'a>,
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) name: Raw<'a>,
    #[serde(borrow)]
    pub(super) input: Raw<'a>,
}

/// What is new in a block, or at the end of the message.
#[derive(Debug, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow)]
    pub(super) text: Raw<'a>,
    #[serde(borrow)]
    pub(super) partial_json: Raw<'a>,
    #[serde(borrow)]
    pub(super) thinking: Raw<'a>,
    #[serde(borrow)]
    pub(super) signature: Raw<'a>,
    #[serde(borrow)]
    pub(super) stop_reason: Raw<'a>,
}

/// Token counts. In a stream they come in parts, each the total so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    fresh: u64,
    read: u64,
    written: u64,
    output: u64,
    thinking: u64,
}

impl Counts {
    /// Takes the larger of each.
    pub(super) fn take(&mut self, usage: Raw<'_>) {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow)]
            input_tokens: Raw<'a>,
            #[serde(borrow)]
            cache_read_input_tokens: Raw<'a>,
            #[serde(borrow)]
            cache_creation_input_tokens: Raw<'a>,
            #[serde(borrow)]
            output_tokens: Raw<'a>,
            #[serde(borrow)]
            output_tokens_details: Raw<'a>,
        }
        #[derive(Deserialize)]
        struct Details<'a> {
            #[serde(borrow)]
            thinking_tokens: Raw<'a>,
        }
        let Some(body) = parse::<Body<'_>>(usage) else { return };
        let thinking = parse::<Details<'_>>(body.output_tokens_details).map_or(0, |part| count(part.thinking_tokens));
        self.fresh = self.fresh.max(count(body.input_tokens));
        self.read = self.read.max(count(body.cache_read_input_tokens));
        self.written = self.written.max(count(body.cache_creation_input_tokens));
        self.output = self.output.max(count(body.output_tokens));
        self.thinking = self.thinking.max(thinking);
    }

    /// The counts in our terms: here `input_tokens` are only those that no cache had.
    pub(super) fn normal(self) -> Usage {
        Usage {
            input: self.fresh.saturating_add(self.read).saturating_add(self.written),
            cached: self.read,
            cache_write: self.written,
            output: self.output,
            reasoning: self.thinking.min(self.output),
        }
    }
}

/// Whether the object is an answer, a whole one, by its own word.
pub(super) fn is_message(kind: Raw<'_>) -> bool {
    string(kind).as_deref() == Some("message")
}
