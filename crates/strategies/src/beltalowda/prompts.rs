//! Beltalowda's words: what a planner, a Belter, a Drummer, Camina and an editor are told. Owns them all in one place,
//! so that a change of wording is one change to review; the shared rules of evidence are in `rules`.

use mcp_orchestrator_domain::{NOTHING_FOUND, Role, StepKind, StepSpec, clean_line};

use crate::{
    Inputs, Prompt,
    rules::{self, text},
};

/// Low, so that what is found is reported and not embroidered.
const RESEARCH_TEMPERATURE: f32 = 0.2;
const WRITING_TEMPERATURE: f32 = 0.3;
/// Room for the instructions of any of them.
const SYSTEM_BYTES: usize = 4 * 1024;

pub(super) fn render(step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
    match step.role {
        Role::Planner => planner(inputs),
        Role::Researcher => belter(step, inputs),
        Role::Synthesizer => drummer(step, inputs),
        Role::Executive => camina(inputs),
        Role::Editor => Prompt::editor(inputs),
        _ => rules::plain(&step.task, inputs),
    }
}

fn planner(inputs: &Inputs<'_>) -> Prompt {
    let parts = inputs.request.agents;
    let system = text(
        SYSTEM_BYTES,
        format_args!(
            "You break a question into sub-tasks for researchers who work at the same time and do not see each other's \
         results.\n\n\
         - Write at most {parts} sub-tasks. Write fewer when the question has fewer parts; never pad, never repeat one in \
         other words.\n\
         - Each names its subject in full, so that it can be researched without the question at hand.\n\
         - Together they cover the question; the most important comes first.\n\
         - Keep to the language of the question.\n\n\
         Answer with a numbered list, one sub-task a line, and nothing before or after it. Do not answer the question."
        ),
    );
    let user = format!("{}\n\nThe numbered list:", inputs.question());
    Prompt { system, user, output_schema: None, temperature: Some(RESEARCH_TEMPERATURE) }
}

fn belter(step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
    let system = text(
        SYSTEM_BYTES,
        format_args!(
            "You are a Belter, one of several researchers. You research one sub-task of a larger question and hand your \
         findings to those who write the report.\n\n{}\n\n\
         What you hand over, in Markdown and in the language of the question:\n\
         - First the answer to the sub-task, in one to three sentences.\n\
         - Then the details that bear on it, under short headings or in lists. Stay on your sub-task.\n\
         - Last, under the heading \"## Not found\", what of the sub-task {} nothing about; without such a part, no such \
         heading.\n\
         - No introduction, no account of how you worked, no closing words.\n\n{}",
            way_of_working(step, inputs),
            if inputs.has_sources { "the sources say" } else { "you know" },
            inputs.rules(),
        ),
    );
    let user = format!("{}\n\nYour sub-task:\n{}", inputs.question(), clean_line(&step.task, 2_000));
    Prompt { system, user, output_schema: None, temperature: Some(RESEARCH_TEMPERATURE) }
}

fn way_of_working(step: &StepSpec, inputs: &Inputs<'_>) -> String {
    let turns = match step.kind {
        StepKind::Agent { turns_max, .. } => turns_max,
        _ => 1,
    };
    match (inputs.has_sources, inputs.tools.is_empty()) {
        (true, false) => format!(
            "Search before you write: call the tools, with other words when the first find little, and read around a \
             passage that matters. Stop when a search brings nothing new. You have {turns} turns; write in the last at the \
             latest."
        ),
        (true, true) => "You have no tools: work with the passages you are shown.".to_owned(),
        (false, false) => format!(
            "Use the tools where they help. They are no sources: what they answer cannot be cited. You have {turns} turns; \
             write in the last at the latest."
        ),
        (false, true) => "You have no tools: write what you know about the sub-task.".to_owned(),
    }
}

fn drummer(step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
    let system = text(
        SYSTEM_BYTES,
        format_args!(
            "You are a Drummer. You merge the findings of several researchers into one text that loses nothing and says \
         nothing twice; the writer of the report reads yours instead of theirs.\n\n\
         - Put the findings together by subject, the most important for the question first.\n\
         - Keep every finding that bears on the question with all its citations. Where two say the same, write it once \
         and cite both.\n\
         - Add nothing of your own: no finding, no judgement, no connection the findings do not state.\n\
         - Keep what was not found, under the heading \"## Not found\".\n\
         - Markdown, in the language of the question; no introduction and no closing words.\n\n{}",
            inputs.rules(),
        ),
    );
    let task = clean_line(&step.task, 300);
    let user =
        text(inputs.bytes(), format_args!("{}\n\nYou merge: {task}\n\n{}", inputs.question(), inputs.material()));
    Prompt { system, user, output_schema: None, temperature: Some(RESEARCH_TEMPERATURE) }
}

fn camina(inputs: &Inputs<'_>) -> Prompt {
    let failed = if inputs.missing.is_empty() {
        ""
    } else {
        " There too name each part that was not researched because its agent failed."
    };
    let when_empty = if inputs.has_sources {
        format!("\n- If no result says anything about the question, answer only: {NOTHING_FOUND}")
    } else {
        String::new()
    };
    let system = text(
        SYSTEM_BYTES,
        format_args!(
            "You are Camina. You write the report that answers the question, from the results of others and from nothing \
         else.\n\n\
         - Begin with the heading \"## Answer\" and answer the question there, in one to five sentences that stand on \
         their own.\n\
         - Then the details under headings of their own, the most important first, each thing once.\n\
         - Keep the citations of what you take over, and put each behind the sentence it proves. Do not join two \
         findings in a sentence that claims more than both.\n\
         - Name what was not found under the heading \"## Not found\" at the end; without gaps, no such heading.{failed} Do not \
         fill gaps. A gap cites nothing, so name it in words, without numbers and dates.{when_empty}\n\
         - Markdown, in the language of the question. No title, no list of sources (it is added), no introduction, no \
         closing words.\n\n{}",
            inputs.rules_of_evidence(),
        ),
    );
    let user = text(inputs.bytes(), format_args!("{}\n\n{}", inputs.question(), inputs.material()));
    Prompt { system, user, output_schema: None, temperature: Some(WRITING_TEMPERATURE) }
}
