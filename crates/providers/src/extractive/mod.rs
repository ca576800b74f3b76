//! The extractive writer: a provider that writes without a model. Owns which part of a workflow gets which text; reads
//! [`StepInput`] alone and never a prompt, so no document and no message can change what it does.

mod answer;
mod edit;
mod inline;
mod lexicon;
mod lines;
mod markdown;
mod near;
mod passage;
mod plan;
mod question;
mod rank;
mod sentence;
mod words;
mod write;

use async_trait::async_trait;
use mcp_orchestrator_domain::{
    AssistantMessage, Cost, FinishReason, ModelName, ProviderName, Reply, Role, StepInput, ToolCall, Usage,
};

use crate::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Price, Provider, ProviderError};
use question::Question;
use rank::Ranking;
use write::Size;

/// The tool it searches folders with.
const CORPUS_TOOL: &str = "corpus_search";
/// How the names of tools end that take a `query` and answer with passages.
const SEARCH_TOOLS: &str = "_search";
/// Tools it searches with at once.
const TOOLS_MAX: usize = 8;
/// Hits asked for by one search of folders.
const HITS: u16 = 20;
/// Searches of one researcher with each tool: its sub-task, then its key words alone when that found too little.
const SEARCHES_MAX: u16 = 2;
/// Passages a researcher hands over.
const FINDINGS_MAX: usize = 6;

/// Writes by quoting, without a model, a key or a network.
///
/// A planner's answer is a numbered list of sub-questions; a researcher's is a call of `corpus_search` and of
/// every other tool whose name ends in `_search`, then a list of quotes; a synthesizer's and an executive's is a report whose first section answers the question. A step of a written
/// workflow does as a researcher where it can search and finds something, else as an executive. Each sentence is a verbatim piece of one evidence span followed by its `[ev_…]`. When the spans say nothing about the question, the
/// answer is [`NOTHING_FOUND`](mcp_orchestrator_domain::NOTHING_FOUND) and nothing else.
///
/// The same input gives the same bytes. Nothing is waited for, so dropping the future loses nothing.
#[derive(Clone, Debug)]
pub struct ExtractiveProvider {
    name: ProviderName,
}

impl ExtractiveProvider {
    /// The name requests choose it by.
    pub const NAME: &'static str = "extractive";

    /// The writer under its usual name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Default for ExtractiveProvider {
    fn default() -> Self {
        Self { name: ProviderName::new(Self::NAME).expect("the constant is a valid provider name") }
    }
}

#[async_trait]
impl Provider for ExtractiveProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
        Capabilities {
            tools: true,
            output_schema: false,
            images: false,
            default_model: None,
            price: Some(Price::FREE),
            is_model: false,
        }
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let reply = reply(request.input);
        for line in reply.message.text.split_inclusive('\n') {
            sink.text(line);
        }
        Ok(ChatAnswer { reply, usage: Usage::default(), cost: Cost::FREE, ..ChatAnswer::default() })
    }
}

/// What the part a step plays answers.
fn reply(input: &StepInput) -> Reply {
    match &input.role {
        Role::Planner => said(numbered(&plan::sub_questions(&input.question, input.parts))),
        Role::Researcher | Role::Searcher(_) => research(input),
        Role::Synthesizer => said(synthesis(input)),
        Role::Executive => said(executive_report(input)),
        Role::Monitor | Role::Editor => said(edit::repaired(input)),
        Role::Custom(_) => step(input),
        _ => said(executive_report(input)),
    }
}

/// A step of somebody's own: with a search at hand it looks for what its task says; without one, or when that finds
/// nothing, it writes from what it reads. What the steps before it found stays, as for a Drummer.
fn step(input: &StepInput) -> Reply {
    let searches = !search_tools(input).is_empty();
    if input.outputs.is_empty() || searches {
        let found = research(input);
        if input.outputs.is_empty()
            || found.finish == FinishReason::ToolCalls
            || !write::is_nothing_found(&found.message.text)
        {
            return found;
        }
    }
    said(report(input, REPORT, has_findings(input)))
}

fn research(input: &StepInput) -> Reply {
    let task = if input.task.trim().is_empty() { input.question.as_str() } else { input.task.as_str() };
    let question = Question::read(task);
    let ranking = Ranking::of(&question, &input.spans);
    if let Some(query) = next_query(input, task, &question, ranking.is_answered) {
        return search(&query, input);
    }
    said(write::findings(&ranking, FINDINGS_MAX))
}

/// The search to make before writing, if one is left that may help.
fn next_query(input: &StepInput, task: &str, question: &Question, is_answered: bool) -> Option<String> {
    let tools = u16::try_from(search_tools(input).len()).unwrap_or(u16::MAX);
    if tools == 0 || input.tool_calls_made >= tools.saturating_mul(SEARCHES_MAX) {
        return None;
    }
    if input.tool_calls_made == 0 {
        return plan::sub_questions(task, 1).pop();
    }
    let key_words: Vec<&str> = question.subject().map(|term| term.word.as_str()).take(12).collect();
    let query = key_words.join(" ");
    (!is_answered && !query.is_empty() && !query.eq_ignore_ascii_case(task)).then_some(query)
}

/// The tools it can search with: those that take a query, folders first.
fn search_tools(input: &StepInput) -> Vec<&str> {
    let named = input.tools.iter().map(|tool| tool.as_str()).filter(|name| name.ends_with(SEARCH_TOOLS));
    let mut named: Vec<&str> = named.collect();
    named.sort_by_key(|name| *name != CORPUS_TOOL);
    named.truncate(TOOLS_MAX);
    named
}

fn search(query: &str, input: &StepInput) -> Reply {
    let calls = (input.tool_calls_made + 1..).zip(search_tools(input)).map(|(number, name)| {
        let arguments = if name == CORPUS_TOOL {
            serde_json::json!({ "query": query, "limit": HITS })
        } else {
            serde_json::json!({ "query": query })
        };
        ToolCall { id: format!("search_{number}"), name: name.to_owned(), arguments: arguments.to_string() }
    });
    let message = AssistantMessage { tool_calls: calls.collect(), ..AssistantMessage::default() };
    Reply { message, finish: FinishReason::ToolCalls, ..Reply::default() }
}

/// A Drummer's report: what any of its agents found stays, for the writer of the whole to judge.
fn synthesis(input: &StepInput) -> String {
    report(input, Size { answers: 5, sources: 8, quotes: 4 }, has_findings(input))
}

fn executive_report(input: &StepInput) -> String {
    report(input, REPORT, false)
}

/// How much the last report of a workflow says.
const REPORT: Size = Size { answers: 4, sources: 5, quotes: 3 };

/// Whether any step before it found something.
fn has_findings(input: &StepInput) -> bool {
    input.outputs.iter().any(|output| !write::is_nothing_found(&output.text))
}

fn report(input: &StepInput, size: Size, must_answer: bool) -> String {
    let question = Question::read(&input.question);
    let ranking = Ranking::of(&question, &input.spans);
    write::report(&input.question, &ranking, &input.outputs, size, must_answer)
}

fn numbered(lines: &[String]) -> String {
    // After a digit, a list's reader may take the marker for a number: quotation marks part them.
    let item = |line: &str| {
        if line.starts_with(|c: char| c.is_ascii_digit()) { format!("\"{line}\"") } else { line.to_owned() }
    };
    lines.iter().enumerate().map(|(number, line)| format!("{}. {}\n", number + 1, item(line))).collect()
}

fn said(text: String) -> Reply {
    let message = AssistantMessage { text, ..AssistantMessage::default() };
    Reply { message, finish: FinishReason::Stop, ..Reply::default() }
}
