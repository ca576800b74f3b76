//! Custom: written steps that start as soon as what they need is there. Owns that rule and what a failure leaves.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{DefinedStep, Failure, FailureClass, Flow, PatternName, StepId, StepSpec, Workflow};
use serde_json::json;

use crate::{
    Inputs, Next, Parameter, Pattern, Prompt, Strategy,
    defined::{self, Run, among, planned},
    inputs::missing,
    sequential::report,
};

/// Steps with needs: a graph without a cycle. Each starts as soon as the steps it needs are done, without waiting for any
/// other, and reads their outputs.
///
/// A step that fails takes nobody down but those that need it; these are not run, and the report names them. The report is
/// the texts of the steps nobody needs. When none of them is left, the workflow fails.
#[derive(Clone, Debug)]
pub struct Custom {
    name: PatternName,
}

impl Custom {
    /// The name requests choose it by.
    pub const NAME: &'static str = "custom";

    /// The strategy.
    #[must_use]
    pub fn new() -> Self {
        Self { name: PatternName::new(Self::NAME).expect("a lower-case word is a pattern's name") }
    }
}

impl Default for Custom {
    fn default() -> Self {
        Self::new()
    }
}

impl Strategy for Custom {
    fn name(&self) -> &PatternName {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn describe(&self) -> Pattern {
        let description = "Steps that say which others they need: each starts as soon as those are done. A step that fails \
                           leaves out those that need it, and the report names what is missing.";
        Pattern {
            use_cases: [
                "Several lines of work at once that meet in one report",
                "A pipeline with parts that do not depend on each other",
                "A person's answer that only some of the steps wait for",
                "Work where a part may fail and the rest still counts",
            ]
            .map(str::to_owned)
            .into(),
            parameters: vec![Parameter::new("steps", "The steps with their `needs`, 1 to 100", json!([])), report()],
            ..Pattern::new(self.name.clone(), self.version(), "Custom", description)
        }
    }

    fn next(&self, workflow: &Workflow) -> Next {
        let flow = match defined::flow(workflow) {
            Ok(flow) => flow,
            Err(end) => return *end,
        };
        let Flow::Custom { steps } = flow else { return defined::no_flow() };
        let is_done = |need: &StepId| workflow.step(need.as_str()).is_some_and(|step| step.is_completed());
        let is_ready =
            |step: &&DefinedStep| workflow.step(step.id.as_str()).is_none() && step.needs.iter().all(is_done);
        // What cannot be planned is blocked, and named as such.
        let ready: Vec<StepSpec> = steps
            .iter()
            .filter(is_ready)
            .filter_map(|step| planned(workflow, step, Run::Once, step.needs.clone()).ok())
            .collect();
        if !ready.is_empty() {
            return Next::run(ready);
        }
        if steps.iter().any(|step| workflow.step(step.id.as_str()).is_some_and(|step| step.is_open())) {
            return Next::wait();
        }
        finish(workflow, steps)
    }

    fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
        defined::render(step, inputs)
    }
}

/// Nothing more can run: the steps nobody needs are the report.
fn finish(workflow: &Workflow, steps: &[DefinedStep]) -> Next {
    let needed: BTreeSet<&StepId> = steps.iter().flat_map(|step| &step.needs).collect();
    let sinks: Vec<StepId> = steps.iter().map(|step| &step.id).filter(|id| !needed.contains(id)).cloned().collect();
    let chosen = workflow.request().definition.as_ref().map(|definition| definition.report.as_slice());
    let report = chosen.filter(|chosen| !chosen.is_empty()).unwrap_or(&sinks);
    let has_result = report.iter().any(|id| workflow.step(id.as_str()).is_some_and(|step| step.is_completed()));
    if has_result {
        return among(workflow, Run::Once, sinks);
    }
    let missing = missing(workflow);
    let class = match missing.as_slice() {
        [one] => one.reason.class,
        _ if missing.iter().all(|missing| missing.reason.class == FailureClass::Budget) => FailureClass::Budget,
        _ => FailureClass::NoResult,
    };
    let reasons: Vec<String> =
        missing.iter().map(|missing| format!("{}: {}", missing.step, missing.reason.message)).collect();
    Next::fail(Failure::new(class, format!("no step of the report is left: {}", reasons.join("; "))))
}
