//! One call of a tool of the server. Owns which tool does what; what is said about each is in the list.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{TOOLS, ToolKind, ToolSpec};
use crate::{
    Api, ApiError, Caller, Code, FieldProblem, StartCall,
    arguments::{
        AnswerArguments, CallArguments, CancelArguments, ListArguments, NoArguments, OneArguments, ResultsArguments,
        ToolsArguments, WaitArguments,
    },
    error::pointer,
    start::WAIT_SECONDS_MAX,
};

/// How long a wait is when nobody says.
const WAIT_DEFAULT: Duration = Duration::from_secs(45);

/// What a tool answered: one of the views, as JSON.
pub type Called = Map<String, Value>;

/// The answer of `cancel_orchestration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct CancelAnswer {
    /// The workflow.
    pub task_id: String,
    /// Whether this call cancelled it; false when it had ended.
    pub cancelled: bool,
    /// Its status now.
    pub status: String,
}

/// The answer of `execute_registered_tool`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct ToolCallAnswer {
    /// The tool.
    pub tool_name: String,
    /// What it answered, for reading.
    pub result: String,
    /// The passages it found, best first.
    pub evidence: Vec<PassageView>,
}

/// A passage a tool found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct PassageView {
    /// What it is cited by.
    pub id: String,
    /// What a reader calls its source.
    pub title: String,
    /// Where it is.
    pub uri: String,
    /// The passage, word for word.
    pub quote: String,
}

impl Api {
    /// The tools of the server, always in the same order.
    #[must_use]
    pub fn tools(&self) -> &'static [ToolSpec] {
        &TOOLS
    }

    /// Calls a tool of the server. A starting tool answers as soon as the workflow is stored; a wait lasts as long as its
    /// arguments say.
    ///
    /// Dropping the future ends the wait for the answer, never a workflow.
    ///
    /// # Errors
    /// [`Code::NotFound`] when there is no such tool; [`ApiError`] naming every argument that does not fit; the errors of
    /// what it does.
    pub async fn call_tool(
        &self,
        caller: &Caller,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<Called, ApiError> {
        let Some(tool) = TOOLS.iter().find(|tool| tool.name == name) else {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
            let known: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();
            return Err(ApiError::new(
                Code::NotFound,
                format!("no tool is named {shown}; there are {}", known.join(", ")),
            ));
        };
        if let ToolKind::Start(kind) = tool.kind {
            return json(&self.start(caller, kind, StartCall::parse(kind, arguments)?).await?);
        }
        match name {
            "get_orchestration_status" => {
                let asked: OneArguments = read(arguments)?;
                json(&self.status(caller, &asked.task_id).await?)
            }
            "wait_for_orchestration" => {
                let asked: WaitArguments = read(arguments)?;
                let at_most = wait(asked.wait_seconds)?;
                json(&self.wait(caller, &asked.task_id, at_most).await?)
            }
            "get_orchestration_results" => {
                let asked: ResultsArguments = read(arguments)?;
                let mut results = match asked.at {
                    Some(at) => self.results_at(caller, &asked.task_id, at).await?,
                    None => self.results(caller, &asked.task_id).await?,
                };
                if !asked.include_agents.unwrap_or_default() {
                    results.agent_results.iter_mut().for_each(|agent| agent.content = None);
                    results.costs = None;
                }
                json(&results)
            }
            "cancel_orchestration" => {
                let asked: CancelArguments = read(arguments)?;
                let cancelled = self.cancel(caller, &asked.task_id, asked.reason.as_deref()).await?;
                let status = self.workflow(caller, &asked.task_id).await?.status;
                json(&CancelAnswer { task_id: asked.task_id, cancelled, status })
            }
            "answer_orchestration" => {
                let asked: AnswerArguments = read(arguments)?;
                json(&self.answer(caller, &asked.task_id, asked.step.as_deref(), &asked.answer).await?)
            }
            "list_orchestrations" => {
                let asked: ListArguments = read(arguments)?;
                json(&self.list(caller, &asked).await?)
            }
            "list_orchestrator_patterns" => {
                let NoArguments {} = read(arguments)?;
                json(&self.patterns())
            }
            "list_registered_tools" => {
                let asked: ToolsArguments = read(arguments)?;
                json(&self.registered_tools(asked.category.as_deref(), &asked.tags.unwrap_or_default()))
            }
            _ => {
                let asked: CallArguments = read(arguments)?;
                json(&self.registered(caller, asked).await?)
            }
        }
    }

    /// Calls a registered tool.
    async fn registered(&self, caller: &Caller, asked: CallArguments) -> Result<ToolCallAnswer, ApiError> {
        use mcp_orchestrator::ToolError;
        let CallArguments { tool_name, tool_arguments } = asked;
        match self.handle(caller).call_tool(&tool_name, Value::Object(tool_arguments)).await {
            Ok(answer) => Ok(ToolCallAnswer {
                tool_name,
                result: answer.content,
                evidence: answer
                    .spans
                    .iter()
                    .map(|span| PassageView {
                        id: span.id.to_string(),
                        title: span.source.title.clone(),
                        uri: span.source.uri.clone(),
                        quote: span.quote.to_string(),
                    })
                    .collect(),
            }),
            Err(ToolError::Unknown(name)) => {
                let tools = self.registered_tools(None, &[]).tools;
                let known: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(ApiError::field("tool_name", format!("no tool is named {name}; there are {known}")))
            }
            Err(ToolError::Arguments { argument, detail }) => {
                Err(ApiError::fields(vec![FieldProblem { pointer: format!("/tool_arguments{argument}"), detail }]))
            }
            Err(error) => Err(ApiError::new(Code::ToolFailed, format!("{tool_name}: {error}"))),
        }
    }
}

fn wait(seconds: Option<u64>) -> Result<Duration, ApiError> {
    match seconds {
        None => Ok(WAIT_DEFAULT),
        Some(seconds) if seconds <= WAIT_SECONDS_MAX => Ok(Duration::from_secs(seconds)),
        Some(seconds) => {
            Err(ApiError::field("wait_seconds", format!("is {seconds}, expected 0 to {WAIT_SECONDS_MAX}")))
        }
    }
}

/// Reads arguments; what does not fit is named by its pointer.
fn read<T: DeserializeOwned>(mut arguments: Map<String, Value>) -> Result<T, ApiError> {
    arguments.retain(|_, value| !value.is_null());
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let at = error.path().to_string();
        let message = error.into_inner().to_string();
        let named = message.split('`').nth(1).filter(|_| at == "." || message.starts_with("unknown field"));
        let field = named.unwrap_or(if at == "." { "" } else { &at });
        let pointer = if field.is_empty() { String::new() } else { pointer(field) };
        ApiError::fields(vec![FieldProblem { pointer, detail: message }])
    })
}

fn json(view: &impl Serialize) -> Result<Called, ApiError> {
    match serde_json::to_value(view) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiError::new(Code::Internal, "a view is no object")),
        Err(error) => Err(ApiError::new(Code::Internal, error.to_string())),
    }
}
