//! What every wire's answer is made of. Owns the contract of a fold and the draft it fills; a streamed and a whole answer go
//! through the same fold, so they cannot disagree. Knows no wire.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{AssistantMessage, Cost, FinishReason, Money, Reply, ToolCall, Usage};
use serde_json::{Map, Value};

use super::{
    dialect::CostReport,
    loose::{Raw, count, parse},
};
use crate::DeltaSink;

/// Makes one answer of its pieces.
pub(crate) trait Fold: Send + Sync {
    /// Takes the data of one event of a stream. Nothing is taken once the draft is done.
    fn event(&mut self, data: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken>;

    /// Takes a whole answer.
    fn whole(&mut self, json: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken>;

    /// What there is so far.
    fn draft(&self) -> &Draft;

    /// The answer, once there is no more to come.
    fn finish(self: Box<Self>, vendor: &str) -> Result<Reply, Broken>;
}

/// Why no answer comes of it.
#[derive(Debug, PartialEq)]
pub(crate) enum Broken {
    /// The service reports an error instead.
    Refused(Value),
    /// The service's filter stopped it before there was an answer.
    Filtered(String),
    /// It cannot be read. Says where, never what: the text may hold anything.
    Unreadable(String),
    /// It ended before it was complete.
    Truncated,
}

/// An answer while it comes.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) text: String,
    pub(crate) refusal: String,
    pub(crate) calls: Vec<DraftCall>,
    /// Why it ended; until then it is not complete.
    pub(crate) finish: Option<FinishReason>,
    /// Whether the service said that it has nothing more to send.
    pub(crate) done: bool,
    pub(crate) model: Option<String>,
    request_id: Option<String>,
    report: CostReport,
    usage: Usage,
    cost: Option<Money>,
}

/// A tool call while it comes.
#[derive(Debug, Default)]
pub(crate) struct DraftCall {
    /// Its place among the calls.
    pub(crate) index: u64,
    /// Empty until the service names it; some never do.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
    /// What must come back with it.
    pub(crate) carried: Option<Value>,
}

impl Draft {
    /// The most tool calls of one answer.
    pub(crate) const CALLS_MAX: usize = 128;

    /// Nothing yet, of a service that reports cost in this way.
    pub(crate) const fn new(report: CostReport) -> Self {
        Self {
            text: String::new(),
            refusal: String::new(),
            calls: Vec::new(),
            finish: None,
            done: false,
            model: None,
            request_id: None,
            report,
            usage: Usage { input: 0, cached: 0, cache_write: 0, output: 0, reasoning: 0 },
            cost: None,
        }
    }

    /// Whether the message is complete; token counts may still come.
    pub(crate) const fn is_complete(&self) -> bool {
        self.done || self.finish.is_some()
    }

    /// Tokens reported so far.
    pub(crate) const fn usage(&self) -> Usage {
        self.usage
    }

    /// The cost, as far as the service says it.
    pub(crate) const fn cost(&self) -> Cost {
        match (self.report, self.cost) {
            (CostReport::Free, _) => Cost::FREE,
            (_, Some(money)) => Cost::Reported(money),
            (_, None) => Cost::Unknown,
        }
    }

    /// Takes the next piece of text.
    pub(crate) fn push_text(&mut self, delta: &str, sink: &mut dyn DeltaSink) {
        if !delta.is_empty() {
            self.text.push_str(delta);
            sink.text(delta);
        }
    }

    /// Keeps the first name of a model that is one.
    pub(crate) fn name_model(&mut self, model: Option<impl Into<String>>) {
        if self.model.is_none() {
            self.model = model.map(Into::into).filter(|model| !model.is_empty());
        }
    }

    /// Keeps the first id of the request that the answer itself gives: for services that name it in no header.
    pub(crate) fn name_request(&mut self, id: Option<impl Into<String>>) {
        if self.request_id.is_none() {
            self.request_id = id.map(Into::into).filter(|id| !id.is_empty());
        }
    }

    /// The id of the request, as the answer itself gives it.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Begins a call after all others, unless `index` gives it a place.
    pub(crate) fn begin_call(&mut self, index: Option<u64>) -> Result<usize, Broken> {
        if self.calls.len() == Self::CALLS_MAX {
            return Err(Broken::Unreadable(format!("it holds more than {} tool calls", Self::CALLS_MAX)));
        }
        let next = || self.calls.iter().map(|call| call.index.saturating_add(1)).max().unwrap_or(0);
        self.calls.push(DraftCall { index: index.unwrap_or_else(next), ..DraftCall::default() });
        Ok(self.calls.len() - 1)
    }

    /// Counts are totals so far, repeated with some services, so the largest of each is the answer's.
    pub(crate) fn count(&mut self, usage: Usage) {
        let old = self.usage;
        self.usage = Usage {
            input: old.input.max(usage.input),
            cached: old.cached.max(usage.cached),
            cache_write: old.cache_write.max(usage.cache_write),
            output: old.output.max(usage.output),
            reasoning: old.reasoning.max(usage.reasoning),
        };
    }

    /// Reads the cost out of the fields beside the token counts in which this service reports it.
    pub(crate) fn charge(&mut self, cost: Raw<'_>, cost_in_usd_ticks: Raw<'_>) {
        const PICO_USD_PER_TICK: u64 = 100;
        let reported = match self.report {
            CostReport::Never => None,
            CostReport::Free => Some(Money::ZERO),
            CostReport::UsageTicks => parse::<u64>(cost_in_usd_ticks)
                .map(|ticks| Money::from_pico_usd(ticks.saturating_mul(PICO_USD_PER_TICK))),
            CostReport::UsageCost => parse::<Value>(cost)
                .and_then(|cost| cost.as_f64().or_else(|| cost.get("total_cost")?.as_f64()))
                .and_then(Money::from_usd),
        };
        self.cost = self.cost.max(reported);
    }

    /// The reply of a draft that is complete, and what each of its calls carries, by id. The continuation is the wire's.
    pub(crate) fn into_reply(mut self) -> Result<(Reply, Carried), Broken> {
        if !self.is_complete() {
            return Err(Broken::Truncated);
        }
        let refused = self.text.is_empty() && !self.refusal.is_empty();
        let (tool_calls, carried) = self.tool_calls();
        let finish = match (self.finish.unwrap_or_default(), tool_calls.is_empty()) {
            _ if refused => FinishReason::ContentFilter,
            // Some services say "stop" when they mean tools, and the other way round.
            (FinishReason::Stop | FinishReason::Other, false) => FinishReason::ToolCalls,
            (FinishReason::ToolCalls, true) => FinishReason::Stop,
            (finish, _) => finish,
        };
        let text = if refused { self.refusal } else { self.text };
        let message = AssistantMessage { text, tool_calls, continuation: None };
        Ok((Reply { message, finish, model: self.model, request_id: None }, carried))
    }

    /// The calls in their order, each with an id of its own.
    fn tool_calls(&mut self) -> (Vec<ToolCall>, Carried) {
        let mut calls = std::mem::take(&mut self.calls);
        calls.sort_by_key(|call| call.index);
        let mut ids = BTreeSet::new();
        let mut carried = Carried::default();
        let mut tool_calls = Vec::with_capacity(calls.len());
        for (position, call) in calls.into_iter().enumerate() {
            let id = if call.id.is_empty() || ids.contains(&call.id) {
                let mut id = format!("call_{position}");
                while ids.contains(&id) {
                    id.push('_');
                }
                carried.named_here.push(id.clone().into());
                id
            } else {
                call.id
            };
            ids.insert(id.clone());
            if let Some(value) = call.carried {
                carried.of_calls.insert(id.clone(), value);
            }
            let arguments = if call.arguments.trim().is_empty() { "{}".to_owned() } else { call.arguments };
            tool_calls.push(ToolCall { id, name: call.name, arguments });
        }
        (tool_calls, carried)
    }
}

/// What belongs to the calls of an answer and is no part of our own shapes.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// By the id of its call.
    pub(crate) of_calls: Map<String, Value>,
    /// Ids that are ours: the service gave none.
    pub(crate) named_here: Vec<Value>,
}

/// Token counts of the two wires OpenAI defined: the prompt's, the completion's, the sum.
///
/// Some services leave reasoning out of the completion tokens; the total tells.
pub(crate) fn openai_usage(input: Raw<'_>, output: Raw<'_>, total: Raw<'_>, parts: UsageParts) -> Usage {
    let input = count(input);
    let output = count(output).max(count(total).saturating_sub(input));
    Usage {
        input,
        cached: parts.cached.min(input),
        cache_write: parts.cache_write.min(input),
        output,
        reasoning: parts.reasoning.min(output),
    }
}

/// Token counts that are parts of others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UsageParts {
    pub(crate) cached: u64,
    pub(crate) cache_write: u64,
    pub(crate) reasoning: u64,
}
