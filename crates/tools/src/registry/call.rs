//! One call of a tool. Owns parsing and checking arguments, the time limit and the guard against panics.

use mcp_orchestrator_domain::{CorpusName, Principal};
use serde_json::{Map, Value};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::Registry;
use crate::{ToolAnswer, ToolError, ToolInvocation};

/// Bytes of arguments, as text.
const ARGUMENT_BYTES_MAX: usize = 256 << 10;
/// What is told of what is wrong with an argument.
const DETAIL_CHARS_MAX: usize = 300;

/// The arguments of a call.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "arguments come as text or parsed")]
pub enum Arguments<'a> {
    /// JSON text as a model wrote it; may be invalid. Empty text is an empty object.
    Text(&'a str),
    /// JSON that was parsed already.
    Value(Value),
}

/// In whose name a call is made.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct CallContext<'a> {
    /// The same for every attempt of the same call.
    pub idempotency_key: &'a str,
    /// Whose workflow calls.
    pub principal: &'a Principal,
    /// The corpora this workflow may search; empty: all.
    pub corpora: &'a [CorpusName],
}

impl Registry {
    /// Calls a tool: parses the arguments, checks them against its schema, and holds it to its time limit and to the
    /// registry's bounds. Must run on a tokio runtime with time enabled.
    ///
    /// Dropping the future cancels the call: the tool's own future is dropped at its next await. What the tool runs on
    /// a blocking thread ends by itself.
    ///
    /// # Errors
    /// [`ToolError`]: `Unknown` name, `Arguments` that do not fit (naming the JSON pointer), `TimedOut`, `Panicked`, or
    /// the tool's own. None of them harms the registry or another call.
    pub async fn call(
        &self,
        name: &str,
        arguments: Arguments<'_>,
        context: CallContext<'_>,
    ) -> Result<ToolAnswer, ToolError> {
        let registered = self.registered(name).ok_or_else(|| ToolError::Unknown(brief(name)))?;
        let arguments = parse(arguments)?;
        registered.schema.check(&arguments)?;
        let time_limit = registered.tool.description().time_limit;
        let (key, principal) = (context.idempotency_key.to_owned(), context.principal.clone());
        let corpora = context.corpora.to_vec();
        // A task of its own keeps a panic away from the caller; the set aborts it when this future is dropped.
        let mut task = JoinSet::new();
        let call = async move {
            let call = ToolInvocation {
                arguments: &arguments,
                idempotency_key: &key,
                principal: &principal,
                corpora: &corpora,
            };
            registered.tool.call(call).await
        };
        task.spawn(call.in_current_span());
        let answer = match tokio::time::timeout(time_limit, task.join_next()).await {
            Err(_elapsed) => return Err(ToolError::TimedOut(time_limit)),
            Ok(Some(Ok(answer))) => answer.map_err(|error| self.bounds.hold_error(error))?,
            Ok(Some(Err(failed))) if failed.is_panic() => return Err(ToolError::Panicked),
            Ok(Some(Err(_)) | None) => return Err(ToolError::failed("the runtime is shutting down")),
        };
        self.bounds.hold(answer)
    }
}

fn parse(arguments: Arguments<'_>) -> Result<Value, ToolError> {
    let whole = |detail: String| ToolError::Arguments { argument: String::new(), detail };
    match arguments {
        Arguments::Value(value) => Ok(value),
        Arguments::Text(text) if text.trim().is_empty() => Ok(Value::Object(Map::new())),
        Arguments::Text(text) if text.len() > ARGUMENT_BYTES_MAX => {
            Err(whole(format!("{} bytes, at most {ARGUMENT_BYTES_MAX} are taken", text.len())))
        }
        Arguments::Text(text) => serde_json::from_str(text).map_err(|error| whole(format!("no valid JSON: {error}"))),
    }
}

/// As much of a text from outside as an error shows.
pub(super) fn brief(text: &str) -> String {
    mcp_orchestrator_domain::clean_line(text, DETAIL_CHARS_MAX)
}
