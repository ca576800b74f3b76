//! Conditional: written steps, a choice, and the steps of the chosen branch. Owns the choice.

use mcp_orchestrator_domain::{
    Branch, Condition, Decision, DefinedStep, Failure, FailureClass, Flow, PatternName, StepId, StepKind, StepSpec,
    StepState, Workflow, clean_line, json_answer,
};
use serde_json::{Value, json};

use crate::{
    Inputs, Next, Parameter, Pattern, Prompt, Strategy,
    defined::{self, CONDITION, Chained, Run, among, chain, deciding, decision, failed, last_text, text},
    sequential::report,
    steps::id,
};

/// Steps, then one of several branches: chosen by a value, by what an earlier step wrote, or by an agent.
///
/// The choice is a step of its own, `branch`, whose output says which branch was taken and why. A key that names no branch
/// takes the default one; without a default the workflow fails, and the failure names the key and the branches.
#[derive(Clone, Debug)]
pub struct Conditional {
    name: PatternName,
}

impl Conditional {
    /// The name requests choose it by.
    pub const NAME: &'static str = "conditional";

    /// The strategy.
    #[must_use]
    pub fn new() -> Self {
        Self { name: PatternName::new(Self::NAME).expect("a lower-case word is a pattern's name") }
    }
}

impl Default for Conditional {
    fn default() -> Self {
        Self::new()
    }
}

impl Strategy for Conditional {
    fn name(&self) -> &PatternName {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn describe(&self) -> Pattern {
        let description = "Steps, then one of several branches. What chooses is a value, something an earlier step or a \
                           person answered, or an agent. Which branch was taken, and why, is in the log and the report.";
        Pattern {
            use_cases: [
                "Different work for different kinds of requests",
                "A person decides how it goes on",
                "An agent routes a request to the steps that fit it",
                "Cheap work first, and more only where it is needed",
            ]
            .map(str::to_owned)
            .into(),
            parameters: vec![
                Parameter::new("steps", "The steps before the choice", json!([])),
                Parameter::new("condition", "What chooses: value, from with pointer, or task", Value::Null),
                Parameter::new("branches", "The steps of each branch by its key, 1 to 20 branches", json!({})),
                Parameter::new("default_branch", "The branch for a key that names none", Value::Null),
                report(),
            ],
            ..Pattern::new(self.name.clone(), self.version(), "Conditional", description)
        }
    }

    fn next(&self, workflow: &Workflow) -> Next {
        let flow = match defined::flow(workflow) {
            Ok(flow) => flow,
            Err(end) => return *end,
        };
        let Flow::Conditional { steps, condition, branches, default } = flow else { return defined::no_flow() };
        let reads = match chain(workflow, steps, Run::Once, Vec::new()) {
            Chained::Wait => return Next::wait(),
            Chained::Run(step) => return Next::run(vec![*step]),
            Chained::Failed(failure) => return Next::fail(failure),
            Chained::Done(reads) => reads,
        };
        let Some(choice) = workflow.step(BRANCH) else {
            return choose(workflow, condition, &Choices { branches, default: default.as_deref() }, &reads);
        };
        if choice.is_open() {
            return Next::wait();
        }
        let StepKind::Decision(Decision::Branch { selected, .. }) = &choice.spec().kind else {
            return defined::no_flow();
        };
        match branches.iter().find(|branch| branch.key == *selected) {
            Some(branch) => go_on(workflow, steps, branch, reads),
            None => Next::fail(unknown(selected, branches)),
        }
    }

    fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
        defined::render(step, inputs)
    }
}

/// The step that says which branch is taken.
const BRANCH: &str = "branch";

fn go_on(workflow: &Workflow, before: &[DefinedStep], branch: &Branch, reads: Vec<StepId>) -> Next {
    match chain(workflow, &branch.steps, Run::Once, reads) {
        Chained::Wait => Next::wait(),
        Chained::Run(step) => Next::run(vec![*step]),
        Chained::Failed(failure) => Next::fail(failure),
        Chained::Done(_) => {
            let of_branch = branch.steps.iter().any(DefinedStep::writes_prose);
            among(workflow, Run::Once, last_text(if of_branch { &branch.steps } else { before }))
        }
    }
}

/// What can be chosen.
struct Choices<'d> {
    branches: &'d [Branch],
    default: Option<&'d str>,
}

/// Asks what chooses, and writes the choice down.
fn choose(workflow: &Workflow, condition: &Condition, choices: &Choices<'_>, reads: &[StepId]) -> Next {
    match condition {
        Condition::Value(key) => decide(key, "the request says so", choices),
        Condition::Pointer(reference) => {
            let found = text(workflow, reference.from.as_str())
                .ok_or_else(|| format!("step {} has no output that can be read here", reference.from))
                .and_then(|text| reference.find(&text).map_err(|unresolved| unresolved.to_string()));
            let place = format!("{} of {}", reference.pointer, reference.from);
            let place = place.strip_prefix(" of ").unwrap_or(&place);
            match found.as_ref().map(key_of) {
                Ok(Some(key)) => decide(&key, &format!("{place} is {:?}", clean_line(&key, 100)), choices),
                Ok(None) => {
                    let message = format!("{place} holds no text, number or boolean to choose a branch by");
                    Next::fail(Failure::new(FailureClass::Decode, message))
                }
                Err(unresolved) => {
                    Next::fail(Failure::new(FailureClass::Decode, format!("no branch can be chosen: {unresolved}")))
                }
            }
        }
        Condition::Agent(work) => {
            let Some(agent) = workflow.step(CONDITION) else {
                return Next::run(vec![deciding(workflow, id(CONDITION), work, reads)]);
            };
            match agent.state() {
                StepState::Failed(failure) => Next::fail(failed(agent.id(), failure)),
                StepState::Completed(_) => {
                    let answer = agent.inline_text().and_then(json_answer).unwrap_or_default();
                    let word = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
                    decide(&word("branch"), &clean_line(&word("reason"), 300), choices)
                }
                _ => Next::wait(),
            }
        }
    }
}

/// What a value says as a key.
fn key_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The branch of a key, whatever its case where no branch is spelled so; else the default one.
fn decide(key: &str, reason: &str, choices: &Choices<'_>) -> Next {
    let spelled = |branch: &&Branch| branch.key == key;
    let alike = |branch: &&Branch| branch.key.to_lowercase() == key.to_lowercase();
    let named = choices.branches.iter().find(spelled).or_else(|| choices.branches.iter().find(alike));
    let reason = reason.trim_end_matches('.');
    let (selected, reason) = match (named, choices.default) {
        (Some(branch), _) => (branch.key.clone(), reason.to_owned()),
        (None, Some(default)) => {
            let key = clean_line(key, 100);
            (default.to_owned(), format!("it is the default, and no branch is named {key:?}"))
        }
        (None, None) => return Next::fail(unknown(key, choices.branches)),
    };
    Next::run(vec![decision(id(BRANCH), Decision::Branch { selected, reason })])
}

fn unknown(key: &str, branches: &[Branch]) -> Failure {
    let keys: Vec<&str> = branches.iter().map(|branch| branch.key.as_str()).collect();
    let key = clean_line(key, 100);
    Failure::new(FailureClass::NotFound, format!("no branch is named {key:?}; there are {}", keys.join(", ")))
}
