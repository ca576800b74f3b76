//! Sequential: written steps one after the other. Owns nothing but that order; chains are `defined`'s.

use mcp_orchestrator_domain::{Flow, PatternName, StepSpec, Workflow};
use serde_json::json;

use crate::{
    Inputs, Next, Parameter, Pattern, Prompt, Strategy,
    defined::{self, Chained, Run, among, chain, last_text},
};

/// Steps one after the other: an agent, a tool or a question to a person each, and each reads what came before.
///
/// A step that fails ends the workflow with its name. The report is the text of the last step that writes any, checked by
/// the Citation Monitor.
#[derive(Clone, Debug)]
pub struct Sequential {
    name: PatternName,
}

impl Sequential {
    /// The name requests choose it by.
    pub const NAME: &'static str = "sequential";

    /// The strategy.
    #[must_use]
    pub fn new() -> Self {
        Self { name: PatternName::new(Self::NAME).expect("a lower-case word is a pattern's name") }
    }
}

impl Default for Sequential {
    fn default() -> Self {
        Self::new()
    }
}

impl Strategy for Sequential {
    fn name(&self) -> &PatternName {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn describe(&self) -> Pattern {
        let description = "Steps one after the other. Each is an agent, a call of a tool or a question to a person, and \
                           reads what the steps before it wrote. A step that fails ends the workflow.";
        Pattern {
            use_cases: [
                "Work whose order is known, such as gather, compare, write",
                "A person's approval between two steps",
                "Functions of your own between agents",
                "A report whose sections build on each other",
            ]
            .map(str::to_owned)
            .into(),
            parameters: vec![Parameter::new("steps", "The steps, 1 to 100: see docs/patterns.md", json!([])), report()],
            ..Pattern::new(self.name.clone(), self.version(), "Sequential", description)
        }
    }

    fn next(&self, workflow: &Workflow) -> Next {
        let flow = match defined::flow(workflow) {
            Ok(flow) => flow,
            Err(end) => return *end,
        };
        let Flow::Sequential { steps } = flow else { return defined::no_flow() };
        match chain(workflow, steps, Run::Once, Vec::new()) {
            Chained::Wait => Next::wait(),
            Chained::Run(step) => Next::run(vec![*step]),
            Chained::Failed(failure) => Next::fail(failure),
            Chained::Done(_) => among(workflow, Run::Once, last_text(steps)),
        }
    }

    fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
        defined::render(step, inputs)
    }
}

/// The setting all patterns with written steps share.
pub(crate) fn report() -> Parameter {
    Parameter::new("report", "The steps whose texts are the report; empty: the last that writes text", json!([]))
}
