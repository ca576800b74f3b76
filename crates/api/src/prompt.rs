//! Prompts a person picks in a client: what is put into the conversation. Owns their words.

use std::collections::BTreeMap;

use crate::{ApiError, Code};

/// A prompt as lists show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PromptSpec {
    /// Its name.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What it does.
    pub description: &'static str,
    /// Its arguments: name, what it is, whether it must be there.
    pub arguments: &'static [(&'static str, &'static str, bool)],
}

/// The prompts, always in this order.
pub const PROMPTS: &[PromptSpec] = &[
    PromptSpec {
        name: "research",
        title: "Research a question",
        description: "Researches a question with several agents and reads the cited report",
        arguments: &[("task", "The question", true), ("num_agents", "How many agents, 1 to 20", false)],
    },
    PromptSpec {
        name: "search",
        title: "Search from several sides",
        description: "Searches for something with agents of several types and reads the cited summary",
        arguments: &[("query", "What to look for", true), ("num_agents", "How many agents, 1 to 20", false)],
    },
];

/// The text of a prompt with its arguments filled in.
///
/// # Errors
/// [`Code::NotFound`] when there is no such prompt; [`ApiError`] naming the argument that is missing or unknown.
pub fn prompt(name: &str, arguments: &BTreeMap<String, String>) -> Result<String, ApiError> {
    let spec = PROMPTS.iter().find(|prompt| prompt.name == name).ok_or_else(|| {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        ApiError::new(Code::NotFound, format!("no prompt is named {shown}; there are research and search"))
    })?;
    for (argument, _, mandatory) in spec.arguments {
        if *mandatory && arguments.get(*argument).is_none_or(|value| value.trim().is_empty()) {
            return Err(ApiError::field(argument, "is missing"));
        }
    }
    if let Some(unknown) = arguments.keys().find(|key| !spec.arguments.iter().any(|(name, ..)| name == key)) {
        return Err(ApiError::field(unknown, "there is no such argument"));
    }
    let (tool, subject) =
        if name == "search" { ("orchestrate_search", "query") } else { ("orchestrate_research", "task") };
    let asked = arguments.get(subject).map(|value| value.trim()).unwrap_or_default();
    let agents = arguments.get("num_agents").map(|n| format!(" with num_agents {}", n.trim())).unwrap_or_default();
    Ok(format!(
        "Call {tool}{agents} for this {subject}:\n\n{asked}\n\nIf it answers with a task_id before it is done, call \
         wait_for_orchestration with it until it is completed, then get_orchestration_results. Report what was found with \
         its numbered citations as they are, and say what the report marks as unverified or missing."
    ))
}
