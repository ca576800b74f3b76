//! Iterative: the same written steps again until a test holds. Owns the passes and the test.

use mcp_orchestrator_domain::{
    Decision, DefinedStep, Exhausted, Failure, FailureClass, Flow, PatternName, Step, StepId, StepKind, StepSpec,
    StepState, Success, Verdict, Workflow, clean_line, json_answer,
};
use serde_json::{Value, json};

use crate::{
    Inputs, Next, Parameter, Pattern, Prompt, Strategy,
    defined::{self, Chained, Run, SUCCESS, among, chain, deciding, decision, failed, last_text, text, tool},
    sequential::report,
    steps::id,
};

/// The same steps again until a test holds: a rule, an agent that judges, or a tool that does.
///
/// Steps of pass 2 are named `draft-2`; each reads what the passes before it wrote and why they were not enough. After each
/// pass a step of its own, `pass-2`, says whether it was enough and why. When the last pass is not enough either, its
/// result is reported and the report says so; or the workflow fails, where that is asked for.
#[derive(Clone, Debug)]
pub struct Iterative {
    name: PatternName,
}

impl Iterative {
    /// The name requests choose it by.
    pub const NAME: &'static str = "iterative";

    /// The strategy.
    #[must_use]
    pub fn new() -> Self {
        Self { name: PatternName::new(Self::NAME).expect("a lower-case word is a pattern's name") }
    }
}

impl Default for Iterative {
    fn default() -> Self {
        Self::new()
    }
}

impl Strategy for Iterative {
    fn name(&self) -> &PatternName {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn describe(&self) -> Pattern {
        let description = "The same steps again until a test holds: a rule about what a step wrote, an agent that judges, or \
                           a tool that does. Each pass reads the passes before it. A result that never passed the test is \
                           reported as such, or fails.";
        Pattern {
            use_cases: [
                "Draft and review until the review is content",
                "Search again until enough was found",
                "Repair until a check of your own passes",
                "Refine an answer within a fixed number of passes",
            ]
            .map(str::to_owned)
            .into(),
            parameters: vec![
                Parameter::new("steps", "The steps of one pass", json!([])),
                Parameter::new("max_iterations", "Passes at most, 1 to 20", json!(3)),
                Parameter::new("success", "The test after each pass: a rule, a judging agent or a tool", Value::Null),
                Parameter::new("on_exhausted", "After the last pass: report or fail", json!("report")),
                report(),
            ],
            ..Pattern::new(self.name.clone(), self.version(), "Iterative", description)
        }
    }

    fn next(&self, workflow: &Workflow) -> Next {
        let flow = match defined::flow(workflow) {
            Ok(flow) => flow,
            Err(end) => return *end,
        };
        let Flow::Iterative { steps, passes_max, success, on_exhausted } = flow else { return defined::no_flow() };
        let mut reads = Vec::new();
        for number in 1..=*passes_max {
            let pass = Pass { workflow, number, of: *passes_max };
            reads = match chain(workflow, steps, Run::Pass(number), reads) {
                Chained::Wait => return Next::wait(),
                Chained::Run(step) => return Next::run(vec![*step]),
                Chained::Failed(failure) => return Next::fail(failure),
                Chained::Done(reads) => reads,
            };
            let Some(said) = workflow.step(pass.name().as_str()) else { return pass.test(success, &reads) };
            match pass.verdict(said) {
                None => return Next::wait(),
                Some((true, _)) => return pass.report(steps),
                Some((false, reason)) if number == *passes_max => {
                    return match on_exhausted {
                        Exhausted::Report => pass.report(steps),
                        Exhausted::Fail => {
                            let message = format!("not converged after {number} passes: {reason}");
                            Next::fail(Failure::new(FailureClass::Limit, message))
                        }
                    };
                }
                Some((false, _)) => reads.push(said.id().clone()),
            }
        }
        defined::no_flow()
    }

    fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
        defined::render(step, inputs)
    }
}

/// One pass whose steps have completed.
struct Pass<'w> {
    workflow: &'w Workflow,
    number: u16,
    of: u16,
}

impl Pass<'_> {
    /// The step that says whether it was enough.
    fn name(&self) -> StepId {
        Run::Pass(self.number).name("pass")
    }

    /// What was said of it; `None` while that is being written down.
    fn verdict(&self, said: &Step) -> Option<(bool, String)> {
        match (&said.spec().kind, said.is_completed()) {
            (StepKind::Decision(Decision::Pass { done, reason, .. }), true) => Some((*done, reason.clone())),
            _ => None,
        }
    }

    fn report(&self, steps: &[DefinedStep]) -> Next {
        among(self.workflow, Run::Pass(self.number), last_text(steps))
    }

    /// Tests it, and writes down what came of it.
    fn test(&self, success: &Success, reads: &[StepId]) -> Next {
        let run = Run::Pass(self.number);
        let name = run.name(SUCCESS);
        let spec = match success {
            Success::Rule(rule) => {
                let output = text(self.workflow, run.name(rule.reference.from.as_str()).as_str());
                return self.say(rule.judge(output.as_deref()));
            }
            Success::Judge(work) => Ok(deciding(self.workflow, name.clone(), work, reads)),
            Success::Predicate(work) => tool(self.workflow, name.clone(), SUCCESS, work, run, Vec::new()),
        };
        let Some(judge) = self.workflow.step(name.as_str()) else {
            return match spec {
                Ok(spec) => Next::run(vec![spec]),
                Err(unresolved) => {
                    let message = format!("the test cannot be called: {unresolved}");
                    Next::fail(Failure::new(FailureClass::Tool, message))
                }
            };
        };
        match judge.state() {
            StepState::Failed(failure) => Next::fail(failed(judge.id(), failure)),
            StepState::Completed(_) => match text(self.workflow, name.as_str()).as_deref().and_then(answered) {
                Some(verdict) => self.say(verdict),
                None => {
                    let expected = "expected true, false or an object with \"done\" and \"reason\"";
                    Next::fail(Failure::new(FailureClass::Decode, format!("{name} gave no verdict: {expected}")))
                }
            },
            _ => Next::wait(),
        }
    }

    fn say(&self, verdict: Verdict) -> Next {
        let Verdict { done, reason } = verdict;
        let reason = clean_line(&reason, 300).trim_end_matches('.').to_owned();
        let said = Decision::Pass { number: self.number, of: self.of, done, reason };
        Next::run(vec![decision(id(self.name().as_str()), said)])
    }
}

/// The verdict in an answer of a judge or a predicate.
fn answered(answer: &str) -> Option<Verdict> {
    let answer = json_answer(answer)?;
    let done = answer.as_bool().or_else(|| answer["done"].as_bool())?;
    let reason = answer["reason"].as_str().map(str::trim).filter(|reason| !reason.is_empty());
    let otherwise = if done { "the test passed" } else { "the test did not pass" };
    Some(Verdict { done, reason: reason.unwrap_or(otherwise).to_owned() })
}
