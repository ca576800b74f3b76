//! One step as written: its name, its work, its bounds. Owns their rules.

use serde_json::{Map, Value};

use super::Parser;
use crate::{
    StepId, ToolName, clean, clean_line,
    definition::{AgentWork, DefinedStep, Definition, Reference, StepDraft, ToolWork, Work, reference},
};

/// Names the engine and the patterns give steps of their own.
const RESERVED: [&str; 7] =
    ["branch", "citation_monitor", "citation_monitor_2", "condition", "editor", "pass", "success"];
pub(super) const ID_CHARS_MAX: usize = 48;
const TASK_CHARS_MAX: usize = 5_000;
const QUESTION_CHARS_MAX: usize = 2_000;
const TURNS: u16 = 6;
const OUTPUT_TOKENS: u32 = 2_000;
/// What decides is short.
pub(super) const DECIDING_TOKENS: u32 = 1_000;

/// What an agent is asked in words, wherever it is written.
pub(super) struct AgentFields<'a> {
    pub(super) task: Option<&'a str>,
    pub(super) instructions: Option<&'a str>,
    pub(super) tools: Option<&'a [String]>,
}

impl Parser<'_> {
    pub(super) fn step(&mut self, field: &'static str, draft: &StepDraft, earlier: &[StepId]) -> Option<DefinedStep> {
        let id = self.id(field, draft.id.as_deref())?;
        let kind = match (draft.kind.as_deref(), &draft.tool, &draft.question) {
            (Some(kind), ..) => kind,
            (None, Some(_), _) => "tool",
            (None, None, Some(_)) => "ask",
            (None, None, None) => "agent",
        };
        let given = [
            ("instructions", draft.instructions.is_some(), &["agent"][..]),
            ("question", draft.question.is_some(), &["ask"]),
            ("tool", draft.tool.is_some(), &["tool"]),
            ("arguments", draft.arguments.is_some(), &["tool"]),
            ("tools", draft.tools.is_some(), &["agent"]),
            ("schema", draft.schema.is_some(), &["agent"]),
            ("turns", draft.turns.is_some(), &["agent"]),
            ("output_tokens", draft.output_tokens.is_some(), &["agent"]),
            ("task", draft.task.is_some(), &["agent", "tool"]),
            ("timeout_seconds", draft.timeout_seconds.is_some(), &["agent", "tool"]),
        ];
        for (name, is_there, kinds) in given {
            if is_there && matches!(kind, "agent" | "tool" | "ask") && !kinds.contains(&kind) {
                self.refuse(field, format!("step {id} of kind {kind} has no `{name}`"));
            }
        }
        let work = match kind {
            "agent" => Work::Agent(self.agent_step(field, &id, draft)?),
            "tool" => {
                let tool = draft.tool.as_deref().unwrap_or_default();
                let task = draft.task.as_ref().map_or_else(|| format!("Call {tool}"), |task| clean_line(task, 200));
                Work::Tool(self.tool(field, &format!("step {id}"), task, tool, draft.arguments.as_ref(), earlier)?)
            }
            "ask" => {
                let what = format!("step {id}: question");
                Work::Ask { question: self.text(field, &what, draft.question.as_deref(), QUESTION_CHARS_MAX)? }
            }
            other => {
                let shown = clean_line(other, 40);
                self.refuse(field, format!("step {id}: kind is {shown:?}, expected agent, tool or ask"));
                return None;
            }
        };
        let time_limit_ms = self.time_limit(field, &id, draft.timeout_seconds);
        Some(DefinedStep { id, work, needs: Vec::new(), time_limit_ms })
    }

    fn id(&mut self, field: &'static str, id: Option<&str>) -> Option<StepId> {
        let Some(id) = id else {
            self.refuse(field, "has a step without an id");
            return None;
        };
        let is_word = id.len() <= ID_CHARS_MAX && !id.contains('-');
        let Some(parsed) = StepId::new(id).ok().filter(|_| is_word) else {
            let shown = clean_line(id, 80);
            self.refuse(
                field,
                format!("id {shown:?} is not 1 to {ID_CHARS_MAX} of a-z 0-9 _ that start with a letter"),
            );
            return None;
        };
        if RESERVED.contains(&id) {
            self.refuse(field, format!("id {id:?} is the name of a step that the pattern adds itself"));
        }
        if !self.taken.insert(id.to_owned()) {
            self.refuse(field, format!("id {id:?} is there twice"));
        }
        Some(parsed)
    }

    fn agent_step(&mut self, field: &'static str, id: &StepId, draft: &StepDraft) -> Option<AgentWork> {
        let fields = AgentFields {
            task: draft.task.as_deref(),
            instructions: draft.instructions.as_deref(),
            tools: draft.tools.as_deref(),
        };
        let mut work = self.agent(field, &format!("step {id}"), &fields)?;
        work.turns_max = self.number(field, id, "turns", draft.turns, 50).unwrap_or(TURNS);
        work.output_tokens_max =
            self.number(field, id, "output_tokens", draft.output_tokens, 100_000).unwrap_or(OUTPUT_TOKENS);
        if let Some(schema) = &draft.schema {
            let bytes = schema.to_string().len();
            if !schema.is_object() || bytes > Definition::SCHEMA_BYTES_MAX {
                let most = Definition::SCHEMA_BYTES_MAX;
                self.refuse(field, format!("step {id}: schema is no JSON object of at most {most} bytes"));
            }
            work.schema = Some(schema.clone());
        }
        Some(work)
    }

    pub(super) fn agent(&mut self, field: &'static str, what: &str, fields: &AgentFields<'_>) -> Option<AgentWork> {
        let task = self.text(field, &format!("{what}: task"), fields.task, TASK_CHARS_MAX);
        let instructions = match fields.instructions {
            Some(text) => Some(self.text(field, &format!("{what}: instructions"), Some(text), TASK_CHARS_MAX)?),
            None => None,
        };
        let mut tools = Vec::new();
        for name in fields.tools.unwrap_or_default() {
            match ToolName::new(name) {
                Ok(name) if tools.contains(&name) => {}
                Ok(name) => tools.push(name),
                Err(error) => self.refuse(field, format!("{what}: {error}")),
            }
        }
        Some(AgentWork {
            task: task?,
            instructions,
            tools: fields.tools.map(|_| tools),
            schema: None,
            turns_max: TURNS,
            output_tokens_max: OUTPUT_TOKENS,
        })
    }

    pub(super) fn tool(
        &mut self,
        field: &'static str,
        what: &str,
        task: String,
        tool: &str,
        arguments: Option<&Map<String, Value>>,
        earlier: &[StepId],
    ) -> Option<ToolWork> {
        let arguments = arguments.cloned().unwrap_or_default();
        let bytes = Value::Object(arguments.clone()).to_string().len();
        if bytes > Definition::ARGUMENTS_BYTES_MAX {
            let most = Definition::ARGUMENTS_BYTES_MAX;
            self.refuse(field, format!("{what}: arguments have {bytes} bytes, expected at most {most}"));
        }
        let mut wrong = Vec::new();
        reference::each_read(&arguments, &mut |read| match read {
            Ok(reference) => wrong.extend(unreachable(&reference.from, earlier)),
            Err(error) => wrong.push(error),
        });
        for error in wrong {
            self.refuse(field, format!("{what}: arguments: {error}"));
        }
        match ToolName::new(tool) {
            Ok(tool) => Some(ToolWork { task, tool, arguments }),
            Err(error) => {
                self.refuse(field, format!("{what}: {error}"));
                None
            }
        }
    }

    pub(super) fn reference(
        &mut self,
        field: &'static str,
        from: &str,
        pointer: Option<&str>,
        earlier: &[StepId],
    ) -> Option<Reference> {
        match Reference::parse(from, pointer.unwrap_or_default()) {
            Ok(reference) => {
                if let Some(wrong) = unreachable(&reference.from, earlier) {
                    self.refuse(field, wrong);
                }
                Some(reference)
            }
            Err(error) => {
                self.refuse(field, error);
                None
            }
        }
    }

    fn text(&mut self, field: &'static str, what: &str, text: Option<&str>, chars_max: usize) -> Option<String> {
        let text = clean(text.unwrap_or_default());
        let chars = text.chars().count();
        if (1..=chars_max).contains(&chars) {
            return Some(text);
        }
        self.refuse(field, format!("{what} has {chars} characters, expected 1 to {chars_max}"));
        None
    }

    fn number<T: TryFrom<u64>>(
        &mut self,
        field: &'static str,
        id: &StepId,
        name: &str,
        value: Option<u64>,
        max: u64,
    ) -> Option<T> {
        let value = value?;
        if !(1..=max).contains(&value) {
            self.refuse(field, format!("step {id}: {name} is {value}, expected 1 to {max}"));
        }
        T::try_from(value).ok()
    }

    fn time_limit(&mut self, field: &'static str, id: &StepId, seconds: Option<f64>) -> Option<u64> {
        let seconds = seconds?;
        if !(0.001..=3600.0).contains(&seconds) {
            let rule = "expected more than 0 and at most 3600";
            self.refuse(field, format!("step {id}: timeout_seconds is {seconds}, {rule}"));
            return None;
        }
        Some(crate::millis(std::time::Duration::from_secs_f64(seconds)).max(1))
    }
}

/// What is wrong with a reference to a step that is not among those whose outputs are there by then.
fn unreachable(from: &StepId, earlier: &[StepId]) -> Option<String> {
    if earlier.contains(from) {
        return None;
    }
    let earlier: Vec<&str> = earlier.iter().map(StepId::as_str).collect();
    let there = if earlier.is_empty() { "none".to_owned() } else { earlier.join(", ") };
    Some(format!("from is {:?}, which is no step that is done by then; there are {there}", from.as_str()))
}
