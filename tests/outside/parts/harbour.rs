//! A tool: looks a port's tides up and proves what it says.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{
    Tool, async_trait,
    domain::{Source, ToolName, ToolSpec},
    tool::{Snapshot, ToolAnswer, ToolDescription, ToolError, ToolInvocation},
};
use serde_json::json;

type Twist = fn(&str) -> Result<ToolAnswer, ToolError>;

/// The tool; a port named after a fault shows it.
pub(crate) struct Harbour {
    description: ToolDescription,
    twist: Option<Twist>,
}

impl Harbour {
    pub(crate) fn new(name: &str) -> Self {
        let parameters = json!({
            "type": "object", "properties": { "port": { "type": "string" } },
            "required": ["port"], "additionalProperties": false,
        });
        let spec = ToolSpec { name: ToolName::new(name).unwrap(), description: "Tides of a port.".into(), parameters };
        let description = ToolDescription {
            spec,
            category: "harbour".to_owned(),
            tags: vec!["tides".to_owned()],
            time_limit: Duration::from_millis(200),
            repeatable: true,
            is_source: true,
        };
        Self { description, twist: None }
    }

    /// The same, doing something else.
    pub(crate) fn twisted(name: &str, twist: Twist) -> Self {
        Self { twist: Some(twist), ..Self::new(name) }
    }
}

#[async_trait]
impl Tool for Harbour {
    fn description(&self) -> &ToolDescription {
        &self.description
    }

    async fn call(&self, call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
        let port = call.arguments["port"].as_str().unwrap_or_default();
        if let Some(twist) = self.twist {
            return match port {
                "hangs" => std::future::pending().await,
                _ => twist(port),
            };
        }
        let page = Snapshot::of(format!("Tide table.\nHigh water in {port} is at noon.\n"));
        let source = Arc::new(Source { uri: format!("almanac:{port}"), title: "Almanac".to_owned() });
        let begins = page.text.find('\n').map_or(0, |end| end + 1);
        let spans = page.quote(begins..page.text.len(), &source).into_iter().collect();
        Ok(ToolAnswer { content: "One entry.".to_owned(), spans, snapshots: vec![page], ..ToolAnswer::default() })
    }
}
