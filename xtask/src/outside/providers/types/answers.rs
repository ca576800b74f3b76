//! The other way round: what the suite's own server says, held against the types of answers that services publish. A suite that
//! speaks as nobody does would prove nothing.

use anyhow::ensure;
use mcp_orchestrator_testkit::provider_suite::{End, Said, SaidCall, Voice, answer_of_everything, short_answer};
use serde_json::Value;

use super::Schemas;
use crate::outside::providers::say;

const VOICES: [(Voice, &str); 4] =
    [(Voice::Chat, "chat"), (Voice::Responses, "responses"), (Voice::Messages, "messages"), (Voice::Gemini, "gemini")];

/// How many problems of a wire are shown.
const SHOWN: usize = 3;

/// Judges every answer and every event; whether all are as services say.
pub(super) fn judge(schemas: &Schemas) -> anyhow::Result<bool> {
    let mut is_well = true;
    for (voice, wire) in VOICES {
        let (answer, event) = (format!("answer over {wire}"), format!("event over {wire}"));
        let mut judged = 0;
        let mut problems = Vec::new();
        for said in sayings() {
            let whole = voice.whole(&said);
            let events = voice.events(&said);
            let each = events.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
            let each = each.filter_map(|data| serde_json::from_str::<Value>(data).ok()).filter(is_published);
            for (kind, value) in [(&answer, whole)].into_iter().chain(each.map(|value| (&event, value))) {
                judged += 1;
                problems.extend(schemas.problem(kind, &value)?);
                let mut broken = value;
                broken["no_such_field"] = 1.into();
                ensure!(
                    schemas.problem(kind, &broken)?.is_some(),
                    "the types of an {kind} take any field: they prove nothing"
                );
            }
        }
        say(&format!(
            "the suite's server over {wire}: {} of {judged} as {}",
            judged - problems.len(),
            schemas.from(&event)
        ))?;
        for problem in problems.iter().take(SHOWN) {
            say(&format!("failed: {problem}"))?;
        }
        is_well &= problems.is_empty();
    }
    Ok(is_well)
}

/// What the suite lets a service say when all is well.
fn sayings() -> [Said; 5] {
    let many = |n: usize| SaidCall {
        id: format!("call_{n}"),
        name: format!("tool_{n}"),
        arguments: vec!["{\"n\":".to_owned(), format!("{n}}}")],
    };
    [
        short_answer(),
        answer_of_everything(),
        Said { calls: (0..3).map(many).collect(), ..answer_of_everything() },
        Said { end: End::Length, ..short_answer() },
        Said { end: End::Filter, ..short_answer() },
    ]
}

/// Anthropic's client drops this event and has no type for it.
fn is_published(event: &Value) -> bool {
    event["type"] != "ping"
}
