//! One JSON object of an answer of the Responses wire: an event of a stream, a response, an item of one. Owns their fields.

use std::borrow::Cow;

use mcp_orchestrator_domain::Usage;
use serde::Deserialize;

use crate::http::{
    fold::{UsageParts, openai_usage},
    loose::{Raw, count, list, parse, string},
};

/// An event of a stream.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'a>,
    #[serde(borrow)]
    pub(super) object: Raw<'a>,
    #[serde(borrow)]
    pub(super) output_index: Raw<'a>,
    #[serde(borrow)]
    pub(super) delta: Raw<'a>,
    #[serde(borrow)]
    pub(super) arguments: Raw<'a>,
    #[serde(borrow)]
    pub(super) item: Raw<'a>,
    #[serde(borrow)]
    pub(super) response: Raw<'a>,
    #[serde(borrow)]
    pub(super) error: Raw<'a>,
}

/// A response, whole or as far as it is.
#[derive(Debug, Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) status: Raw<'a>,
    #[serde(borrow)]
    pub(super) model: Raw<'a>,
    #[serde(borrow)]
    pub(super) error: Raw<'a>,
    #[serde(borrow)]
    incomplete_details: Raw<'a>,
    #[serde(borrow)]
    output: Raw<'a>,
    #[serde(borrow)]
    usage: Raw<'a>,
}

impl<'a> Response<'a> {
    /// Why it is not complete, in the service's word.
    pub(super) fn incomplete_reason(&self) -> Option<Cow<'a, str>> {
        #[derive(Deserialize)]
        struct Details<'a> {
            #[serde(borrow)]
            reason: Raw<'a>,
        }
        string(parse::<Details<'a>>(self.incomplete_details)?.reason)
    }

    pub(super) const fn has_output(&self) -> bool {
        self.output.is_some()
    }

    /// Its items, each as the JSON it is.
    pub(super) fn output(&self) -> Vec<Raw<'a>> {
        list::<&serde_json::value::RawValue>(self.output).into_iter().map(Some).collect()
    }

    pub(super) fn usage(&self) -> Option<UsageBody<'a>> {
        parse(self.usage)
    }
}

/// An item: a message, a tool call, reasoning, or something else.
#[derive(Debug, Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'a>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    call_id: Raw<'a>,
    #[serde(borrow)]
    pub(super) name: Raw<'a>,
    #[serde(borrow)]
    pub(super) arguments: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
}

impl<'a> Item<'a> {
    /// The id an answer to the call refers to.
    pub(super) fn call_id(&self) -> Option<Cow<'a, str>> {
        string(self.call_id).filter(|id| !id.is_empty()).or_else(|| string(self.id))
    }

    /// The text and the refusal it holds.
    pub(super) fn said(&self) -> (String, String) {
        #[derive(Deserialize)]
        struct Part<'a> {
            #[serde(borrow)]
            text: Raw<'a>,
            #[serde(borrow)]
            refusal: Raw<'a>,
        }
        let (mut text, mut refusal) = (String::new(), String::new());
        if let Some(plain) = string(self.content) {
            text.push_str(&plain);
        }
        for part in list::<Part<'a>>(self.content) {
            text.push_str(&string(part.text).unwrap_or_default());
            refusal.push_str(&string(part.refusal).unwrap_or_default());
        }
        (text, refusal)
    }
}

/// Token counts, and what they came with.
#[derive(Debug, Deserialize)]
pub(super) struct UsageBody<'a> {
    #[serde(borrow)]
    input_tokens: Raw<'a>,
    #[serde(borrow)]
    output_tokens: Raw<'a>,
    #[serde(borrow)]
    total_tokens: Raw<'a>,
    #[serde(borrow)]
    input_tokens_details: Raw<'a>,
    #[serde(borrow)]
    output_tokens_details: Raw<'a>,
    #[serde(borrow)]
    pub(super) cost: Raw<'a>,
    #[serde(borrow)]
    pub(super) cost_in_usd_ticks: Raw<'a>,
}

impl UsageBody<'_> {
    /// The counts in our terms.
    pub(super) fn normal(&self) -> Usage {
        #[derive(Default, Deserialize)]
        struct Details<'a> {
            #[serde(borrow)]
            cached_tokens: Raw<'a>,
            #[serde(borrow)]
            cache_write_tokens: Raw<'a>,
            #[serde(borrow)]
            reasoning_tokens: Raw<'a>,
        }
        let input: Details<'_> = parse(self.input_tokens_details).unwrap_or_default();
        let output: Details<'_> = parse(self.output_tokens_details).unwrap_or_default();
        let parts = UsageParts {
            cached: count(input.cached_tokens),
            cache_write: count(input.cache_write_tokens),
            reasoning: count(output.reasoning_tokens),
        };
        openai_usage(self.input_tokens, self.output_tokens, self.total_tokens, parts)
    }
}
