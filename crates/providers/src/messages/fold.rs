//! Makes one answer of the events of the Messages wire. Owns the order of its blocks and what its stop reasons mean.

use std::collections::BTreeMap;

use mcp_orchestrator_domain::{FinishReason, Reply};
use serde_json::{Map, Value};

use super::{
    continuation::kept,
    event::{Block, Counts, Delta, Event, Message, is_message},
};
use crate::{
    DeltaSink,
    http::{
        CostReport,
        fold::{Broken, Draft, Fold},
        loose::{self, Raw, error_in, list, parse, string, unreadable},
    },
};

/// An answer while it comes.
#[derive(Debug)]
pub(crate) struct MessagesFold {
    draft: Draft,
    counts: Counts,
    /// By their index in the message.
    slots: BTreeMap<u64, Slot>,
    begun: bool,
}

/// One block while it comes.
#[derive(Debug)]
enum Slot {
    /// Its text is the draft's.
    Text,
    Call {
        /// Its place among the draft's calls.
        at: usize,
        /// Arguments that came whole with its beginning, and hold if no pieces follow.
        input: String,
    },
    Thinking(Map<String, Value>),
    Other,
}

impl MessagesFold {
    /// The most blocks of one answer.
    const BLOCKS_MAX: usize = 1024;

    /// Nothing yet, of a service that reports cost in this way.
    pub(crate) fn new(report: CostReport) -> Self {
        Self { draft: Draft::new(report), counts: Counts::default(), slots: BTreeMap::new(), begun: false }
    }

    fn take(&mut self, json: &str, event: &Event<'_>, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        let index = || parse::<u64>(event.index).unwrap_or(0);
        match string(event.kind).as_deref() {
            Some("message_start") => {
                self.begun = true;
                if let Some(message) = parse::<Message<'_>>(event.message) {
                    self.head(&message);
                }
            }
            Some("content_block_start") => self.begin(index(), event.content_block, sink)?,
            Some("content_block_delta") => {
                if let Some(delta) = &event.delta.0 {
                    self.delta(index(), delta, sink)?;
                }
            }
            Some("message_delta") => {
                self.account(event.usage);
                self.stop(event.delta.0.as_ref().and_then(|delta| delta.stop_reason));
            }
            Some("message_stop") => self.draft.done = true,
            Some("message") => return self.whole(json, sink),
            Some("error") => return Err(Broken::Refused(serde_json::from_str(json).unwrap_or_default())),
            _ if error_in(event.error).is_some() => {
                return Err(Broken::Refused(serde_json::from_str(json).unwrap_or_default()));
            }
            // `ping`, the end of a block, and what is yet to be invented.
            _ => {}
        }
        Ok(())
    }

    fn head(&mut self, message: &Message<'_>) {
        self.draft.name_model(string(message.model));
        self.account(message.usage);
    }

    fn account(&mut self, usage: Raw<'_>) {
        self.counts.take(usage);
        self.draft.count(self.counts.normal());
    }

    fn stop(&mut self, reason: Raw<'_>) {
        if let Some(word) = string(reason).filter(|word| !word.is_empty()) {
            self.draft.finish = Some(finish_reason(&word));
        }
    }

    fn begin(&mut self, index: u64, raw: Raw<'_>, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        self.begun = true;
        let Some(block) = parse::<Block<'_>>(raw) else { return Ok(()) };
        if self.slots.len() == Self::BLOCKS_MAX {
            return Err(Broken::Unreadable(format!("it holds more than {} blocks", Self::BLOCKS_MAX)));
        }
        let slot = match string(block.kind).as_deref() {
            Some("text") => {
                self.draft.push_text(&string(block.text).unwrap_or_default(), sink);
                Slot::Text
            }
            Some("tool_use") => {
                let at = self.draft.begin_call(None)?;
                self.draft.calls[at].id = string(block.id).unwrap_or_default().into_owned();
                self.draft.calls[at].name = string(block.name).unwrap_or_default().into_owned();
                Slot::Call { at, input: loose::arguments(block.input).into_owned() }
            }
            Some("thinking" | "redacted_thinking") => Slot::Thinking(parse(raw).unwrap_or_default()),
            _ => Slot::Other,
        };
        self.slots.insert(index, slot);
        Ok(())
    }

    fn delta(&mut self, index: u64, delta: &Delta<'_>, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        // A server that does not say that a block begins can only mean a text.
        match self.slots.entry(index).or_insert(Slot::Text) {
            Slot::Text => self.draft.push_text(&string(delta.text).unwrap_or_default(), sink),
            Slot::Call { at, .. } => {
                self.draft.calls[*at].arguments.push_str(&string(delta.partial_json).unwrap_or_default());
            }
            Slot::Thinking(fields) => {
                append(fields, "thinking", delta.thinking);
                append(fields, "signature", delta.signature);
            }
            Slot::Other => {}
        }
        if self.slots.len() > Self::BLOCKS_MAX {
            return Err(Broken::Unreadable(format!("it holds more than {} blocks", Self::BLOCKS_MAX)));
        }
        Ok(())
    }
}

impl Fold for MessagesFold {
    fn event(&mut self, data: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        match data.trim() {
            "" | "[DONE]" => Ok(()),
            json => {
                let event = serde_json::from_str(json).map_err(|error| unreadable(&error))?;
                self.take(json, &event, sink)
            }
        }
    }

    fn whole(&mut self, json: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        let message: Message<'_> = serde_json::from_str(json).map_err(|error| unreadable(&error))?;
        if error_in(message.error).is_some() || string(message.kind).as_deref() == Some("error") {
            return Err(Broken::Refused(serde_json::from_str(json).unwrap_or_default()));
        }
        if !is_message(message.kind) && message.content.is_none() {
            return Err(Broken::Unreadable("it holds no message".to_owned()));
        }
        self.head(&message);
        for (index, block) in (0_u64..).zip(list::<&serde_json::value::RawValue>(message.content)) {
            self.begin(index, Some(block), sink)?;
        }
        self.begun = true;
        self.stop(message.stop_reason);
        self.draft.done = true;
        Ok(())
    }

    fn draft(&self) -> &Draft {
        &self.draft
    }

    fn finish(self: Box<Self>, vendor: &str) -> Result<Reply, Broken> {
        let Self { mut draft, slots, begun, .. } = *self;
        if draft.is_complete() && !begun {
            return Err(Broken::Unreadable("it holds no message".to_owned()));
        }
        let mut thoughts = Vec::new();
        for slot in slots.into_values() {
            match slot {
                Slot::Call { at, input } if draft.calls[at].arguments.is_empty() => draft.calls[at].arguments = input,
                Slot::Thinking(fields) => thoughts.push(Value::Object(fields)),
                Slot::Call { .. } | Slot::Text | Slot::Other => {}
            }
        }
        let (mut reply, _) = draft.into_reply()?;
        reply.message.continuation = kept(thoughts, vendor);
        Ok(reply)
    }
}

fn append(fields: &mut Map<String, Value>, name: &str, piece: Raw<'_>) {
    let Some(piece) = string(piece) else { return };
    match fields.get_mut(name) {
        Some(Value::String(text)) => text.push_str(&piece),
        _ => {
            fields.insert(name.to_owned(), piece.into_owned().into());
        }
    }
}

fn finish_reason(word: &str) -> FinishReason {
    match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "tool_use" => FinishReason::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}
