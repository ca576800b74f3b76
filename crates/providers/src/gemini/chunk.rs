//! One JSON object of an answer of the Gemini wire: a chunk of a stream or the whole. Owns their fields.

use std::borrow::Cow;

use mcp_orchestrator_domain::Usage;
use serde::Deserialize;

use crate::http::loose::{List, Object, Raw, count, parse, string};

/// A chunk of a stream, or a whole answer: they look the same.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    candidates: List<Candidate<'a>>,
    #[serde(borrow)]
    prompt_feedback: Raw<'a>,
    #[serde(borrow, default)]
    usage_metadata: Object<UsageBody<'a>>,
    #[serde(borrow)]
    pub(super) model_version: Raw<'a>,
    #[serde(borrow)]
    pub(super) response_id: Raw<'a>,
    #[serde(borrow)]
    pub(super) error: Raw<'a>,
}

impl<'a> Chunk<'a> {
    /// The one candidate asked for.
    pub(super) fn candidate(&self) -> Option<&Candidate<'a>> {
        self.candidates.0.first()
    }

    /// Why the prompt was refused, in the service's word.
    pub(super) fn block_reason(&self) -> Option<Cow<'a, str>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Feedback<'a> {
            #[serde(borrow)]
            block_reason: Raw<'a>,
        }
        let reason = string(parse::<Feedback<'a>>(self.prompt_feedback)?.block_reason)?;
        (!reason.is_empty() && reason != "BLOCK_REASON_UNSPECIFIED").then_some(reason)
    }

    /// Token counts in our terms.
    pub(super) fn usage(&self) -> Option<Usage> {
        let body = self.usage_metadata.0.as_ref()?;
        let input = count(body.prompt_token_count).saturating_add(count(body.tool_use_prompt_token_count));
        let reasoning = count(body.thoughts_token_count);
        let output = count(body.candidates_token_count).saturating_add(reasoning);
        Some(Usage {
            input,
            cached: count(body.cached_content_token_count).min(input),
            cache_write: 0,
            output: output.max(count(body.total_token_count).saturating_sub(input)),
            reasoning,
        })
    }
}

/// Token counts as the service sends them, with every chunk.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageBody<'a> {
    #[serde(borrow)]
    prompt_token_count: Raw<'a>,
    #[serde(borrow)]
    tool_use_prompt_token_count: Raw<'a>,
    #[serde(borrow)]
    cached_content_token_count: Raw<'a>,
    #[serde(borrow)]
    candidates_token_count: Raw<'a>,
    #[serde(borrow)]
    thoughts_token_count: Raw<'a>,
    #[serde(borrow)]
    total_token_count: Raw<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(borrow, default)]
    content: Object<Content<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Raw<'a>,
}

#[derive(Debug, Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    parts: List<Part<'a>>,
}

impl<'a> Candidate<'a> {
    pub(super) fn parts(&self) -> &[Part<'a>] {
        self.content.0.as_ref().map_or(&[], |content| &content.parts.0)
    }
}

/// A piece of an answer: text, a thought, or a call that is always whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) text: Raw<'a>,
    #[serde(borrow)]
    thought: Raw<'a>,
    #[serde(borrow)]
    pub(super) thought_signature: Raw<'a>,
    #[serde(borrow)]
    function_call: Raw<'a>,
}

impl<'a> Part<'a> {
    pub(super) fn is_thought(&self) -> bool {
        parse(self.thought).unwrap_or(false)
    }

    pub(super) fn call(&self) -> Option<Call<'a>> {
        parse(self.function_call)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Call<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) name: Raw<'a>,
    #[serde(borrow)]
    pub(super) args: Raw<'a>,
}
