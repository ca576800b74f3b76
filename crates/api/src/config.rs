//! The settings in force of a workflow under the names clients send them by.

use mcp_orchestrator::domain::{Money, Request};
use serde_json::{Map, Value, json};

/// Every setting of a request, defaults filled in.
pub(crate) fn config(request: &Request) -> Map<String, Value> {
    let seconds = |ms: u64| Value::from(std::time::Duration::from_millis(ms).as_secs_f64());
    let formats: Vec<String> = request.formats.iter().map(ToString::to_string).collect();
    let mut config = Map::new();
    let mut set = |name: &str, value: Value| {
        config.insert(name.to_owned(), value);
    };
    set("pattern", json!(request.pattern));
    set("task", json!(request.task));
    set("title", json!(request.title));
    set("num_agents", json!(request.agents));
    set("provider_name", json!(request.provider));
    set("model", json!(request.models.primary));
    set("agent_model", json!(request.models.worker));
    set("synthesis_model", json!(request.models.synthesis));
    set("context", json!(request.context));
    set("corpus", json!(request.corpora));
    set("generate_documents", json!(!formats.is_empty()));
    set("document_formats", json!(formats));
    set("priority", json!(request.priority));
    set("budget_usd", json!(request.budget.cost_max.map(Money::usd)));
    set("budget_tokens", json!(request.budget.tokens_max));
    set("max_calls", json!(request.budget.calls_max));
    set("timeout_seconds", seconds(request.timeouts.agent_ms));
    set("workflow_timeout_seconds", seconds(request.timeouts.workflow_ms));
    set("max_concurrent_agents", json!(request.concurrency_max));
    set("max_retries", json!(request.retries_max));
    set("citation_gate", json!(request.gate));
    match request.pattern.as_str() {
        "beltalowda" => {
            set("enable_drummer", json!(request.beltalowda.drummer));
            set("enable_camina", json!(request.beltalowda.camina));
            set("synthesis_group_size", json!(request.beltalowda.group_size));
        }
        "swarm" => {
            set("allowed_agent_types", json!(request.swarm.agent_types));
            set("search_depth", json!(request.swarm.depth));
        }
        _ => {}
    }
    config
}
