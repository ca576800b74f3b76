//! Makes one answer of the chunks of the Gemini wire. Owns what its finish reasons mean: the last one is the only sign of an end.

use mcp_orchestrator_domain::{FinishReason, Reply};
use serde_json::value::RawValue;

use super::{
    chunk::{Candidate, Chunk, Part},
    continuation::kept,
};
use crate::{
    DeltaSink,
    http::{
        CostReport,
        fold::{Broken, Draft, Fold},
        loose::{arguments, error_in, string, unreadable},
    },
};

/// An answer while it comes.
#[derive(Debug)]
pub(crate) struct GeminiFold {
    draft: Draft,
    text_signature: Option<String>,
    candidate_seen: bool,
    /// The model wrote a call that the service could not read.
    malformed: bool,
}

impl GeminiFold {
    /// Nothing yet, of a service that reports cost in this way.
    pub(crate) const fn new(report: CostReport) -> Self {
        Self { draft: Draft::new(report), text_signature: None, candidate_seen: false, malformed: false }
    }

    fn take(&mut self, json: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        let chunk: Chunk<'_> = serde_json::from_str(json).map_err(|error| unreadable(&error))?;
        if error_in(chunk.error).is_some() {
            return Err(Broken::Refused(serde_json::from_str(json).unwrap_or_default()));
        }
        self.draft.name_model(string(chunk.model_version));
        self.draft.name_request(string(chunk.response_id));
        if let Some(usage) = chunk.usage() {
            self.draft.count(usage);
        }
        match (chunk.candidate(), chunk.block_reason()) {
            (Some(candidate), _) => self.candidate(candidate, sink),
            (None, Some(reason)) => Err(Broken::Filtered(format!("the prompt was blocked [{reason}]"))),
            (None, None) => Ok(()),
        }
    }

    fn candidate(&mut self, candidate: &Candidate<'_>, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        self.candidate_seen = true;
        for part in candidate.parts() {
            self.part(part, sink)?;
        }
        let reason = string(candidate.finish_reason).unwrap_or_default();
        if !matches!(&*reason, "" | "FINISH_REASON_UNSPECIFIED") {
            self.malformed =
                matches!(&*reason, "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "TOO_MANY_TOOL_CALLS");
            self.draft.finish = Some(finish_reason(&reason));
        }
        Ok(())
    }

    fn part(&mut self, part: &Part<'_>, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        let signature = string(part.thought_signature).filter(|signature| !signature.is_empty());
        if let Some(call) = part.call() {
            let at = self.draft.begin_call(None)?;
            let draft = &mut self.draft.calls[at];
            draft.id = string(call.id).unwrap_or_default().into_owned();
            draft.name = string(call.name).unwrap_or_default().into_owned();
            draft.arguments = arguments(call.args).into_owned();
            draft.carried = signature.map(|signature| signature.into_owned().into());
            return Ok(());
        }
        if part.is_thought() {
            return Ok(());
        }
        if let Some(signature) = signature {
            self.text_signature = Some(signature.into_owned());
        }
        self.draft.push_text(&string(part.text).unwrap_or_default(), sink);
        Ok(())
    }
}

impl Fold for GeminiFold {
    fn event(&mut self, data: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        match data.trim() {
            "" | "[DONE]" => Ok(()),
            json => self.take(json, sink),
        }
    }

    fn whole(&mut self, json: &str, sink: &mut dyn DeltaSink) -> Result<(), Broken> {
        // Servers that do not know `alt=sse` give a stream as one list of its chunks.
        if json.trim_start().starts_with('[') {
            let chunks: Vec<&RawValue> = serde_json::from_str(json).map_err(|error| unreadable(&error))?;
            chunks.iter().try_for_each(|chunk| self.take(chunk.get(), sink))?;
        } else {
            self.take(json, sink)?;
            self.draft.done = true;
        }
        Ok(())
    }

    fn draft(&self) -> &Draft {
        &self.draft
    }

    fn finish(self: Box<Self>, vendor: &str) -> Result<Reply, Broken> {
        if self.draft.is_complete() && !self.candidate_seen {
            return Err(Broken::Unreadable("it holds no candidate".to_owned()));
        }
        // Whatever it said before, it had not come to an end.
        if self.malformed {
            return Err(Broken::Unreadable("the model wrote a tool call that is none".to_owned()));
        }
        let (mut reply, calls) = self.draft.into_reply()?;
        reply.message.continuation = kept(self.text_signature, calls, vendor);
        Ok(reply)
    }
}

fn finish_reason(word: &str) -> FinishReason {
    match word {
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "MODEL_ARMOR" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}
