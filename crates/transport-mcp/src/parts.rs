//! What all connections of one server share: what it says of itself, what it lists, the key of its states. Nothing here
//! depends on who is connected.

use std::sync::Arc;

use mcp_orchestrator_api::{Api, PROMPTS, ToolKind, ToolSpec};
use rmcp::model::{
    CacheScope, Implementation, JsonObject, MetaObject, Prompt, PromptArgument, RequestStateCodec, ResourceTemplate,
    ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{Extra, McpSettings, broken::Broken};

/// How long what never changes while the server runs may be kept.
pub(crate) const LASTING_MS: u64 = 300_000;
/// How long a resource that is final may be kept.
pub(crate) const FINAL_MS: u64 = 3_600_000;
/// Resources followed for all connections together.
const FOLLOWED_MAX: usize = 4_096;
/// How much of a report Claude Code hands to its model at once, in characters.
const RESULT_CHARS_MAX: u64 = 400_000;

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
const VERSION: &str = "mcp-orchestrator/version";

const INSTRUCTIONS: &str = "Runs research and other workflows with several agents and proves every citation. Start with \
orchestrate_research (a question), orchestrate_search (something to look for) or orchestrate_custom (written steps). A \
workflow goes on by itself whatever happens to the call that started it: a call that answers with a task_id before the \
end is followed by wait_for_orchestration, never by another start. When its status is waiting it asks something: \
answer_orchestration. A long report is read in pages as the resource orchestrator://{task_id}/report.";

/// The shared parts.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) api: Api,
    pub(crate) settings: McpSettings,
    pub(crate) extras: Vec<Arc<dyn Extra>>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) codec: RequestStateCodec,
    pub(crate) followed: Arc<Semaphore>,
    pub(crate) broken: Arc<Broken>,
    info: ServerConfig,
    stamp: MetaObject,
}

impl Parts {
    pub(crate) fn new(api: Api, settings: McpSettings, key: [u8; 32]) -> Self {
        let implementation = Implementation::new("mcp-orchestrator", env!("CARGO_PKG_VERSION"))
            .with_title("mcp-orchestrator")
            .with_description("Multi-agent workflows with proved citations, durable state and real cancellation");
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_completions()
            .enable_tasks()
            .build();
        let mut stamp = MetaObject::new();
        stamp.0.insert(SERVER_INFO.to_owned(), serde_json::to_value(&implementation).unwrap_or_default());
        let info = ServerConfig::new(capabilities).with_server_info(implementation).with_instructions(INSTRUCTIONS);
        Self {
            tools: api.tools().iter().map(tool).collect(),
            prompts: PROMPTS.iter().map(prompt).collect(),
            extras: Vec::new(),
            codec: RequestStateCodec::new_unchecked(key),
            followed: Arc::new(Semaphore::new(FOLLOWED_MAX)),
            broken: Arc::default(),
            api,
            settings,
            info,
            stamp,
        }
    }

    /// Adds an embedder's items after those there are. Names that are taken stay whose they are.
    pub(crate) fn add(&mut self, extra: Arc<dyn Extra>) {
        extra.capabilities(&mut self.info.capabilities);
        let new = extra.tools().into_iter().filter(|new| self.tools.iter().all(|known| known.name != new.name));
        let new: Vec<Tool> = new.collect();
        self.tools.extend(new);
        let new = extra.prompts().into_iter().filter(|new| self.prompts.iter().all(|known| known.name != new.name));
        let new: Vec<Prompt> = new.collect();
        self.prompts.extend(new);
        self.extras.push(extra);
    }

    /// What the server says of itself.
    pub(crate) fn info(&self) -> ServerConfig {
        self.info.clone()
    }

    /// The metadata every result of the newer protocol version carries.
    pub(crate) fn stamp(&self) -> MetaObject {
        self.stamp.clone()
    }

    /// The orchestrator's tool of a name.
    pub(crate) fn own_tool(&self, name: &str) -> Option<&'static ToolSpec> {
        self.api.tools().iter().find(|tool| tool.name == name)
    }

    /// The extra that has a tool of a name.
    pub(crate) fn extra_of(&self, name: &str) -> Option<&Arc<dyn Extra>> {
        self.extras.iter().find(|extra| extra.tools().iter().any(|tool| tool.name == name))
    }

    /// The kinds of resources there are.
    pub(crate) fn resource_templates(&self) -> Vec<ResourceTemplate> {
        let own = self.api.resource_templates().iter().map(|template| {
            ResourceTemplate::new(template.uri_template, template.name)
                .with_description(template.description)
                .with_mime_type(template.mime_type)
        });
        own.chain(self.extras.iter().flat_map(|extra| extra.resource_templates())).collect()
    }
}

/// Sets how long a result may be kept and by whom, in the versions that know it, and stamps it.
macro_rules! cacheable {
    ($call:expr, $result:expr, $ttl_ms:expr, $scope:expr) => {{
        let mut result = $result;
        if $call.client.modern {
            result.ttl_ms = Some($ttl_ms);
            result.cache_scope = Some($scope);
        }
        $call.stamp(&mut result.meta);
        result
    }};
}
pub(crate) use cacheable;

/// Lists that are the same for everybody.
pub(crate) const EVERYBODY: CacheScope = CacheScope::Public;
/// What only its reader may keep.
pub(crate) const READER: CacheScope = CacheScope::Private;

fn tool(spec: &ToolSpec) -> Tool {
    let annotations = match spec.kind {
        ToolKind::Start(_) => {
            ToolAnnotations::new().read_only(false).destructive(false).idempotent(false).open_world(true)
        }
        ToolKind::Read | ToolKind::Wait => {
            ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false)
        }
        ToolKind::Cancel => {
            ToolAnnotations::new().read_only(false).destructive(true).idempotent(true).open_world(false)
        }
        ToolKind::Give => {
            ToolAnnotations::new().read_only(false).destructive(false).idempotent(false).open_world(false)
        }
        ToolKind::Call => ToolAnnotations::new().read_only(false).destructive(true).idempotent(false).open_world(true),
    };
    let mut meta = JsonObject::new();
    meta.insert(VERSION.to_owned(), json!(spec.version));
    if spec.name == "get_orchestration_results" {
        meta.insert("anthropic/maxResultSizeChars".to_owned(), json!(RESULT_CHARS_MAX));
    }
    Tool::new(spec.name, spec.description, object(&spec.input_schema))
        .with_title(spec.title)
        .with_raw_output_schema(Arc::new(object(&spec.output_schema)))
        .with_annotations(annotations)
        .with_meta(MetaObject(meta))
}

/// A schema whose type is an object, which the protocol wants said.
fn object(schema: &JsonObject) -> JsonObject {
    let mut schema = schema.clone();
    schema.entry("type").or_insert_with(|| Value::from("object"));
    schema
}

fn prompt(spec: &mcp_orchestrator_api::PromptSpec) -> Prompt {
    let arguments = spec.arguments.iter().map(|(name, description, required)| {
        PromptArgument::new(*name).with_description(*description).with_required(*required)
    });
    Prompt::new(spec.name, Some(spec.description), Some(arguments.collect())).with_title(spec.title)
}
