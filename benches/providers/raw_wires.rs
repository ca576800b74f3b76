//! What the yardstick writes and reads on each wire: the fields it needs and no others.

use std::borrow::Cow;

use anyhow::Context as _;
use mcp_orchestrator_testkit::provider_suite::Voice;
use serde::{Deserialize, Serialize};

use crate::raw::{Answer, Turn};

/// The JSON of one request.
pub(crate) fn body(voice: Voice, turns: &[Turn], stream: bool) -> anyhow::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Chat<'a> {
        model: &'a str,
        messages: &'a [Turn],
        max_tokens: u32,
        stream: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        stream_options: Option<StreamOptions>,
    }
    #[derive(Serialize)]
    struct StreamOptions {
        include_usage: bool,
    }
    #[derive(Serialize)]
    struct Responses<'a> {
        model: &'a str,
        input: &'a [Turn],
        max_output_tokens: u32,
        store: bool,
        stream: bool,
    }
    #[derive(Serialize)]
    struct Messages<'a> {
        model: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        system: Option<&'a str>,
        messages: &'a [Turn],
        max_tokens: u32,
        stream: bool,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Gemini<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        system_instruction: Option<Instruction<'a>>,
        contents: Vec<Content<'a>>,
        generation_config: Config,
    }
    #[derive(Serialize)]
    struct Instruction<'a> {
        parts: [Part<'a>; 1],
    }
    #[derive(Serialize)]
    struct Content<'a> {
        role: &'static str,
        parts: [Part<'a>; 1],
    }
    #[derive(Serialize)]
    struct Part<'a> {
        text: &'a str,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Config {
        max_output_tokens: u32,
    }

    let (model, most) = (Voice::MODEL, 1_024);
    let (system, rest) = match turns {
        [first, rest @ ..] if first.role == "system" => (Some(first.content.as_str()), rest),
        turns => (None, turns),
    };
    Ok(match voice {
        Voice::Chat => {
            let stream_options = stream.then_some(StreamOptions { include_usage: true });
            serde_json::to_vec(&Chat { model, messages: turns, max_tokens: most, stream, stream_options })
        }
        Voice::Responses => {
            serde_json::to_vec(&Responses { model, input: turns, max_output_tokens: most, store: false, stream })
        }
        Voice::Messages => serde_json::to_vec(&Messages { model, system, messages: rest, max_tokens: most, stream }),
        Voice::Gemini => serde_json::to_vec(&Gemini {
            system_instruction: system.map(|text| Instruction { parts: [Part { text }] }),
            contents: rest
                .iter()
                .map(|turn| Content {
                    role: if turn.role == "assistant" { "model" } else { "user" },
                    parts: [Part { text: &turn.content }],
                })
                .collect(),
            generation_config: Config { max_output_tokens: most },
        }),
    }?)
}

/// Takes one event; whether it is the last.
pub(crate) fn event(voice: Voice, data: &[u8], answer: &mut Answer) -> anyhow::Result<bool> {
    match voice {
        Voice::Chat => chat(data, answer),
        Voice::Responses => responses(data, answer),
        Voice::Messages => messages(data, answer),
        Voice::Gemini => gemini(data, answer),
    }
}

/// Reads a whole answer of the Chat wire, the only one it knows whole.
pub(crate) fn whole(body: &[u8]) -> anyhow::Result<Answer> {
    #[derive(Deserialize)]
    struct Completion {
        choices: [Choice; 1],
        usage: OpenAiUsage,
    }
    #[derive(Deserialize)]
    struct Choice {
        message: Said,
    }
    #[derive(Deserialize)]
    struct Said {
        content: String,
    }
    let Completion { choices: [choice], usage } = serde_json::from_slice(body)?;
    Ok(Answer { text: choice.message.content, input: usage.prompt_tokens, output: usage.completion_tokens })
}

#[derive(Deserialize)]
struct OpenAiUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

fn chat(data: &[u8], answer: &mut Answer) -> anyhow::Result<bool> {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        choices: Vec<Choice<'a>>,
        usage: Option<OpenAiUsage>,
    }
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(borrow)]
        delta: Delta<'a>,
    }
    #[derive(Deserialize)]
    struct Delta<'a> {
        #[serde(borrow, default)]
        content: Option<Cow<'a, str>>,
    }
    if data == b"[DONE]" {
        return Ok(true);
    }
    let Chunk { choices, usage } = serde_json::from_slice(data)?;
    answer.text.extend(choices.into_iter().filter_map(|choice| choice.delta.content));
    if let Some(usage) = usage {
        (answer.input, answer.output) = (usage.prompt_tokens, usage.completion_tokens);
    }
    Ok(false)
}

fn responses(data: &[u8], answer: &mut Answer) -> anyhow::Result<bool> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        #[serde(borrow, default)]
        delta: Option<Cow<'a, str>>,
        #[serde(default)]
        response: Option<Response>,
    }
    #[derive(Deserialize)]
    struct Response {
        usage: Option<Usage>,
    }
    #[derive(Deserialize)]
    struct Usage {
        input_tokens: u64,
        output_tokens: u64,
    }
    let event: Event<'_> = serde_json::from_slice(data)?;
    match event.kind {
        "response.output_text.delta" => answer.text.push_str(&event.delta.unwrap_or_default()),
        "response.completed" => {
            let usage = event.response.and_then(|response| response.usage).context("no usage")?;
            (answer.input, answer.output) = (usage.input_tokens, usage.output_tokens);
            return Ok(true);
        }
        _ => {}
    }
    Ok(false)
}

fn messages(data: &[u8], answer: &mut Answer) -> anyhow::Result<bool> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        #[serde(borrow, default)]
        delta: Option<Delta<'a>>,
        #[serde(default)]
        message: Option<Message>,
        #[serde(default)]
        usage: Option<Usage>,
    }
    #[derive(Deserialize)]
    struct Delta<'a> {
        #[serde(borrow, default)]
        text: Option<Cow<'a, str>>,
    }
    #[derive(Deserialize)]
    struct Message {
        usage: Usage,
    }
    #[derive(Deserialize)]
    struct Usage {
        #[serde(default)]
        input_tokens: u64,
        #[serde(default)]
        cache_read_input_tokens: u64,
        #[serde(default)]
        cache_creation_input_tokens: u64,
        #[serde(default)]
        output_tokens: u64,
    }
    let event: Event<'_> = serde_json::from_slice(data)?;
    if let Some(usage) = event.message.map(|message| message.usage) {
        answer.input = usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens;
    }
    if let Some(text) = event.delta.and_then(|delta| delta.text) {
        answer.text.push_str(&text);
    }
    if let Some(usage) = event.usage {
        answer.output = usage.output_tokens;
    }
    Ok(event.kind == "message_stop")
}

fn gemini(data: &[u8], answer: &mut Answer) -> anyhow::Result<bool> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Chunk<'a> {
        #[serde(borrow)]
        candidates: Vec<Candidate<'a>>,
        usage_metadata: Usage,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Candidate<'a> {
        #[serde(borrow)]
        content: Content<'a>,
        #[serde(default)]
        finish_reason: Option<&'a str>,
    }
    #[derive(Deserialize)]
    struct Content<'a> {
        #[serde(borrow)]
        parts: Vec<Part<'a>>,
    }
    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow, default)]
        text: Option<Cow<'a, str>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Usage {
        prompt_token_count: u64,
        candidates_token_count: u64,
    }
    let Chunk { candidates, usage_metadata: usage } = serde_json::from_slice(data)?;
    (answer.input, answer.output) = (usage.prompt_token_count, usage.candidates_token_count);
    let mut is_over = false;
    for candidate in candidates {
        answer.text.extend(candidate.content.parts.into_iter().filter_map(|part| part.text));
        is_over |= candidate.finish_reason.is_some();
    }
    Ok(is_over)
}
