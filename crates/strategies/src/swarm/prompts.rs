//! Swarm's words: what a planner, a search agent, the synthesis and an editor are told. Owns them all in one place, so
//! that a change of wording is one change to review; the shared rules of evidence are in `rules`.

use mcp_orchestrator_domain::{AgentType, NOTHING_FOUND, Role, SearchDepth, StepSpec, clean_line};

use super::types::{agent_type_info, has_own_tool};
use crate::{
    Inputs, Prompt,
    rules::{self, text},
};

/// Low, so that what is found is reported and not embroidered.
const SEARCH_TEMPERATURE: f32 = 0.2;
const WRITING_TEMPERATURE: f32 = 0.3;
/// Room for the instructions of any of them.
const SYSTEM_BYTES: usize = 4 * 1024;

pub(super) fn render(step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
    match step.role {
        Role::Planner => planner(inputs),
        Role::Searcher(kind) => searcher(kind, step, inputs),
        Role::Executive => synthesis(inputs),
        Role::Editor => Prompt::editor(inputs),
        _ => rules::plain(&step.task, inputs),
    }
}

fn planner(inputs: &Inputs<'_>) -> Prompt {
    let allowed = &inputs.request.swarm.agent_types;
    let allowed = if allowed.is_empty() { &AgentType::ALL[..] } else { allowed };
    let kinds: Vec<String> =
        allowed.iter().map(|kind| format!("{kind} ({})", agent_type_info(*kind).description)).collect();
    let system = text(
        SYSTEM_BYTES,
        format_args!(
            "You break a query into searches for specialists who work at the same time and do not see each other's \
         results.\n\n\
         - Write at most {parts} searches. Write fewer when there is less to search; never pad, never repeat one in other \
         words.\n\
         - Begin each with the kind of specialist it needs and a colon: {kinds}.\n\
         - Each names its subject in full, so that it can be searched without the query at hand.\n\
         - Keep to the language of the query.\n\n\
         Answer with a numbered list, one search a line, and nothing before or after it. Do not answer the query.",
            parts = inputs.request.agents,
            kinds = kinds.join("; "),
        ),
    );
    let user = format!("{}\n\nThe numbered list:", inputs.question());
    Prompt { system, user, output_schema: None, temperature: Some(SEARCH_TEMPERATURE) }
}

fn searcher(kind: AgentType, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
    let looks_for = agent_type_info(kind).description;
    let system = text(
        SYSTEM_BYTES,
        format_args!(
            "You are a search agent of the kind \"{kind}\": you look for {looks_for}.\n\n{}\n\n\
         What you hand over, in Markdown and in the language of the query:\n\
         - What you found, the most relevant first, as a list of short statements.\n\
         - For each, which source says it, by its citation.\n\
         - No introduction, no account of how you searched, no closing words.\n\n{}",
            way_of_working(kind, inputs),
            inputs.rules(),
        ),
    );
    let user = format!("{}\n\nYour search:\n{}", inputs.question(), clean_line(&step.task, 2_000));
    Prompt { system, user, output_schema: None, temperature: Some(SEARCH_TEMPERATURE) }
}

fn way_of_working(kind: AgentType, inputs: &Inputs<'_>) -> String {
    if inputs.tools.is_empty() {
        return if inputs.has_sources {
            "You have no tools: work with the passages you are shown.".to_owned()
        } else {
            "You have no tools: write what you know about your search.".to_owned()
        };
    }
    let how = match inputs.request.swarm.depth {
        SearchDepth::Quick => "Search once, with the words most likely to hit, then write.",
        SearchDepth::Standard => "Search two or three times with different words, then write.",
        SearchDepth::Deep => {
            "Search several times with different words, read around the passages that matter, and stop when a search \
             brings nothing new."
        }
    };
    if kind == AgentType::General || has_own_tool(kind, inputs.tools, inputs.request) {
        return how.to_owned();
    }
    format!(
        "{how} None of your tools searches your kind of source alone: search what there is, and do not claim to have \
         searched anything else."
    )
}

fn synthesis(inputs: &Inputs<'_>) -> Prompt {
    let when_empty = if inputs.has_sources {
        format!("\n- If no result says anything about the query, answer only: {NOTHING_FOUND}")
    } else {
        String::new()
    };
    let system = text(
        SYSTEM_BYTES,
        format_args!(
            "You write one report from the results of several search agents, and from nothing else.\n\n\
         - Begin with the heading \"## Answer\" and answer the query there, in one to five sentences that stand on their \
         own.\n\
         - Then what was found under headings by subject, each thing once: where several results say the same, write it \
         once and keep the citations of all.\n\
         - Keep each citation behind the sentence it proves. Do not join two findings in a sentence that claims more than \
         both.\n\
         - Name what was not found, and what was not searched because its agent failed, under the heading \
         \"## Not found\" at the end; without gaps, no such heading. A gap cites nothing, so name it in words, without \
         numbers and dates.{when_empty}\n\
         - Markdown, in the language of the query. No title, no list of sources (it is added), no introduction, no closing \
         words.\n\n{}",
            inputs.rules_of_evidence(),
        ),
    );
    let user = text(inputs.bytes(), format_args!("{}\n\n{}", inputs.question(), inputs.material()));
    Prompt { system, user, output_schema: None, temperature: Some(WRITING_TEMPERATURE) }
}
