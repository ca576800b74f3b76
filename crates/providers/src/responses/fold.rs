//! Makes one answer of the events of the Responses wire. Owns which of them is the authority: a finished item over its pieces,
//! and the last response over nothing but what no item said.

use std::collections::BTreeMap;

use mcp_orchestrator_domain::{FinishReason, Reply};
use serde_json::Value;

use super::{
    continuation::{call_here, kept, text_here},
    event::{Event, Item, Response},
};
use crate::{
    DeltaSink,
    http::{
        CostReport,
        fold::{Broken, Draft, Fold},
        loose::{self, Raw, error_in, parse, string, unreadable},
    },
};

/// An answer while it comes.
#[derive(Debug)]
pub(crate) struct ResponsesFold {
    draft: Draft,
    /// By their index in the output.
    items: BTreeMap<u64, Slot>,
}

/// One item while it comes.
#[derive(Debug, Default)]
struct Slot {
    kind: Kind,
    call_id: String,
    name: String,
    arguments: String,
    text: String,
    refusal: String,
    reasoning: Option<Value>,
    finished: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Kind {
    #[default]
    Message,
    Call,
    Reasoning,
    Other,
}

impl ResponsesFold {
    /// The most items of one answer.
    const ITEMS_MAX: usize = 1024;

    /// Nothing yet, of a service that reports cost in this way.
    pub(crate) const fn new(report: CostReport) -> Self {
        Self { draft: Draft::new(report), items: BTreeMap::new() }
    }

    fn slot(&mut self, index: u64) -> Result<&mut Slot, Broken> {
        if self.items.len() == Self::ITEMS_MAX && !self.items.contains_key(&index) {
            return Err(Broken::Unreadable(format!("it holds more than {} items", Self::ITEMS_MAX)));
        }
        Ok(self.items.entry(index).or_default())
    }

    /// The item an event is about; without an index, the last one.
    fn index_of(&self, event: &Event<'_>) -> u64 {
        parse::<u64>(event.output_index).unwrap_or_else(|| self.items.keys().next_back().copied().unwrap_or(0))
    }

    fn take(&mut self, json: &str, event: &Event<'_>, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        let refused = || Err(Broken::Refused(serde_json::from_str(json).unwrap_or_default()));
        let kind = string(event.kind).unwrap_or_default();
        if kind == "error" || error_in(event.error).is_some() {
            return refused();
        }
        if kind.is_empty() && (event.response.is_none() || string(event.object).as_deref() == Some("response")) {
            return self.whole(json, sink);
        }
        let index = self.index_of(event);
        match &*kind {
            "response.output_text.delta" => {
                let delta = string(event.delta).unwrap_or_default();
                self.slot(index)?.text.push_str(&delta);
                self.draft.push_text(&delta, sink);
            }
            "response.refusal.delta" => {
                let delta = string(event.delta).unwrap_or_default();
                self.slot(index)?.refusal.push_str(&delta);
            }
            "response.function_call_arguments.delta" => {
                let delta = string(event.delta).unwrap_or_default();
                let slot = self.slot(index)?;
                slot.kind = Kind::Call;
                slot.arguments.push_str(&delta);
            }
            "response.function_call_arguments.done" => {
                let slot = self.slot(index)?;
                slot.kind = Kind::Call;
                if event.arguments.is_some() {
                    slot.arguments = loose::arguments(event.arguments).into_owned();
                }
            }
            "response.output_item.added" => self.item(index, event.item, false, sink)?,
            "response.output_item.done" => self.item(index, event.item, true, sink)?,
            "response.failed" => return self.failed(event, json),
            "response.completed" | "response.done" => self.response(event.response, false, sink)?,
            "response.incomplete" => self.response(event.response, true, sink)?,
            // Others repeat what is taken above, or tell of things that were not asked for.
            _ => {
                if let Some(response) = parse::<Response<'_>>(event.response) {
                    self.draft.name_model(string(response.model));
                }
            }
        }
        Ok(())
    }

    fn failed(&mut self, event: &Event<'_>, json: &str) -> Result<(), Broken> {
        let response = parse::<Response<'_>>(event.response);
        if let Some(response) = &response {
            self.account(response);
        }
        let error = response.and_then(|response| error_in(response.error));
        Err(Broken::Refused(error.unwrap_or_else(|| serde_json::from_str(json).unwrap_or_default())))
    }

    /// Takes an item: begun, or finished and then the authority over its pieces.
    fn item(&mut self, index: u64, raw: Raw<'_>, finished: bool, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        let Some(item) = parse::<Item<'_>>(raw) else { return Ok(()) };
        let kind = match string(item.kind).as_deref() {
            Some("message") => Kind::Message,
            Some("function_call") => Kind::Call,
            Some("reasoning") => Kind::Reasoning,
            _ => Kind::Other,
        };
        let slot = self.slot(index)?;
        slot.kind = kind;
        slot.finished |= finished;
        match kind {
            Kind::Message => {
                let (text, refusal) = item.said();
                if finished && !refusal.is_empty() {
                    slot.refusal = refusal;
                }
                // What was not heard piece by piece is heard now.
                let rest = text.strip_prefix(slot.text.as_str()).map(str::to_owned);
                if finished && !text.is_empty() {
                    slot.text = text;
                    if let Some(rest) = rest {
                        self.draft.push_text(&rest, sink);
                    }
                }
            }
            Kind::Call => {
                slot.call_id = item.call_id().unwrap_or_default().into_owned();
                slot.name = string(item.name).unwrap_or_default().into_owned();
                let arguments = loose::arguments(item.arguments);
                if finished && !arguments.is_empty() {
                    slot.arguments = arguments.into_owned();
                }
            }
            Kind::Reasoning if finished => slot.reasoning = parse(raw),
            Kind::Reasoning | Kind::Other => {}
        }
        Ok(())
    }

    /// Takes a response that has ended: what no item said, the counts, and why it ended.
    fn response(&mut self, raw: Raw<'_>, incomplete: bool, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        let Some(response) = parse::<Response<'_>>(raw) else {
            return Err(Broken::Unreadable("its end holds no response".to_owned()));
        };
        self.account(&response);
        if let Some(error) = error_in(response.error) {
            return Err(Broken::Refused(error));
        }
        for (index, item) in (0_u64..).zip(response.output()) {
            if !self.items.get(&index).is_some_and(|slot| slot.finished) {
                self.item(index, item, true, sink)?;
            }
        }
        self.draft.finish = match string(response.status).as_deref() {
            Some("queued" | "in_progress") => None,
            Some("failed" | "cancelled") => {
                return Err(Broken::Refused(Value::String("it ended its answer with an error".to_owned())));
            }
            status if incomplete || status == Some("incomplete") => {
                Some(match response.incomplete_reason().as_deref() {
                    Some("max_output_tokens" | "max_tokens" | "length") => FinishReason::Length,
                    Some("content_filter") => FinishReason::ContentFilter,
                    _ => return Err(Broken::Truncated),
                })
            }
            _ => Some(FinishReason::Stop),
        };
        self.draft.done = self.draft.finish.is_some();
        Ok(())
    }

    fn account(&mut self, response: &Response<'_>) {
        self.draft.name_model(string(response.model));
        if let Some(usage) = response.usage() {
            self.draft.count(usage.normal());
            self.draft.charge(usage.cost, usage.cost_in_usd_ticks);
        }
    }
}

impl Fold for ResponsesFold {
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
        let response: Response<'_> = serde_json::from_str(json).map_err(|error| unreadable(&error))?;
        if error_in(response.error).is_some() {
            self.account(&response);
            return Err(Broken::Refused(serde_json::from_str(json).unwrap_or_default()));
        }
        if !response.has_output() && response.status.is_none() {
            return Err(Broken::Unreadable("it holds no output".to_owned()));
        }
        let raw = serde_json::from_str(json).map_err(|error| unreadable(&error))?;
        self.response(Some(raw), false, sink)
    }

    fn draft(&self) -> &Draft {
        &self.draft
    }

    fn finish(self: Box<Self>, vendor: &str) -> Result<Reply, Broken> {
        let Self { mut draft, items } = *self;
        if !draft.is_complete() {
            return Err(Broken::Truncated);
        }
        // The finished items are the answer; what was shown while it came is what came of them.
        draft.text.clear();
        draft.refusal.clear();
        let mut order = Vec::new();
        for slot in items.into_values() {
            match slot.kind {
                Kind::Message => {
                    draft.text.push_str(&slot.text);
                    draft.refusal.push_str(&slot.refusal);
                    // Several texts become one, which stands where the last did: reasoning must not stand last.
                    order.retain(|item| *item != text_here());
                    order.push(text_here());
                }
                Kind::Call => {
                    let at = draft.begin_call(None)?;
                    order.push(call_here(&slot.call_id));
                    draft.calls[at].id = slot.call_id;
                    draft.calls[at].name = slot.name;
                    draft.calls[at].arguments = slot.arguments;
                }
                Kind::Reasoning => order.extend(slot.reasoning),
                Kind::Other => {}
            }
        }
        let (mut reply, _) = draft.into_reply()?;
        reply.message.continuation = kept(order, vendor);
        Ok(reply)
    }
}
