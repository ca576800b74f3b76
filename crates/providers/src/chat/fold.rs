//! Makes one answer of its pieces. Owns what a complete answer is; a streamed and a whole one go through the same code,
//! so they cannot disagree.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{AssistantMessage, Cost, FinishReason, Money, Reply, ToolCall, Usage};
use serde_json::Value;

use super::{
    chunk::{CallPiece, Choice, Chunk, Raw, Said, UsageBody, parse, string, text},
    continuation::{Carried, append_detail},
    dialect::CostReport,
};
use crate::DeltaSink;

/// Why no answer comes of it.
#[derive(Debug, PartialEq)]
pub(super) enum Broken {
    /// The service reports an error instead.
    Refused(Value),
    /// It cannot be read. Says where, never what: the text may hold anything.
    Unreadable(String),
    /// It ended before it was complete.
    Truncated,
}

/// An answer while it comes.
#[derive(Debug)]
pub(super) struct Fold {
    report: CostReport,
    text: String,
    refusal: String,
    calls: Vec<Call>,
    carried: Carried,
    finish: Option<FinishReason>,
    failed: bool,
    done: bool,
    choice_seen: bool,
    model: Option<String>,
    usage: Usage,
    cost: Option<Money>,
}

#[derive(Debug)]
struct Call {
    index: u64,
    id: String,
    name: String,
    arguments: String,
    extra_content: Option<Value>,
}

impl Fold {
    /// The most tool calls of one answer.
    pub(super) const CALLS_MAX: usize = 128;

    /// Nothing yet, of a service that reports cost in this way.
    pub(super) fn new(report: CostReport) -> Self {
        Self {
            report,
            text: String::new(),
            refusal: String::new(),
            calls: Vec::new(),
            carried: Carried::default(),
            finish: None,
            failed: false,
            done: false,
            choice_seen: false,
            model: None,
            usage: Usage::default(),
            cost: None,
        }
    }

    /// Takes the data of one event of a stream.
    pub(super) fn event(&mut self, data: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        match data.trim() {
            "" => Ok(()),
            "[DONE]" => {
                self.done = true;
                Ok(())
            }
            _ if self.done => Ok(()),
            json => self.take(json, false, sink),
        }
    }

    /// Takes a whole answer.
    pub(super) fn whole(&mut self, json: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        self.take(json, true, sink)?;
        self.done = true;
        Ok(())
    }

    /// Whether the service said that it has nothing more to send.
    pub(super) const fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the message is complete; token counts may still come.
    pub(super) const fn is_complete(&self) -> bool {
        self.done || self.finish.is_some()
    }

    /// Tokens reported so far.
    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }

    /// The cost, as far as it is known.
    pub(super) const fn cost(&self) -> Cost {
        match (self.report, self.cost) {
            (CostReport::Free, _) => Cost::FREE,
            (_, Some(money)) => Cost::Reported(money),
            (_, None) => Cost::Unknown,
        }
    }

    /// The answer, once there is no more to come.
    pub(super) fn finish(mut self, vendor: &str) -> Result<Reply, Broken> {
        if !self.is_complete() {
            return Err(Broken::Truncated);
        }
        if !self.choice_seen {
            return Err(Broken::Unreadable("it holds no choice".to_owned()));
        }
        if self.failed {
            return Err(Broken::Refused(Value::String("it ended its answer with an error".to_owned())));
        }
        let refused = self.text.is_empty() && !self.refusal.is_empty();
        let tool_calls = self.tool_calls();
        let finish = match (self.finish.unwrap_or_default(), tool_calls.is_empty()) {
            _ if refused => FinishReason::ContentFilter,
            // Some services say "stop" when they mean tools, and the other way round.
            (FinishReason::Stop | FinishReason::Other, false) => FinishReason::ToolCalls,
            (FinishReason::ToolCalls, true) => FinishReason::Stop,
            (finish, _) => finish,
        };
        Ok(Reply {
            message: AssistantMessage {
                text: if refused { self.refusal } else { self.text },
                tool_calls,
                continuation: self.carried.into_value(vendor),
            },
            finish,
            model: self.model,
            request_id: None,
        })
    }

    fn take(&mut self, json: &str, whole: bool, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        let chunk: Chunk<'_> = serde_json::from_str(json).map_err(|error| unreadable(&error))?;
        let object = string(chunk.object);
        if error_in(chunk.error).is_some() || object.as_deref() == Some("error") {
            return Err(Broken::Refused(serde_json::from_str(json).unwrap_or_default()));
        }
        if self.model.is_none() {
            self.model = string(chunk.model).filter(|model| !model.is_empty()).map(std::borrow::Cow::into_owned);
        }
        if let Some(usage) = chunk.usage() {
            self.account(&usage);
        }
        match chunk.choice() {
            Some(choice) => self.choice(&choice, whole || object.as_deref() == Some("chat.completion"), sink),
            None => Ok(()),
        }
    }

    fn choice(&mut self, choice: &Choice<'_>, whole: bool, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        self.choice_seen = true;
        if let Some(error) = error_in(choice.error) {
            return Err(Broken::Refused(error));
        }
        if let Some(said) = choice.said(whole) {
            self.said(&said, whole, sink)?;
        }
        match string(choice.finish_reason).as_deref() {
            None | Some("") => {}
            Some("error") => {
                self.failed = true;
                self.finish = Some(FinishReason::Other);
            }
            Some(word) => self.finish = Some(finish_reason(word)),
        }
        Ok(())
    }

    fn said(&mut self, said: &Said<'_>, whole: bool, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        if let Some(delta) = text(said.content).filter(|delta| !delta.is_empty()) {
            self.text.push_str(&delta);
            sink.text(&delta);
        }
        let append = |to: &mut String, raw| to.push_str(&string(raw).unwrap_or_default());
        append(&mut self.refusal, said.refusal);
        append(&mut self.carried.reasoning_content, said.reasoning_content);
        append(&mut self.carried.reasoning, said.reasoning);
        for detail in parse::<Vec<Value>>(said.reasoning_details).unwrap_or_default() {
            if whole {
                self.carried.reasoning_details.push(detail);
            } else {
                append_detail(&mut self.carried.reasoning_details, detail);
            }
        }
        said.tool_calls().iter().try_for_each(|piece| self.call(piece, whole))
    }

    fn call(&mut self, piece: &CallPiece<'_>, whole: bool) -> Result<(), Broken> {
        let function = piece.function();
        let id = string(piece.id).unwrap_or_default();
        let name = string(function.name).unwrap_or_default();
        let index = parse::<u64>(piece.index);
        let at = if whole { None } else { self.open_call(index, &id, &name) };
        let at = if let Some(at) = at {
            at
        } else {
            if self.calls.len() == Self::CALLS_MAX {
                return Err(Broken::Unreadable(format!("it holds more than {} tool calls", Self::CALLS_MAX)));
            }
            let next = self.calls.iter().map(|call| call.index.saturating_add(1)).max().unwrap_or(0);
            self.calls.push(Call {
                index: if whole { next } else { index.unwrap_or(next) },
                id: String::new(),
                name: String::new(),
                arguments: String::new(),
                extra_content: None,
            });
            self.calls.len() - 1
        };
        let call = &mut self.calls[at];
        // Id and name come once, or are repeated in every piece.
        if call.id.is_empty() {
            call.id = id.into_owned();
        }
        if call.name.is_empty() {
            call.name = name.into_owned();
        }
        call.arguments.push_str(&function.arguments());
        call.extra_content = parse(piece.extra_content).or_else(|| call.extra_content.take());
        Ok(())
    }

    /// The call a streamed piece goes on with; `None` begins a new one.
    fn open_call(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let begins = |call: &Call| !id.is_empty() && !call.id.is_empty() && call.id != id;
        match index {
            // Some services give every call of an answer the index 0, each with its own id.
            Some(index) => {
                let at = self.calls.iter().rposition(|call| call.index == index)?;
                (!begins(&self.calls[at])).then_some(at)
            }
            None if !id.is_empty() => self.calls.iter().rposition(|call| call.id == id),
            None if !name.is_empty() => None,
            None => self.calls.len().checked_sub(1),
        }
    }

    fn tool_calls(&mut self) -> Vec<ToolCall> {
        let mut calls = std::mem::take(&mut self.calls);
        calls.sort_by_key(|call| call.index);
        let mut ids = BTreeSet::new();
        let mut tool_calls = Vec::with_capacity(calls.len());
        for (position, call) in calls.into_iter().enumerate() {
            let id = if call.id.is_empty() || ids.contains(&call.id) {
                let mut id = format!("call_{position}");
                while ids.contains(&id) {
                    id.push('_');
                }
                id
            } else {
                call.id
            };
            ids.insert(id.clone());
            if let Some(extra) = call.extra_content {
                self.carried.extra_content.insert(id.clone(), extra);
            }
            let arguments = if call.arguments.trim().is_empty() { "{}".to_owned() } else { call.arguments };
            tool_calls.push(ToolCall { id, name: call.name, arguments });
        }
        tool_calls
    }

    /// Counts are totals so far, repeated with some services, so the largest of each is the answer's.
    fn account(&mut self, body: &UsageBody<'_>) {
        let (old, new) = (self.usage, body.normal());
        self.usage = Usage {
            input: old.input.max(new.input),
            cached: old.cached.max(new.cached),
            cache_write: old.cache_write.max(new.cache_write),
            output: old.output.max(new.output),
            reasoning: old.reasoning.max(new.reasoning),
        };
        self.cost = self.cost.max(reported_cost(body, self.report));
    }
}

fn reported_cost(body: &UsageBody<'_>, report: CostReport) -> Option<Money> {
    const PICO_USD_PER_TICK: u64 = 100;
    match report {
        CostReport::Never => None,
        CostReport::Free => Some(Money::ZERO),
        CostReport::UsageTicks => {
            let ticks = parse::<u64>(body.cost_in_usd_ticks)?;
            Some(Money::from_pico_usd(ticks.saturating_mul(PICO_USD_PER_TICK)))
        }
        CostReport::UsageCost => {
            let cost = parse::<Value>(body.cost)?;
            Money::from_usd(cost.as_f64().or_else(|| cost.get("total_cost")?.as_f64())?)
        }
    }
}

/// The error a field holds. Services also send `null`, `""`, `{}` or `false` for none.
fn error_in(raw: Raw<'_>) -> Option<Value> {
    parse::<Value>(raw).filter(|error| match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    })
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

fn unreadable(error: &serde_json::Error) -> Broken {
    let what = if error.is_eof() { "it is cut off" } else { "it is not the expected JSON" };
    Broken::Unreadable(format!("{what}, line {} column {}", error.line(), error.column()))
}
