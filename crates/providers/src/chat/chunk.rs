//! One JSON object of an answer, streamed or whole. Owns where this wire's servers put the same few things.

use std::borrow::Cow;

use mcp_orchestrator_domain::Usage;
use serde::Deserialize;
use serde_json::Value;

use crate::http::{
    fold::{UsageParts, openai_usage},
    loose::{self, List, Object, Raw, count, parse, string},
};

/// A streamed chunk or a whole completion.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) object: Raw<'a>,
    #[serde(borrow)]
    pub(super) model: Raw<'a>,
    #[serde(borrow)]
    pub(super) error: Raw<'a>,
    #[serde(borrow)]
    pub(super) usage: Raw<'a>,
    /// Where Groq puts the usage of a stream.
    #[serde(borrow)]
    pub(super) x_groq: Raw<'a>,
    #[serde(borrow, default)]
    choices: List<Choice<'a>>,
}

impl<'a> Chunk<'a> {
    /// The one choice asked for. Token counts may come with no choice at all.
    pub(super) fn choice(&self) -> Option<&Choice<'a>> {
        self.choices.0.iter().find(|choice| count(choice.index) == 0)
    }

    /// Token counts, and what they came with.
    pub(super) fn usage(&self) -> Option<UsageBody<'a>> {
        parse(self.usage).or_else(|| parse::<XGroq<'a>>(self.x_groq).and_then(|groq| parse(groq.usage)))
    }
}

#[derive(Deserialize)]
struct XGroq<'a> {
    #[serde(borrow)]
    usage: Raw<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow)]
    index: Raw<'a>,
    #[serde(borrow, default)]
    delta: Object<Said<'a>>,
    #[serde(borrow, default)]
    message: Object<Said<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Raw<'a>,
    #[serde(borrow)]
    pub(super) error: Raw<'a>,
}

impl<'a> Choice<'a> {
    /// What is new in it. A whole answer says it in `message` even if there is a `delta` too.
    pub(super) const fn said(&self, whole: bool) -> Option<&Said<'a>> {
        match (&self.delta.0, &self.message.0) {
            (_, Some(message)) if whole => Some(message),
            (Some(delta), _) => Some(delta),
            (None, message) => message.as_ref(),
        }
    }
}

/// A message, or a piece of one.
#[derive(Debug, Deserialize)]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    pub(super) content: Raw<'a>,
    #[serde(borrow)]
    pub(super) refusal: Raw<'a>,
    #[serde(borrow)]
    pub(super) reasoning_content: Raw<'a>,
    #[serde(borrow)]
    pub(super) reasoning: Raw<'a>,
    #[serde(borrow)]
    pub(super) reasoning_details: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) tool_calls: List<CallPiece<'a>>,
}

/// A tool call, or a piece of one.
#[derive(Debug, Deserialize)]
pub(super) struct CallPiece<'a> {
    #[serde(borrow)]
    pub(super) index: Raw<'a>,
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) extra_content: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) function: Object<FunctionPiece<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionPiece<'a> {
    #[serde(borrow)]
    pub(super) name: Raw<'a>,
    #[serde(borrow)]
    arguments: Raw<'a>,
}

impl<'a> FunctionPiece<'a> {
    /// The arguments as JSON text.
    pub(super) fn arguments(&self) -> Cow<'a, str> {
        loose::arguments(self.arguments)
    }
}

/// Token counts as services send them.
#[derive(Debug, Deserialize)]
pub(super) struct UsageBody<'a> {
    #[serde(borrow)]
    prompt_tokens: Raw<'a>,
    #[serde(borrow)]
    completion_tokens: Raw<'a>,
    #[serde(borrow)]
    total_tokens: Raw<'a>,
    #[serde(borrow)]
    prompt_tokens_details: Raw<'a>,
    #[serde(borrow)]
    completion_tokens_details: Raw<'a>,
    #[serde(borrow)]
    prompt_cache_hit_tokens: Raw<'a>,
    #[serde(borrow)]
    pub(super) cost: Raw<'a>,
    #[serde(borrow)]
    pub(super) cost_in_usd_ticks: Raw<'a>,
}

impl UsageBody<'_> {
    /// The counts in our terms.
    pub(super) fn normal(&self) -> Usage {
        let prompt: Details<'_> = parse(self.prompt_tokens_details).unwrap_or_default();
        let completion: Details<'_> = parse(self.completion_tokens_details).unwrap_or_default();
        let parts = UsageParts {
            cached: count(prompt.cached_tokens).max(count(self.prompt_cache_hit_tokens)),
            cache_write: count(prompt.cache_write_tokens),
            reasoning: count(completion.reasoning_tokens),
        };
        openai_usage(self.prompt_tokens, self.completion_tokens, self.total_tokens, parts)
    }
}

#[derive(Default, Deserialize)]
struct Details<'a> {
    #[serde(borrow)]
    cached_tokens: Raw<'a>,
    #[serde(borrow)]
    cache_write_tokens: Raw<'a>,
    #[serde(borrow)]
    reasoning_tokens: Raw<'a>,
}

/// A text: a string, or an array of parts of which those with a `text` count.
pub(super) fn text(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    string(raw).or_else(|| {
        let parts: Vec<Value> = parse(raw)?;
        let texts = parts.iter().filter(|part| part.get("type").is_none_or(|kind| kind == "text"));
        Some(Cow::Owned(texts.filter_map(|part| part.get("text")?.as_str()).collect()))
    })
}
