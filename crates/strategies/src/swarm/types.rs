//! The nine kinds of search agents: what each looks for, how it is shown, and which sub-task gets which. Owns the
//! tables; names and order of the kinds are the domain's.

use mcp_orchestrator_domain::{AgentType, Request, ToolName};

use crate::AgentTypeInfo;

/// What a kind looks for and how it is shown.
#[must_use]
pub const fn agent_type_info(kind: AgentType) -> AgentTypeInfo {
    let (description, icon, color) = match kind {
        AgentType::Text => ("articles, blogs and other prose", "file-text", "#3498db"),
        AgentType::Image => ("pictures, photographs and diagrams", "image", "#e74c3c"),
        AgentType::Video => ("films, clips and recordings", "video", "#f39c12"),
        AgentType::News => ("news and current events", "newspaper", "#2ecc71"),
        AgentType::Academic => ("papers, studies and journals", "graduation-cap", "#9b59b6"),
        AgentType::Social => ("forums, discussions and social media", "users", "#1abc9c"),
        AgentType::Product => ("products, reviews and prices", "shopping-cart", "#e67e22"),
        AgentType::Technical => ("code, documentation and interfaces", "code", "#34495e"),
        AgentType::General => ("anything that bears on the question", "search", "#95a5a6"),
    };
    AgentTypeInfo { name: kind, description, icon, color }
}

/// The words that give a sub-task its kind, in the order they are tried.
const KEYWORDS: [(AgentType, &[&str]); 8] = [
    (AgentType::Image, &["image", "photo", "picture", "visual"]),
    (AgentType::Video, &["video", "youtube", "clip", "footage"]),
    (AgentType::News, &["news", "current", "latest", "recent"]),
    (AgentType::Academic, &["academic", "research", "paper", "study", "journal"]),
    (AgentType::Social, &["social", "twitter", "reddit", "forum"]),
    (AgentType::Product, &["product", "review", "buy", "purchase", "price"]),
    (AgentType::Technical, &["code", "technical", "documentation", "api", "programming"]),
    (AgentType::Text, &["text", "article", "blog", "content"]),
];

/// The kind of each sub-task, only of `allowed` ones; empty allows all.
///
/// A sub-task that begins with a kind and a colon, as planners are asked to write it, has that kind. Otherwise the first
/// kind one of whose words occurs, whole or in its plural. A sub-task without any is general; where that is not allowed,
/// the allowed kinds take such sub-tasks in turn.
#[must_use]
pub fn assign(sub_tasks: &[String], allowed: &[AgentType]) -> Vec<AgentType> {
    let allowed = if allowed.is_empty() { &AgentType::ALL[..] } else { allowed };
    let mut turns = allowed.iter().cycle();
    let kind_of = |sub_task: &String| {
        let named = named(sub_task).filter(|kind| allowed.contains(kind));
        let kind = named.or_else(|| by_keyword(sub_task, allowed));
        if let Some(kind) = kind.or_else(|| allowed.contains(&AgentType::General).then_some(AgentType::General)) {
            return kind;
        }
        turns.next().copied().unwrap_or(AgentType::General)
    };
    sub_tasks.iter().map(kind_of).collect()
}

fn named(sub_task: &str) -> Option<AgentType> {
    sub_task.split_once(':')?.0.trim().to_lowercase().parse().ok()
}

fn by_keyword(sub_task: &str, allowed: &[AgentType]) -> Option<AgentType> {
    let words = words(sub_task);
    let occurs = |keyword: &&str| words.iter().any(|word| is_same_word(word, keyword));
    let mut kinds = KEYWORDS.iter().filter(|(kind, _)| allowed.contains(kind));
    kinds.find(|(_, keywords)| keywords.iter().any(&occurs)).map(|(kind, _)| *kind)
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// The same word or its plural.
fn is_same_word(word: &str, keyword: &str) -> bool {
    let ending = match keyword.strip_suffix('y') {
        Some(stem) if word.strip_prefix(stem) == Some("ies") => return true,
        _ => word.strip_prefix(keyword),
    };
    matches!(ending, Some("" | "s" | "es"))
}

/// The tools of a kind: those of its row, and of those that are in no row the ones named for it, for example
/// `news_search`, and the ones named for no kind. All of them when that leaves none.
pub(super) fn tools(kind: AgentType, request: &Request) -> Vec<ToolName> {
    let is_for = |tool: &&ToolName| match kinds_of(tool, request) {
        Some(kinds) => kinds.contains(&kind),
        None => tool_kind(tool).is_none_or(|named| named == kind),
    };
    let own: Vec<ToolName> = request.tools.iter().filter(is_for).cloned().collect();
    if own.is_empty() { request.tools.clone() } else { own }
}

/// Whether one of these tools is the kind's own, by its row or by its name.
pub(super) fn has_own_tool(kind: AgentType, tools: &[ToolName], request: &Request) -> bool {
    tools.iter().any(|tool| match kinds_of(tool, request) {
        Some(kinds) => kinds.contains(&kind),
        None => tool_kind(tool) == Some(kind),
    })
}

/// The kinds in whose rows a tool is; `None` when it is in none.
fn kinds_of(tool: &ToolName, request: &Request) -> Option<Vec<AgentType>> {
    let rows = request.swarm.tools.iter().filter(|(_, row)| row.contains(tool));
    let kinds: Vec<AgentType> = rows.map(|(kind, _)| *kind).collect();
    (!kinds.is_empty()).then_some(kinds)
}

/// `text` and `general` in a tool's name say nothing about what it searches.
fn tool_kind(tool: &ToolName) -> Option<AgentType> {
    let kinds = words(tool.as_str()).into_iter().filter_map(|word| word.parse().ok());
    kinds.into_iter().find(|kind| !matches!(kind, AgentType::Text | AgentType::General))
}
