//! From a submission to a stored workflow with its webhook. Owns that nothing hides a workflow once it is stored.

use mcp_orchestrator::{Error, Principal, RequestDraft, SubmitOptions, WorkflowId, domain::Request};
use mcp_orchestrator_webhooks::{WebhookError, Webhooks};

use crate::{
    Api, ApiError, Caller, Code, StartCall, StartKind,
    config::config,
    view::{StartedView, WorkflowView},
};

/// What holds for requests that do not say: the operator's choice.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct Defaults {
    /// The formats reports are written in.
    pub document_formats: Option<Vec<String>>,
    /// Seconds for each agent.
    pub timeout_seconds: Option<f64>,
    /// Seconds for the workflow.
    pub workflow_timeout_seconds: Option<f64>,
    /// How strict the citation gate is.
    pub citation_gate: Option<String>,
}

impl Defaults {
    /// The request with these where it says nothing.
    fn fill(&self, draft: RequestDraft) -> RequestDraft {
        RequestDraft {
            document_formats: draft.document_formats.or_else(|| self.document_formats.clone()),
            timeout_seconds: draft.timeout_seconds.or(self.timeout_seconds),
            workflow_timeout_seconds: draft.workflow_timeout_seconds.or(self.workflow_timeout_seconds),
            citation_gate: draft.citation_gate.or_else(|| self.citation_gate.clone()),
            ..draft
        }
    }
}

impl Api {
    /// Submits a request. When this returns the workflow is stored, and so is the webhook it named.
    ///
    /// # Errors
    /// [`ApiError`] naming every field that breaks a rule; [`Code::IdempotencyMismatch`]; [`Code::Draining`]. Nothing was
    /// started.
    pub async fn start(&self, caller: &Caller, kind: StartKind, call: StartCall) -> Result<StartedView, ApiError> {
        let StartCall { draft, idempotency_key, webhook_url, images, wait: _ } = call;
        if let Some(url) = &webhook_url {
            self.webhooks.check_url("webhook_url", url)?;
        }
        let handle = self.handle(caller);
        let options = SubmitOptions {
            idempotency_key,
            // Another address is another submission.
            idempotency_context: webhook_url.clone(),
            request_id: caller.request_id(),
            images,
            ..SubmitOptions::default()
        };
        let draft = self.defaults.fill(draft);
        let (webhooks, principal) = (self.webhooks.clone(), caller.principal.clone());
        // In a task of its own: a caller that goes away between the two leaves no workflow without its webhook.
        let begun = tokio::spawn(async move {
            let submission = handle.submit_once(draft, options).await?;
            let mut warnings = Vec::new();
            if let Some(url) = webhook_url
                && let Err(error) = register(&webhooks, &principal, &submission.id, &url).await
            {
                tracing::warn!(workflow_id = %submission.id, %error, "the webhook of a submission is not registered");
                warnings.push(format!("webhook_url is not registered: {error}; register it again"));
            }
            // What was made is told from memory: from here on nothing may hide that a workflow runs.
            let (row, request, created) = match submission.made {
                // As the store has it if it can be read: its clock dates what is created.
                Some(made) => (handle.status(&submission.id).await.unwrap_or(made.row), made.request, true),
                None => {
                    let (row, request) = (handle.status(&submission.id).await?, handle.request(&submission.id).await?);
                    (row, Request::clone(&request), false)
                }
            };
            Ok(StartedView {
                workflow: WorkflowView::of(&row),
                stream_url: format!("/v1/workflows/{}/events", row.id),
                created,
                config: config(&request),
                warnings,
            })
        });
        match begun.await {
            Ok(started) => started.map_err(|error| self.of_start(kind, error)),
            Err(broken) => Err(ApiError::new(Code::Internal, format!("the submission broke: {broken}"))),
        }
    }

    /// What a submission was refused for, in the words of who sent it: a search's task is called its query.
    fn of_start(&self, kind: StartKind, error: Error) -> ApiError {
        as_sent(kind, self.of_submission(error))
    }

    /// What a submission or a fork was refused for. A provider that is known and not registered says why it is not.
    pub(crate) fn of_submission(&self, error: Error) -> ApiError {
        match &error {
            Error::UnknownProvider { name, .. } => match self.missing.get(name) {
                Some(why) => ApiError::field("provider_name", why.clone()),
                None => error.into(),
            },
            _ => error.into(),
        }
    }
}

/// How often the registration of a submission's webhook is tried.
const REGISTRATIONS_MAX: usize = 3;

async fn register(webhooks: &Webhooks, principal: &Principal, id: &WorkflowId, url: &str) -> Result<(), WebhookError> {
    let mut tried = 1;
    loop {
        match webhooks.register_submission(principal, id, url).await {
            Ok(_) => return Ok(()),
            Err(WebhookError::Busy | WebhookError::Store(_)) if tried < REGISTRATIONS_MAX => tried += 1,
            Err(error) => return Err(error),
        }
    }
}

fn as_sent(kind: StartKind, mut error: ApiError) -> ApiError {
    if kind == StartKind::Search {
        let asked = error.errors.iter_mut().filter(|problem| problem.pointer == "/task");
        asked.for_each(|problem| "/query".clone_into(&mut problem.pointer));
        if !error.errors.is_empty() {
            error = ApiError { detail: ApiError::fields(error.errors.clone()).detail, ..error };
        }
    }
    error
}
