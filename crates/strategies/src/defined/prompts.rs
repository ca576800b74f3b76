//! The words of the patterns with written steps: what a step's agent, an agent that chooses and an agent that judges are
//! told. Owns them all in one place; the shared rules of evidence are in `rules`.

use mcp_orchestrator_domain::{AgentWork, Condition, Definition, Flow, Role, StepId, StepSpec, Success, Work};
use serde_json::{Value, json};

use crate::{Inputs, Prompt, rules};

/// The step of the agent that chooses a branch.
pub(crate) const CONDITION: &str = "condition";
/// The steps that judge a pass; a number follows.
pub(crate) const SUCCESS: &str = "success";

const STEP_TEMPERATURE: f32 = 0.3;

/// The part a planned step plays: its name without the number of its pass.
pub(super) fn part_of(name: &StepId) -> &str {
    name.as_str().split('-').next().unwrap_or_default()
}

pub(crate) fn render(step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
    if step.role == Role::Editor {
        return Prompt::editor(inputs);
    }
    let Some(definition) = inputs.request.definition.as_ref() else { return rules::plain(&step.task, inputs) };
    match (part_of(&step.id), &definition.flow) {
        (CONDITION, Flow::Conditional { condition: Condition::Agent(work), branches, .. }) => {
            let keys: Vec<&str> = branches.iter().map(|branch| branch.key.as_str()).collect();
            choosing(work, &keys, inputs)
        }
        (SUCCESS, Flow::Iterative { success: Success::Judge(work), .. }) => judging(work, inputs),
        _ => match written(definition, step) {
            Some(work) => working(work, inputs),
            None => rules::plain(&step.task, inputs),
        },
    }
}

fn written<'d>(definition: &'d Definition, step: &StepSpec) -> Option<&'d AgentWork> {
    match &definition.step(step.id.as_str())?.work {
        Work::Agent(work) => Some(work),
        Work::Tool(_) | Work::Ask { .. } => None,
    }
}

fn working(work: &AgentWork, inputs: &Inputs<'_>) -> Prompt {
    let what = "You carry out one step of a workflow; other steps come before and after it. Do what your step asks and \
                nothing beyond it. What earlier steps wrote is shown to you where there is any: build on it, and keep the \
                citations of what you take over.";
    let how = if inputs.tools.is_empty() {
        "You have no tools: work from what is shown."
    } else {
        "Look up what you need with your tools before you write. Stop when a further call would bring nothing new."
    };
    match &work.schema {
        Some(schema) => structured(&format!("{what}\n\n{how}"), work, schema.clone(), inputs),
        None => {
            let system = format!(
                "{what}\n\n{how}\n\nAnswer in Markdown, in the language of the step, the most important first: no title, no \
                 introduction, no account of how you worked, no closing words.\n\n{}",
                inputs.rules(),
            );
            let user = step(work, inputs);
            Prompt { system, user, output_schema: None, temperature: Some(STEP_TEMPERATURE) }
        }
    }
}

fn choosing(work: &AgentWork, keys: &[&str], inputs: &Inputs<'_>) -> Prompt {
    let what = "You decide how a workflow goes on. Choose exactly one of the branches named in the schema, by what your \
                step asks and by what is shown to you, and say why in one sentence.";
    let schema = json!({
        "type": "object",
        "properties": { "branch": { "type": "string", "enum": keys }, "reason": { "type": "string" } },
        "required": ["branch", "reason"],
        "additionalProperties": false,
    });
    structured(what, work, schema, inputs)
}

fn judging(work: &AgentWork, inputs: &Inputs<'_>) -> Prompt {
    let what = "You judge whether a result is good enough or must be worked on once more. Judge by what your step asks and \
                by nothing else; the last of the results is the newest. \"done\" is true only when nothing that was asked \
                is missing. The reason says in one or two sentences what is missing, so that the next pass can repair it.";
    let schema = json!({
        "type": "object",
        "properties": { "done": { "type": "boolean" }, "reason": { "type": "string" } },
        "required": ["done", "reason"],
        "additionalProperties": false,
    });
    structured(what, work, schema, inputs)
}

/// An answer that programs read: JSON and nothing around it.
fn structured(what: &str, work: &AgentWork, schema: Value, inputs: &Inputs<'_>) -> Prompt {
    let system = format!(
        "{what}\n\nAnswer with one JSON value that fits the JSON Schema of your step, and with nothing before or after \
         it.\n\n{}",
        inputs.rules_of_evidence(),
    );
    let user = format!("{}\n\nJSON Schema of the answer:\n{schema}", step(work, inputs));
    Prompt { system, user, output_schema: Some(schema), temperature: Some(0.0) }
}

fn step(work: &AgentWork, inputs: &Inputs<'_>) -> String {
    let mut parts = vec![inputs.question().to_string(), format!("Your step:\n{}", work.task)];
    if let Some(instructions) = &work.instructions {
        parts.push(format!("How to do it:\n{instructions}"));
    }
    if !inputs.outputs.is_empty() || !inputs.missing.is_empty() {
        parts.push(inputs.material().to_string());
    }
    parts.join("\n\n")
}
