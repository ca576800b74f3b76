//! Makes one answer of the chunks of the Chat wire. Owns what services of it mean by their many shapes of the same thing.

use mcp_orchestrator_domain::{FinishReason, Reply};
use serde_json::Value;

use super::{
    chunk::{CallPiece, Choice, Chunk, Said, text},
    continuation::{Carried, append_detail},
};
use crate::{
    DeltaSink,
    http::{
        CostReport,
        fold::{Broken, Draft, DraftCall, Fold},
        loose::{error_in, list, parse, string, unreadable},
    },
};

/// An answer while it comes.
#[derive(Debug)]
pub(crate) struct ChatFold {
    draft: Draft,
    carried: Carried,
    failed: bool,
    choice_seen: bool,
}

impl ChatFold {
    /// Nothing yet, of a service that reports cost in this way.
    pub(crate) fn new(report: CostReport) -> Self {
        Self { draft: Draft::new(report), carried: Carried::default(), failed: false, choice_seen: false }
    }

    fn take(&mut self, json: &str, whole: bool, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        let chunk: Chunk<'_> = serde_json::from_str(json).map_err(|error| unreadable(&error))?;
        let object = string(chunk.object);
        if error_in(chunk.error).is_some() || object.as_deref() == Some("error") {
            return Err(Broken::Refused(serde_json::from_str(json).unwrap_or_default()));
        }
        self.draft.name_model(string(chunk.model));
        if let Some(usage) = chunk.usage() {
            self.draft.count(usage.normal());
            self.draft.charge(usage.cost, usage.cost_in_usd_ticks);
        }
        match chunk.choice() {
            Some(choice) => self.choice(choice, whole || object.as_deref() == Some("chat.completion"), sink),
            None => Ok(()),
        }
    }

    fn choice(&mut self, choice: &Choice<'_>, whole: bool, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        self.choice_seen = true;
        if let Some(error) = error_in(choice.error) {
            return Err(Broken::Refused(error));
        }
        if let Some(said) = choice.said(whole) {
            self.said(said, whole, sink)?;
        }
        match string(choice.finish_reason).as_deref() {
            None | Some("") => {}
            Some("error") => {
                self.failed = true;
                self.draft.finish = Some(FinishReason::Other);
            }
            Some(word) => self.draft.finish = Some(finish_reason(word)),
        }
        Ok(())
    }

    fn said(&mut self, said: &Said<'_>, whole: bool, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        if let Some(delta) = text(said.content).filter(|delta| !delta.is_empty()) {
            self.draft.push_text(&delta, sink);
        }
        let append = |to: &mut String, raw| {
            if let Some(more) = string(raw) {
                to.push_str(&more);
            }
        };
        append(&mut self.draft.refusal, said.refusal);
        append(&mut self.carried.reasoning_content, said.reasoning_content);
        append(&mut self.carried.reasoning, said.reasoning);
        for detail in list::<Value>(said.reasoning_details) {
            if whole {
                self.carried.reasoning_details.push(detail);
            } else {
                append_detail(&mut self.carried.reasoning_details, detail);
            }
        }
        said.tool_calls.0.iter().try_for_each(|piece| self.call(piece, whole))
    }

    fn call(&mut self, piece: &CallPiece<'_>, whole: bool) -> Result<(), Broken> {
        let function = piece.function.0.as_ref();
        let id = string(piece.id).unwrap_or_default();
        let name = function.and_then(|function| string(function.name)).unwrap_or_default();
        let index = parse::<u64>(piece.index);
        let at = if whole { None } else { self.open_call(index, &id, &name) };
        let at = match at {
            Some(at) => at,
            None => self.draft.begin_call(if whole { None } else { index })?,
        };
        let call = &mut self.draft.calls[at];
        // Id and name come once, or are repeated in every piece.
        if call.id.is_empty() {
            call.id = id.into_owned();
        }
        if call.name.is_empty() {
            call.name = name.into_owned();
        }
        if let Some(function) = function {
            call.arguments.push_str(&function.arguments());
        }
        call.carried = parse(piece.extra_content).or_else(|| call.carried.take());
        Ok(())
    }

    /// The call a streamed piece goes on with; `None` begins a new one.
    fn open_call(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let begins = |call: &DraftCall| !id.is_empty() && !call.id.is_empty() && call.id != id;
        match index {
            // Some services give every call of an answer the index 0, each with its own id.
            Some(index) => {
                let at = self.draft.calls.iter().rposition(|call| call.index == index)?;
                (!begins(&self.draft.calls[at])).then_some(at)
            }
            None if !id.is_empty() => self.draft.calls.iter().rposition(|call| call.id == id),
            None if !name.is_empty() => None,
            None => self.draft.calls.len().checked_sub(1),
        }
    }
}

impl Fold for ChatFold {
    fn event(&mut self, data: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        match data.trim() {
            "" => Ok(()),
            "[DONE]" => {
                self.draft.done = true;
                Ok(())
            }
            json => self.take(json, false, sink),
        }
    }

    fn whole(&mut self, json: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        self.take(json, true, sink)?;
        self.draft.done = true;
        Ok(())
    }

    fn draft(&self) -> &Draft {
        &self.draft
    }

    fn finish(self: Box<Self>, vendor: &str) -> Result<Reply, Broken> {
        if !self.draft.is_complete() {
            return Err(Broken::Truncated);
        }
        if !self.choice_seen {
            return Err(Broken::Unreadable("it holds no choice".to_owned()));
        }
        if self.failed {
            return Err(Broken::Refused(Value::String("it ended its answer with an error".to_owned())));
        }
        let (mut reply, calls) = self.draft.into_reply()?;
        reply.message.continuation = self.carried.into_value(calls.of_calls, vendor);
        Ok(reply)
    }
}

fn finish_reason(word: &str) -> FinishReason {
    match word.to_ascii_lowercase().as_str() {
        "stop" | "end_turn" | "eos" | "complete" | "completed" | "stop_sequence" => FinishReason::Stop,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => FinishReason::ToolCalls,
        "length" | "max_tokens" | "model_length" => FinishReason::Length,
        "content_filter" | "content_filtered" | "safety" | "refusal" | "prohibited_content" => {
            FinishReason::ContentFilter
        }
        _ => FinishReason::Other,
    }
}
