//! Questions of a workflow as forms a client shows, and what comes back as answers. Owns the state a client carries between
//! two rounds of one call: signed, bound to its principal and its request, and of limited life.

use std::{collections::BTreeMap, time::Duration};

use mcp_orchestrator_api::{ApiError, Code, view::WorkflowView};
use rmcp::{
    ErrorData,
    model::{
        CallToolRequestParams, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
        InputRequest, InputRequests, InputRequiredResult, InputResponses, SealOptions,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::{answers, call::Call};

/// How long a client may take to come back with answers.
const STATE_TTL: Duration = Duration::from_hours(24);
/// What is kept as the answer of somebody who declines to answer.
const DECLINED: &str = "The user declined to answer this question.";

/// The workflow a call is about, as it was handed to the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handed {
    /// Its id.
    pub(crate) id: String,
    /// What the call does with it.
    pub(crate) by: By,
}

/// What a call does with its workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// It submitted it, and made it.
    Start,
    /// It submitted it, and found it made by an earlier call with the same key.
    Rejoin,
    /// It waits for it.
    Wait,
}

/// One request of a client, as the state it is given is bound to.
pub(crate) struct Asked<'a> {
    call: &'a Call<'a>,
    bound_to: Vec<u8>,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(call: &'a Call<'a>, request: &CallToolRequestParams) -> Self {
        let mut digest = Sha256::new();
        for part in [call.caller.principal.as_str(), request.name.as_ref()] {
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        digest.update(canonical(request.arguments.clone().map(Value::Object).unwrap_or_default()));
        Self { call, bound_to: digest.finalize().to_vec() }
    }

    /// What makes two calls the same: principal, tool and arguments, hashed.
    pub(crate) fn same(&self) -> &[u8] {
        &self.bound_to
    }

    /// Asks the client what the workflow asks; it calls again with the answers.
    pub(crate) fn ask(&self, handed: &Handed, view: &WorkflowView) -> Result<InputRequiredResult, ErrorData> {
        let options = SealOptions::new().associated_data(&self.bound_to).ttl(STATE_TTL);
        let state = self.call.parts.codec.seal_json_with(handed, &options);
        let state = state.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(InputRequiredResult::new(Some(forms(view)?), Some(state)).with_meta(self.call.parts.stamp()))
    }

    /// Reads the state a client sends back.
    ///
    /// # Errors
    /// Invalid parameters when it was made for another principal or request, by a server with another key, too long ago,
    /// or by nobody.
    pub(crate) fn open(&self, state: &str) -> Result<Handed, ErrorData> {
        self.call.parts.codec.open_json_with(state, &self.bound_to).map_err(|error| {
            tracing::debug!(%error, "a request state was refused");
            ErrorData::invalid_params("requestState is none that this server gave to this request", None)
        })
    }
}

/// The questions of a workflow by their steps. A step asks once, so its name is never used again in the workflow's life.
pub(crate) fn forms(view: &WorkflowView) -> Result<InputRequests, ErrorData> {
    let mut forms = InputRequests::new();
    for question in &view.questions {
        let form = ElicitRequest::new(form(&question.question)?);
        forms.insert(question.step.clone(), InputRequest::Elicitation(form));
    }
    Ok(forms)
}

fn form(question: &str) -> Result<ElicitRequestParams, ErrorData> {
    let requested_schema = ElicitationSchema::builder()
        .required_string_with("answer", |answer| answer.title("Answer").min_length(1).max_length(10_000))
        .build()
        .map_err(|error| ErrorData::internal_error(error.to_owned(), None))?;
    Ok(ElicitRequestParams::FormElicitationParams { meta: None, message: question.to_owned(), requested_schema })
}

/// What became of a client's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// Somebody closed the form without a word: the question stays.
    pub(crate) is_put_off: bool,
}

/// Hands answers to a workflow. Keys that ask nothing any more are ignored, as the protocol wants it.
///
/// # Errors
/// Invalid parameters that name the key whose answer cannot be read, and for a workflow that is unknown to the caller.
pub(crate) async fn give(call: &Call<'_>, id: &str, responses: InputResponses) -> Result<Given, ErrorData> {
    let view = call.parts.api.workflow(&call.caller, id).await.map_err(|error| answers::protocol(&error))?;
    let mut read = BTreeMap::new();
    let mut given = Given::default();
    for question in &view.questions {
        let Some(response) = responses.get(&question.step) else { continue };
        match answer(response) {
            Some(Some(answer)) => drop(read.insert(&question.step, answer)),
            Some(None) => given.is_put_off = true,
            None => {
                let problem =
                    format!("inputResponses/{}: expected an action, and content.answer as text", question.step);
                return Err(ErrorData::invalid_params(problem, None));
            }
        }
    }
    for (step, answer) in read {
        match call.parts.api.answer(&call.caller, id, Some(step), &answer).await {
            Ok(_) => {}
            // Somebody else was quicker.
            Err(ApiError { code: Code::Conflict, .. }) => {}
            Err(error) => return Err(answers::protocol(&error)),
        }
    }
    Ok(given)
}

/// Asks a client of an older version, whose server may send it requests while a call is open. Whether something was
/// answered.
pub(crate) async fn ask_now(call: &Call<'_>, view: &WorkflowView, until: Instant) -> Result<bool, ErrorData> {
    let mut any = false;
    for question in &view.questions {
        let asked = call.context.peer.create_elicitation(form(&question.question)?);
        let result = tokio::select! {
            result = tokio::time::timeout_at(until, asked) => result,
            () = call.stopped() => return Ok(any),
        };
        // No answer in time, a client that cannot after all, or one that went away: the call ends with the question.
        let Ok(Ok(result)) = result else { return Ok(any) };
        if let Some(answer) = said(result) {
            match call.parts.api.answer(&call.caller, &view.task_id, Some(&question.step), &answer).await {
                Ok(_) | Err(ApiError { code: Code::Conflict, .. }) => any = true,
                Err(error) => return Err(answers::protocol(&error)),
            }
        }
    }
    Ok(any)
}

/// `None`: cannot be read. `Some(None)`: put off.
fn answer(response: &Value) -> Option<Option<String>> {
    let result: ElicitResult = serde_json::from_value(response.clone()).ok()?;
    let is_accepted = result.action == ElicitationAction::Accept;
    match said(result) {
        None if is_accepted => None,
        said => Some(said),
    }
}

fn said(result: ElicitResult) -> Option<String> {
    match result.action {
        ElicitationAction::Accept => {
            let content = result.content?;
            content.get("answer")?.as_str().filter(|answer| !answer.is_empty()).map(str::to_owned)
        }
        ElicitationAction::Decline => Some(DECLINED.to_owned()),
        _ => None,
    }
}

/// A value as bytes that do not depend on the order of its keys.
fn canonical(value: Value) -> Vec<u8> {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(object) => {
                let sorted_keys: BTreeMap<_, _> = object.into_iter().map(|(key, value)| (key, sorted(value))).collect();
                Value::Object(sorted_keys.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    sorted(value).to_string().into_bytes()
}
