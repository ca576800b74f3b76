//! Functions as tools. Owns the wrapping; what a function does is its owner's.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use async_trait::async_trait;
use mcp_orchestrator_domain::{InvalidName, ToolName, ToolSpec};
use serde_json::{Value, json};

use crate::{Tool, ToolAnswer, ToolDescription, ToolError, ToolInvocation};

/// A function of your own as a tool: for steps that call it, and for agents that are given it by name.
///
/// ```
/// use mcp_orchestrator_tools::{Callable, Tool as _, ToolError};
/// use serde_json::json;
///
/// let words = Callable::new("count_words", "Counts the words of a text.", async |arguments| {
///     let text = arguments["text"].as_str().ok_or_else(|| ToolError::failed("there is no text"))?;
///     Ok(json!({ "words": text.split_whitespace().count() }).to_string())
/// })?
/// .repeatable();
/// assert_eq!(words.description().spec.name.as_str(), "count_words");
/// # Ok::<(), mcp_orchestrator_domain::InvalidName>(())
/// ```
pub struct Callable {
    description: ToolDescription,
    function: Box<Function>,
}

type Answer = Pin<Box<dyn Future<Output = Result<String, ToolError>> + Send>>;
type Function = dyn Fn(Value) -> Answer + Send + Sync;

/// How long a function may take, unless told otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(60);

impl Callable {
    /// A function that takes its arguments as a JSON object and answers with a text; JSON where a later step takes values
    /// out of it. It may take 60 seconds and any arguments, and a call that was cut off is not made again.
    ///
    /// Dropping the call drops the function's future at its next await.
    ///
    /// # Errors
    /// [`InvalidName`] when the name is no tool's.
    pub fn new<F, A>(name: &str, description: impl Into<String>, function: F) -> Result<Self, InvalidName>
    where
        F: Fn(Value) -> A + Send + Sync + 'static,
        A: Future<Output = Result<String, ToolError>> + Send + 'static,
    {
        let spec = ToolSpec {
            name: ToolName::new(name)?,
            description: description.into(),
            parameters: json!({ "type": "object" }),
        };
        let description = ToolDescription {
            spec,
            category: "function".to_owned(),
            tags: Vec::new(),
            time_limit: TIME_LIMIT,
            repeatable: false,
            is_source: false,
        };
        Ok(Self { description, function: Box::new(move |arguments| Box::pin(function(arguments))) })
    }

    /// Has its arguments checked against a JSON Schema, which must be an object's, before it is called.
    #[must_use]
    pub fn with_parameters(mut self, schema: Value) -> Self {
        self.description.spec.parameters = schema;
        self
    }

    /// Sets how long a call may take.
    #[must_use]
    pub const fn with_time_limit(mut self, time_limit: Duration) -> Self {
        self.description.time_limit = time_limit;
        self
    }

    /// Says that a call that was cut off may be made again without harm.
    #[must_use]
    pub const fn repeatable(mut self) -> Self {
        self.description.repeatable = true;
        self
    }
}

#[async_trait]
impl Tool for Callable {
    fn description(&self) -> &ToolDescription {
        &self.description
    }

    async fn call(&self, call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
        let content = (self.function)(call.arguments.clone()).await?;
        Ok(ToolAnswer { content, ..ToolAnswer::default() })
    }
}

impl fmt::Debug for Callable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Callable").field(&self.description.spec.name).finish()
    }
}
