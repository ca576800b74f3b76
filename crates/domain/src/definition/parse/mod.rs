//! From steps as written to a definition that holds every rule. Owns every message about a definition; each names its
//! field and the step.

mod flow;
mod step;

use std::collections::{BTreeMap, BTreeSet};

use super::{ConditionDraft, DefinedStep, Definition, Flow, StepDraft, SuccessDraft, graph};
use crate::{FieldError, StepId, clean_line};

use step::ID_CHARS_MAX;

/// The fields of a draft that make a definition.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) steps: Vec<StepDraft>,
    pub(crate) report: Vec<String>,
    pub(crate) condition: Option<ConditionDraft>,
    pub(crate) branches: BTreeMap<String, Vec<StepDraft>>,
    pub(crate) default_branch: Option<String>,
    pub(crate) max_iterations: Option<u64>,
    pub(crate) success: Option<SuccessDraft>,
    pub(crate) on_exhausted: Option<String>,
}

/// Whether a pattern's steps are written down.
pub(crate) fn is_defined(pattern: &str) -> bool {
    matches!(pattern, "sequential" | "conditional" | "iterative" | "custom")
}

/// The definition of a pattern; `None` when the pattern has none, or when an error was added.
pub(crate) fn definition(pattern: &str, parts: &Parts, errors: &mut Vec<FieldError>) -> Option<Definition> {
    let before = errors.len();
    let mut parser = Parser { errors, taken: BTreeSet::new() };
    // First of all: what follows looks at every step more than once.
    let branches = parts.branches.len();
    let steps = parts.steps.len() + parts.branches.values().map(Vec::len).sum::<usize>();
    if branches > Definition::BRANCHES_MAX {
        parser.refuse("branches", format!("has {branches} branches, expected at most {}", Definition::BRANCHES_MAX));
        return None;
    }
    if steps > Definition::STEPS_MAX {
        parser.refuse("steps", format!("has {steps} steps, expected at most {}", Definition::STEPS_MAX));
        return None;
    }
    parser.refuse_what_belongs_elsewhere(pattern, parts);
    let flow = match pattern {
        "sequential" => Some(Flow::Sequential { steps: parser.some_steps(&parts.steps) }),
        "conditional" => parser.conditional(parts),
        "iterative" => parser.iterative(parts),
        "custom" => Some(Flow::Custom { steps: parser.custom(&parts.steps) }),
        _ => None,
    }?;
    let mut definition = Definition { flow, report: Vec::new() };
    definition.report = parser.report(&definition, &parts.report);
    parser.bounds(&definition);
    (errors.len() == before).then_some(definition)
}

/// Collects every error instead of stopping at the first.
struct Parser<'e> {
    errors: &'e mut Vec<FieldError>,
    taken: BTreeSet<String>,
}

impl Parser<'_> {
    fn refuse(&mut self, field: &'static str, detail: impl Into<String>) {
        self.errors.push(FieldError { field, detail: detail.into() });
    }

    fn refuse_what_belongs_elsewhere(&mut self, pattern: &str, parts: &Parts) {
        let (conditional, iterative) = (pattern == "conditional", pattern == "iterative");
        let fields = [
            ("steps", !parts.steps.is_empty(), is_defined(pattern)),
            ("report", !parts.report.is_empty(), is_defined(pattern)),
            ("condition", parts.condition.is_some(), conditional),
            ("branches", !parts.branches.is_empty(), conditional),
            ("default_branch", parts.default_branch.is_some(), conditional),
            ("max_iterations", parts.max_iterations.is_some(), iterative),
            ("success", parts.success.is_some(), iterative),
            ("on_exhausted", parts.on_exhausted.is_some(), iterative),
        ];
        for (field, is_there, belongs) in fields {
            if is_there && !belongs {
                self.refuse(field, format!("is no setting of the pattern {}", clean_line(pattern, 80)));
            }
        }
    }

    fn some_steps(&mut self, steps: &[StepDraft]) -> Vec<DefinedStep> {
        if steps.is_empty() {
            self.refuse("steps", "is empty, expected at least one step");
        }
        self.chain("steps", steps, &[])
    }

    /// Steps one after the other: each may refer to those before it.
    fn chain(&mut self, field: &'static str, steps: &[StepDraft], before: &[DefinedStep]) -> Vec<DefinedStep> {
        let mut earlier: Vec<StepId> = before.iter().map(|step| step.id.clone()).collect();
        let mut parsed = Vec::new();
        for step in steps {
            if !step.needs.is_empty() {
                let id = step.id.as_deref().unwrap_or_default();
                self.refuse(field, format!("step {id:?} has `needs`, which are for the custom pattern"));
            }
            if let Some(step) = self.step(field, step, &earlier) {
                earlier.push(step.id.clone());
                parsed.push(step);
            }
        }
        parsed
    }

    fn custom(&mut self, steps: &[StepDraft]) -> Vec<DefinedStep> {
        if steps.is_empty() {
            self.refuse("steps", "is empty, expected at least one step");
        }
        let name = |step: &StepDraft| clean_line(step.id.as_deref().unwrap_or_default(), ID_CHARS_MAX);
        let names: BTreeSet<String> = steps.iter().map(name).collect();
        let mut parsed = Vec::new();
        for step in steps {
            let id = name(step);
            let mut needs = Vec::new();
            for need in &step.needs {
                let shown = clean_line(need, ID_CHARS_MAX);
                if *need == id {
                    self.refuse("steps", format!("step {id:?} needs itself"));
                } else if !names.contains(need) {
                    self.refuse("steps", format!("step {id:?} needs {shown:?}, and there is no such step"));
                } else if let Ok(need) = StepId::new(need)
                    && !needs.contains(&need)
                {
                    needs.push(need);
                }
            }
            if let Some(step) = self.step("steps", step, &needs) {
                parsed.push(DefinedStep { needs, ..step });
            }
        }
        let edges: Vec<(&str, Vec<&str>)> = steps
            .iter()
            .map(|step| {
                let id = step.id.as_deref().unwrap_or_default();
                (id, step.needs.iter().map(String::as_str).filter(|need| *need != id).collect())
            })
            .collect();
        if let Some(cycle) = graph::cycle(&edges) {
            self.refuse("steps", format!("form a cycle: {}", clean_line(&cycle, 400)));
        }
        parsed
    }

    fn report(&mut self, definition: &Definition, names: &[String]) -> Vec<StepId> {
        let mut report = Vec::new();
        for name in names {
            match definition.steps().find(|step| step.id.as_str() == name) {
                Some(step) if report.contains(&step.id) => {}
                Some(step) => report.push(step.id.clone()),
                None => self.refuse("report", format!("names {:?}, and there is no such step", clean_line(name, 80))),
            }
        }
        report
    }

    fn bounds(&mut self, definition: &Definition) {
        if definition.runs_max() > Definition::RUNS_MAX {
            let (runs, most) = (definition.runs_max(), Definition::RUNS_MAX);
            self.refuse("max_iterations", format!("makes {runs} steps of all passes, expected at most {most}"));
        }
    }
}
