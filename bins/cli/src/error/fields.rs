//! Fields of a request that break rules, under the names a person knows them by. Owns those names.

use mcp_orchestrator_domain::FieldError;

/// A field's error under the name the person typed.
pub(super) fn flagged(error: &FieldError) -> String {
    joined(&flag_of(error.field), &error.detail)
}

/// A field's error under the name the file has for it.
pub(super) fn of_field(error: &FieldError) -> String {
    joined(error.field, &error.detail)
}

/// The flag, or what else on the command line, a field is from.
pub(crate) fn flag_of(field: &str) -> String {
    match field {
        "task" => "the task".to_owned(),
        "num_agents" => "--agents".to_owned(),
        "provider_name" => "--provider".to_owned(),
        "agent_model" => "--worker-model".to_owned(),
        "document_formats" => "--format".to_owned(),
        "workflow_timeout_seconds" => "--timeout".to_owned(),
        "timeout_seconds" => "--agent-timeout".to_owned(),
        "images" => "--image".to_owned(),
        "synthesis_group_size" => "--group-size".to_owned(),
        "allowed_agent_types" => "--types".to_owned(),
        "search_depth" => "--depth".to_owned(),
        "citation_gate" => "setting `gate.mode`".to_owned(),
        "step" => "the step".to_owned(),
        "answer" => "the answer".to_owned(),
        other => format!("--{}", other.replace('_', "-")),
    }
}

/// A field's error as that of a setting that was to change.
pub(super) fn changed(error: &FieldError) -> String {
    joined(&change_of(error.field), &error.detail)
}

/// What on the command line of a fork a field is from.
pub(crate) fn change_of(field: &str) -> String {
    match field {
        "at" => "--at".to_owned(),
        "idempotency_key" => "--idempotency-key".to_owned(),
        setting => format!("--set {setting}"),
    }
}

/// A name and what is wrong with it.
pub(crate) fn joined(name: &str, detail: &str) -> String {
    // A rule's text either goes on after the name ("is 0, expected 1 to 20") or is a sentence of its own.
    let goes_on = ["is ", "are ", "has ", "have ", "was ", "entry ", "form ", "makes ", "name ", "names ", "cannot "]
        .iter()
        .any(|verb| detail.starts_with(verb));
    format!("{name}{} {detail}", if goes_on { "" } else { ":" })
}
