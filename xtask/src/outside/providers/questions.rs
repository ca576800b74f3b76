//! What is asked of a server of others when all is well, and what a good answer is. Knows providers; no server.

use std::sync::LazyLock;

use mcp_orchestrator_domain::{
    AssistantMessage, Cost, FailureClass, FinishReason, Message, StepInput, ToolName, ToolResult, ToolSpec,
};
use mcp_orchestrator_providers::{
    ChatAnswer, ChatRequest, Provider, ProviderError,
    http::{CostReport, HttpProvider},
};
use mcp_orchestrator_testkit::provider_suite::{Pieces, input, request};
use serde_json::{Value, json};

use super::grid::{Cell, Feature};

/// The tool that is offered.
pub(super) const TOOL: &str = "corpus_search";
/// What is said to get a text, a call of the tool, and an answer that fits a schema.
pub(super) const HELLO: &str = "Hello there";
pub(super) const SEARCH: &str = "Search for the lock";
pub(super) const LIST: &str = "List the parts";

/// A service at a server, ready to be asked.
pub(super) struct Subject {
    pub(super) cost: CostReport,
    pub(super) provider: HttpProvider,
    /// What the server does not have, and why.
    pub(super) missing: &'static [(Feature, &'static str)],
}

/// What no wire sees.
static INPUT: LazyLock<StepInput> = LazyLock::new(input);

/// Asks everything.
pub(super) async fn ask_everything(subject: &Subject) -> Vec<(Feature, Cell)> {
    let mut cells = vec![(Feature::Probe, word(subject.provider.check().await).into())];
    cells.extend(text(subject).await);
    cells.extend(tools(subject).await);
    cells.push((Feature::Schema, schema(subject).await));
    subject.without_missing(cells)
}

impl Subject {
    /// What was seen, but for what its server does not have.
    pub(super) fn without_missing(&self, cells: Vec<(Feature, Cell)>) -> Vec<(Feature, Cell)> {
        let missing = |feature: Feature| self.missing.iter().find(|(missing, _)| *missing == feature);
        let cells = cells.into_iter().map(|(feature, cell)| match missing(feature) {
            Some((_, why)) => (feature, Cell::Missing(why)),
            None => (feature, cell),
        });
        cells.collect()
    }
}

/// Asks for a text, as it comes and with its counts.
async fn text(subject: &Subject) -> Vec<(Feature, Cell)> {
    let mut pieces = Pieces::default();
    let answer = match chat(&subject.provider, &[system(), user(HELLO)], &mut pieces, |_| {}).await {
        Ok(answer) => answer,
        Err(error) => return vec![(Feature::Text, Cell::Failed(error.to_string()))],
    };
    let said = &answer.reply.message.text;
    let whole = !said.is_empty() && pieces.0.concat() == *said && answer.reply.finish == FinishReason::Stop;
    let counted = answer.usage.input > 0 && answer.usage.output > 0;
    let cost = match (subject.cost, answer.cost) {
        (CostReport::Free, Cost::Reported(_) | Cost::Estimated(_)) if answer.cost == Cost::FREE => Ok("free"),
        (CostReport::UsageCost | CostReport::UsageTicks, Cost::Reported(_)) => Ok("told"),
        (_, Cost::Unknown) if subject.cost != CostReport::Free => Ok("unknown"),
        _ => Err(format!("{:?}", answer.cost)),
    };
    vec![
        (Feature::Text, so(whole, &answer)),
        (Feature::Stream, so(pieces.0.len() > 1, &pieces.0)),
        (Feature::Usage, so(counted, &answer.usage)),
        (Feature::Cost, cost.map(str::to_owned).into()),
    ]
}

/// Asks for a call of a tool, and gives its result back.
async fn tools(subject: &Subject) -> Vec<(Feature, Cell)> {
    if !subject.provider.capabilities(None).tools {
        return [Feature::Tools, Feature::Results].map(|feature| (feature, Cell::Missing("it takes no tools"))).into();
    }
    let (called, messages) = match called(&subject.provider).await {
        Ok(called) => called,
        Err(error) => return vec![(Feature::Tools, Cell::Failed(error.to_string()))],
    };
    let reply = &called.reply;
    let is_right = match &reply.message.tool_calls[..] {
        [call] => {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
            call.name == TOOL && !call.id.is_empty() && arguments["query"].is_string()
        }
        _ => false,
    };
    let is_right = is_right && reply.finish == FinishReason::ToolCalls;
    vec![
        (Feature::Tools, so(is_right, reply)),
        (Feature::Results, results(&subject.provider, messages, &reply.message).await.into()),
    ]
}

/// An answer to a question that needs the tool, and the question.
pub(super) async fn called(provider: &dyn Provider) -> Result<(ChatAnswer, Vec<Message>), ProviderError> {
    let messages = vec![system(), user(SEARCH)];
    let tools = offered();
    let answer = chat(provider, &messages, &mut Pieces::default(), |request| request.tools = &tools).await?;
    Ok((answer, messages))
}

/// Gives a call's result back: the conversation goes on with a text.
pub(super) async fn results(
    provider: &dyn Provider,
    mut messages: Vec<Message>,
    said: &AssistantMessage,
) -> Result<String, String> {
    messages.push(Message::Assistant(said.clone()));
    messages.extend(said.tool_calls.iter().map(|call| {
        Message::Tool(ToolResult {
            call_id: call.id.clone(),
            name: call.name.clone(),
            content: "Two hours before high water.".to_owned(),
            is_error: false,
        })
    }));
    let tools = offered();
    let answer = chat(provider, &messages, &mut Pieces::default(), |request| request.tools = &tools).await;
    match answer {
        Ok(answer) if !answer.reply.message.text.is_empty() => Ok("ok".to_owned()),
        Ok(answer) => Err(format!("no text: {answer:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Asks for an answer that fits a schema, if this service is sent one.
async fn schema(subject: &Subject) -> Cell {
    if !subject.provider.capabilities(None).output_schema {
        return Cell::Missing("it is sent none; the model is told in words");
    }
    let wanted = parts();
    let messages = [system(), user(LIST)];
    let mut pieces = Pieces::default();
    let answer = chat(&subject.provider, &messages, &mut pieces, |request| request.output_schema = Some(&wanted)).await;
    match answer {
        Ok(answer) => {
            let value: Value = serde_json::from_str(&answer.reply.message.text).unwrap_or_default();
            so(value["parts"].is_array(), &answer.reply)
        }
        Err(error) => Cell::Failed(error.to_string()),
    }
}

/// Asks for a text of a server that says what is left of its limits.
pub(super) async fn left(provider: &dyn Provider) -> Cell {
    match chat(provider, &[system(), user(HELLO)], &mut Pieces::default(), |_| {}).await {
        Ok(answer) => so(answer.limits.requests.is_some() && answer.limits.tokens.is_some(), &answer.limits),
        Err(error) => Cell::Failed(error.to_string()),
    }
}

/// Asks with a prompt of so many tokens or more, which do not fit.
pub(super) async fn too_long(provider: &dyn Provider, tokens: usize) -> Cell {
    // Nobody makes a token of more than these.
    let prompt = "unreasonably long ".repeat(tokens);
    match chat(provider, &[user(&prompt)], &mut Pieces::default(), |_| {}).await {
        Err(error) => so(error.class() == FailureClass::ContextLength, &error),
        Ok(answer) => Cell::Failed(format!("an answer: {:?}", answer.reply)),
    }
}

/// Asks a question.
pub(super) async fn chat<'a>(
    provider: &dyn Provider,
    messages: &'a [Message],
    sink: &mut Pieces,
    change: impl FnOnce(&mut ChatRequest<'a>),
) -> Result<ChatAnswer, ProviderError> {
    let mut asked = request(messages, &INPUT);
    change(&mut asked);
    Box::pin(provider.chat(asked, sink)).await
}

pub(super) fn system() -> Message {
    Message::System("Be brief.".to_owned())
}

pub(super) fn user(text: &str) -> Message {
    Message::User(text.to_owned())
}

/// The tools that are offered.
pub(super) fn offered() -> Vec<ToolSpec> {
    let name = ToolName::new(TOOL).ok();
    let query = json!({"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]});
    name.map(|name| ToolSpec { name, description: "Finds passages.".to_owned(), parameters: query })
        .into_iter()
        .collect()
}

/// The schema of an answer: one every service can hold a model to.
pub(super) fn parts() -> Value {
    let parts = json!({"type": "array", "items": {"type": "string"}});
    json!({"type": "object", "properties": {"parts": parts}, "required": ["parts"], "additionalProperties": false})
}

fn so(is_so: bool, seen: &impl std::fmt::Debug) -> Cell {
    if is_so { Cell::Passed("ok".to_owned()) } else { Cell::Failed(format!("{seen:?}")) }
}

fn word(outcome: Result<(), ProviderError>) -> Result<String, String> {
    outcome.map(|()| "ok".to_owned()).map_err(|error| error.to_string())
}
