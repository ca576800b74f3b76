//! What goes beyond a chain of steps: branches with what chooses them, passes with the test that ends them.

use super::{
    Parser, Parts,
    step::{AgentFields, DECIDING_TOKENS},
};
use crate::{
    StepId, clean_line,
    definition::{
        AgentWork, Branch, Condition, DefinedStep, Definition, Exhausted, Expectation, Flow, Is, Success, SuccessDraft,
    },
};

const KEY_CHARS_MAX: usize = 100;

impl Parser<'_> {
    pub(super) fn conditional(&mut self, parts: &Parts) -> Option<Flow> {
        let steps = self.chain("steps", &parts.steps, &[]);
        let keys: Vec<&str> = parts.branches.keys().map(String::as_str).collect();
        if keys.is_empty() {
            self.refuse("branches", "is empty, expected at least one branch");
        }
        if keys.len() > Definition::BRANCHES_MAX {
            self.refuse(
                "branches",
                format!("has {} branches, expected at most {}", keys.len(), Definition::BRANCHES_MAX),
            );
        }
        let mut branches = Vec::new();
        for (key, drafts) in &parts.branches {
            if clean_line(key, KEY_CHARS_MAX) != *key || key.is_empty() {
                let shown = clean_line(key, KEY_CHARS_MAX);
                self.refuse("branches", format!("key {shown:?} is not one line of 1 to {KEY_CHARS_MAX} characters"));
            }
            if drafts.is_empty() {
                self.refuse("branches", format!("branch {key:?} has no steps"));
            }
            branches.push(Branch { key: key.clone(), steps: self.chain("branches", drafts, &steps) });
        }
        if let Some(default) = &parts.default_branch
            && !keys.contains(&default.as_str())
        {
            let shown = clean_line(default, KEY_CHARS_MAX);
            self.refuse("default_branch", format!("is {shown:?}, expected one of {}", keys.join(", ")));
        }
        let condition = self.condition(parts, &steps, &keys)?;
        Some(Flow::Conditional { steps, condition, branches, default: parts.default_branch.clone() })
    }

    fn condition(&mut self, parts: &Parts, steps: &[DefinedStep], keys: &[&str]) -> Option<Condition> {
        let Some(draft) = &parts.condition else {
            self.refuse("condition", "is missing");
            return None;
        };
        let is_agent = draft.instructions.is_some() || draft.tools.is_some();
        match (&draft.value, &draft.from, &draft.task) {
            (Some(value), None, None) if draft.pointer.is_none() && !is_agent => {
                if parts.default_branch.is_none() && !keys.contains(&value.as_str()) {
                    let shown = clean_line(value, KEY_CHARS_MAX);
                    self.refuse("condition", format!("is {shown:?}, expected one of {}", keys.join(", ")));
                }
                Some(Condition::Value(clean_line(value, KEY_CHARS_MAX)))
            }
            (None, Some(from), None) if !is_agent => {
                let earlier: Vec<StepId> = steps.iter().map(|step| step.id.clone()).collect();
                self.reference("condition", from, draft.pointer.as_deref(), &earlier).map(Condition::Pointer)
            }
            (None, None, Some(_)) if draft.pointer.is_none() => {
                let fields = AgentFields {
                    task: draft.task.as_deref(),
                    instructions: draft.instructions.as_deref(),
                    tools: draft.tools.as_deref(),
                };
                self.deciding("condition", &fields).map(Condition::Agent)
            }
            _ => {
                self.refuse(
                    "condition",
                    "is not exactly one of `value`, `from` (with `pointer`) and `task` (with `instructions` and `tools`)",
                );
                None
            }
        }
    }

    pub(super) fn iterative(&mut self, parts: &Parts) -> Option<Flow> {
        let steps = self.some_steps(&parts.steps);
        let passes = parts.max_iterations.unwrap_or(3);
        if !(1..=u64::from(Definition::PASSES_MAX)).contains(&passes) {
            self.refuse("max_iterations", format!("is {passes}, expected 1 to {}", Definition::PASSES_MAX));
        }
        let on_exhausted = match parts.on_exhausted.as_deref() {
            None | Some("report") => Exhausted::Report,
            Some("fail") => Exhausted::Fail,
            Some(other) => {
                self.refuse("on_exhausted", format!("is {:?}, expected report or fail", clean_line(other, 40)));
                Exhausted::Report
            }
        };
        let success = self.success(parts.success.as_ref(), &steps)?;
        Some(Flow::Iterative { steps, passes_max: u16::try_from(passes).unwrap_or(1), success, on_exhausted })
    }

    fn success(&mut self, draft: Option<&SuccessDraft>, steps: &[DefinedStep]) -> Option<Success> {
        let Some(draft) = draft else {
            self.refuse("success", "is missing: what ends the passes is a rule, a judging agent or a judging tool");
            return None;
        };
        let ids: Vec<StepId> = steps.iter().map(|step| step.id.clone()).collect();
        let rules = [draft.equals.is_some(), draft.at_least.is_some(), draft.contains.is_some()];
        let is_rule = draft.from.is_some() || draft.pointer.is_some() || rules.contains(&true);
        let is_agent = draft.task.is_some() || draft.instructions.is_some() || draft.tools.is_some();
        let is_tool = draft.tool.is_some() || draft.arguments.is_some();
        match (is_rule, is_agent, is_tool) {
            (true, false, false) if draft.from.is_some() && rules.iter().filter(|is| **is).count() == 1 => {
                let from = draft.from.as_deref().unwrap_or_default();
                let reference = self.reference("success", from, draft.pointer.as_deref(), &ids)?;
                let is = match (&draft.equals, draft.at_least, &draft.contains) {
                    (Some(value), ..) => Is::Equals(value.clone()),
                    (_, Some(least), _) => Is::AtLeast(least),
                    (.., text) => Is::Contains(clean_line(text.as_deref().unwrap_or_default(), 500)),
                };
                let is_usable = match &is {
                    Is::AtLeast(least) => least.is_finite(),
                    Is::Contains(text) => !text.is_empty(),
                    Is::Equals(_) => true,
                };
                if !is_usable {
                    self.refuse("success", "is a rule that expects nothing");
                }
                Some(Success::Rule(Expectation { reference, is }))
            }
            (false, true, false) => {
                let fields = AgentFields {
                    task: draft.task.as_deref(),
                    instructions: draft.instructions.as_deref(),
                    tools: draft.tools.as_deref(),
                };
                self.deciding("success", &fields).map(Success::Judge)
            }
            (false, false, true) => {
                let tool = draft.tool.as_deref().unwrap_or_default();
                let task = "Judge the pass".to_owned();
                self.tool("success", "the test", task, tool, draft.arguments.as_ref(), &ids).map(Success::Predicate)
            }
            _ => {
                self.refuse(
                    "success",
                    "is not exactly one of a rule (`from` with one of `equals`, `at_least` and `contains`), a judge \
                     (`task`) and a `tool`",
                );
                None
            }
        }
    }

    /// An agent that decides: it answers by a schema of ours and calls no tools unless told to.
    fn deciding(&mut self, field: &'static str, fields: &AgentFields<'_>) -> Option<AgentWork> {
        let mut work = self.agent(field, "the agent", fields)?;
        work.tools.get_or_insert_default();
        work.output_tokens_max = DECIDING_TOKENS;
        Some(work)
    }
}
