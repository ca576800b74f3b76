//! Resources, prompts and completions: the orchestrator's, then the embedder's.

use std::collections::BTreeMap;

use mcp_orchestrator_api::{ApiError, Code, arguments::ListArguments};
use rmcp::{
    ErrorData,
    model::{
        CompleteRequestParams, CompleteResult, CompletionInfo, GetPromptRequestParams, GetPromptResponse,
        GetPromptResult, ListResourcesResult, PromptMessage, ReadResourceRequestParams, ReadResourceResponse,
        ReadResourceResult, Resource, ResourceContents, Role,
    },
};
use serde_json::{Value, json};

use crate::{
    answers,
    call::Call,
    parts::{EVERYBODY, FINAL_MS, LASTING_MS, READER, cacheable},
};

/// Workflows looked through for completions of an id: the newest.
const COMPLETED_FROM: u64 = 200;

/// The resources of the caller: patterns, then workflows newest first, then the embedder's.
pub(crate) async fn list(call: &Call<'_>) -> Result<ListResourcesResult, ErrorData> {
    let listed = call.parts.api.resources(&call.caller).await.map_err(|error| answers::protocol(&error))?;
    let own = listed.resources.into_iter().map(|resource| {
        Resource::new(resource.uri, resource.name)
            .with_description(resource.description)
            .with_mime_type(resource.mime_type)
    });
    let all = own.chain(call.parts.extras.iter().flat_map(|extra| extra.resources())).collect();
    Ok(cacheable!(call, ListResourcesResult::with_all_items(all), 0, READER))
}

/// Reads a resource.
pub(crate) async fn read(call: &Call<'_>, read: &ReadResourceRequestParams) -> Result<ReadResourceResponse, ErrorData> {
    match call.parts.api.read_resource(&call.caller, &read.uri).await {
        Ok(resource) => {
            let contents = ResourceContents::text(resource.text, resource.uri).with_mime_type(resource.mime_type);
            let result = ReadResourceResult::new(vec![contents]);
            let result = if read.uri.ends_with("/info") {
                cacheable!(call, result, LASTING_MS, EVERYBODY)
            } else if resource.is_final {
                cacheable!(call, result, FINAL_MS, READER)
            } else {
                cacheable!(call, result, 0, READER)
            };
            Ok(result.into())
        }
        Err(error) => {
            for extra in &call.parts.extras {
                if let Some(answer) = extra.read_resource(read, call.context).await {
                    return answer.map(|answer| stamped(call, answer));
                }
            }
            Err(unreadable(&error, &read.uri))
        }
    }
}

fn stamped(call: &Call<'_>, answer: ReadResourceResponse) -> ReadResourceResponse {
    match answer {
        ReadResourceResponse::Complete(mut result) => {
            call.stamp(&mut result.meta);
            ReadResourceResponse::Complete(result)
        }
        other => other,
    }
}

fn unreadable(error: &ApiError, uri: &str) -> ErrorData {
    match error.code {
        Code::NotFound => ErrorData::resource_not_found(error.detail.clone(), Some(json!({ "uri": uri }))),
        _ => answers::protocol(error),
    }
}

/// Renders a prompt.
pub(crate) async fn prompt(call: &Call<'_>, get: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    if let Some(spec) = mcp_orchestrator_api::PROMPTS.iter().find(|prompt| prompt.name == get.name) {
        let mut arguments = BTreeMap::new();
        for (name, value) in get.arguments.iter().flatten() {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            arguments.insert(name.clone(), text);
        }
        let text = mcp_orchestrator_api::prompt(&get.name, &arguments).map_err(|error| answers::protocol(&error))?;
        let mut result = GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]);
        result.description = Some(spec.description.to_owned());
        call.stamp(&mut result.meta);
        return Ok(result.into());
    }
    for extra in &call.parts.extras {
        match extra.prompt(get, call.context).await {
            Some(Ok(GetPromptResponse::Complete(mut result))) => {
                call.stamp(&mut result.meta);
                return Ok(result.into());
            }
            Some(other) => return other,
            None => {}
        }
    }
    Err(ErrorData::invalid_params(format!("unknown prompt: {}", get.name), None))
}

/// Completes ids of workflows and names of patterns.
pub(crate) async fn complete(call: &Call<'_>, asked: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    for extra in &call.parts.extras {
        if let Some(answer) = extra.complete(asked, call.context).await {
            return answer.map(|mut result| {
                call.stamp(&mut result.meta);
                result
            });
        }
    }
    let known: Vec<String> = match asked.argument.name.as_str() {
        "task_id" => {
            let newest = ListArguments { limit: Some(COMPLETED_FROM), ..ListArguments::default() };
            let page = call.parts.api.list(&call.caller, &newest).await.map_err(|error| answers::protocol(&error))?;
            page.workflows.into_iter().map(|workflow| workflow.task_id).collect()
        }
        "pattern" => call.parts.api.patterns().patterns.into_iter().map(|pattern| pattern.name).collect(),
        _ => Vec::new(),
    };
    let begun = asked.argument.value.as_str();
    let fitting: Vec<String> = known.into_iter().filter(|value| value.starts_with(begun)).collect();
    let (all, max) = (fitting.len(), CompletionInfo::MAX_VALUES);
    let shown = fitting.into_iter().take(max).collect();
    let completion = CompletionInfo::with_pagination(shown, u32::try_from(all).ok(), all > max)
        .map_err(|error| ErrorData::internal_error(error, None))?;
    let mut result = CompleteResult::new(completion);
    call.stamp(&mut result.meta);
    Ok(result)
}
