//! From what somebody sent to a fork: where it begins and what it asks for differently. Owns the fields beside the request's
//! own and where a refused one is pointed to; what may change is the domain's.

use mcp_orchestrator::{
    Error, ForkOptions, RequestDraft,
    domain::{Rejected, Request, Seq},
};
use serde_json::{Map, Value, json};

use crate::{
    Api, ApiError, Caller, FieldProblem, StartKind,
    api::parse_id,
    config::config,
    error::pointer,
    schema,
    start::{kind_of, misfits, problem, text},
    view::{StartedView, WorkflowView},
};

/// A fork, with what belongs to the call and not to the request.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct ForkCall {
    /// The last position that is taken over; `None`: the head of a failed or cancelled workflow.
    pub at: Option<u64>,
    /// What changes.
    pub set: RequestDraft,
    /// Makes a fork at a position repeatable.
    pub idempotency_key: Option<String>,
}

impl ForkCall {
    /// Reads the body of a fork.
    ///
    /// # Errors
    /// [`ApiError`] with one entry for each field that is unknown or has the wrong type.
    pub fn parse(mut arguments: Map<String, Value>) -> Result<Self, ApiError> {
        // An explicit null is no value: nothing changes.
        arguments.retain(|_, value| !value.is_null());
        let mut wrong = Vec::new();
        let idempotency_key = text(&mut arguments, "idempotency_key", &mut wrong);
        let at = arguments.remove("at").and_then(|at| {
            let number = at.as_u64();
            if number.is_none() {
                wrong.push(problem("at", format!("is {at}, expected a whole number, a position of the log")));
            }
            number
        });
        let set = match arguments.remove("set") {
            None => Map::new(),
            Some(Value::Object(mut set)) => {
                set.retain(|_, value| !value.is_null());
                wrong.extend(misfits(StartKind::Any, &mut set).into_iter().map(inside));
                set
            }
            Some(other) => {
                wrong.push(problem("set", format!("is {}, expected an object", kind_of(&other))));
                Map::new()
            }
        };
        for name in arguments.keys() {
            let shown: String = name.chars().take(80).collect();
            let hint = if schema::is_field(name) { "; what changes is said in set" } else { "" };
            wrong.push(problem(&shown, format!("there is no such field{hint}")));
        }
        if !wrong.is_empty() {
            return Err(ApiError::fields(wrong));
        }
        match serde_json::from_value(Value::Object(set)) {
            Ok(set) => Ok(Self { at, set, idempotency_key }),
            Err(error) => Err(ApiError::new(crate::Code::InvalidRequest, error.to_string())),
        }
    }
}

/// The JSON Schema (draft 2020-12) of the body of a fork.
#[must_use]
pub fn fork_schema() -> Map<String, Value> {
    let mut start = schema::start_schema(StartKind::Any);
    let defs = start.remove("$defs");
    let key = start.get("properties").map(|properties| properties["idempotency_key"].clone());
    let changes: Map<String, Value> = match start.remove("properties") {
        Some(Value::Object(properties)) => properties.into_iter().filter(|(name, _)| may_change(name)).collect(),
        _ => Map::new(),
    };
    let mut schema = Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("additionalProperties".to_owned(), json!(false)),
        (
            "properties".to_owned(),
            json!({
                "at": {
                    "type": ["integer", "null"], "minimum": 1,
                    "description": "The last position of its log that is taken over. Without it a failed or cancelled workflow is \
                                    continued at its head, once.",
                },
                "set": {
                    "type": ["object", "null"], "additionalProperties": false, "properties": changes,
                    "description": "What changes. A setting that the history was made with is refused.",
                },
                "idempotency_key": key,
            }),
        ),
    ]);
    if let Some(defs) = defs {
        schema.insert("$defs".to_owned(), defs);
    }
    schema
}

/// Whether a field of a submission can ever be another one's in a fork.
fn may_change(name: &str) -> bool {
    const NEVER: [&str; 12] = [
        "pattern",
        "steps",
        "report",
        "condition",
        "branches",
        "default_branch",
        "max_iterations",
        "success",
        "on_exhausted",
        "webhook_url",
        "idempotency_key",
        "wait_seconds",
    ];
    !NEVER.contains(&name)
}

impl Api {
    /// Forks a workflow at a position of its log, or continues a failed or cancelled one at its head. When this returns the
    /// new workflow is stored; the other one is not changed.
    ///
    /// [`StartedView::created`] is false when an idempotency key found the fork, or when the workflow had been continued
    /// before; then nothing was changed, and a warning says so if something was to be.
    ///
    /// # Errors
    /// As [`Api::workflow`]; [`ApiError`] naming every field that breaks a rule or comes too late; [`Code::Conflict`] without
    /// a position unless it has failed or was cancelled; [`Code::IdempotencyMismatch`]; [`Code::Draining`].
    ///
    /// [`Code::Conflict`]: crate::Code::Conflict
    /// [`Code::IdempotencyMismatch`]: crate::Code::IdempotencyMismatch
    /// [`Code::Draining`]: crate::Code::Draining
    pub async fn fork(&self, caller: &Caller, id: &str, call: ForkCall) -> Result<StartedView, ApiError> {
        let (handle, id) = (self.handle(caller), parse_id(id)?);
        let ForkCall { at, set, idempotency_key } = call;
        let changes_nothing = at.is_some() || set.is_empty();
        let options = ForkOptions {
            at: at.map(Seq::new),
            set,
            idempotency_key,
            request_id: caller.request_id(),
            ..ForkOptions::default()
        };
        let submission = handle.fork(&id, options).await.map_err(|error| self.of_fork(error))?;
        let mut warnings = Vec::new();
        let (row, request, created) = match submission.made {
            Some(made) => (handle.status(&submission.id).await.unwrap_or(made.row), made.request, true),
            None => {
                let (row, request) = (handle.status(&submission.id).await?, handle.request(&submission.id).await?);
                if !changes_nothing {
                    warnings.push(format!("{id} was continued before, so what set says has no effect"));
                }
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
    }

    /// What a fork was refused for, pointed to where it was sent.
    fn of_fork(&self, error: Error) -> ApiError {
        let needs_place = matches!(error, Error::Rejected(Rejected::NotEnded(_)));
        let refused = self.of_submission(error);
        if needs_place {
            return refused.with_hint("name a position with `at` to fork it there");
        }
        if refused.errors.is_empty() {
            return refused;
        }
        let own = |problem: &FieldProblem| problem.pointer == "/at" || problem.pointer == "/idempotency_key";
        let errors: Vec<_> = refused.errors.into_iter().map(|p| if own(&p) { p } else { inside(p) }).collect();
        ApiError { hint: refused.hint, ..ApiError::fields(errors) }
    }
}

/// A problem of a setting, pointed to where settings are in the body.
fn inside(problem: FieldProblem) -> FieldProblem {
    FieldProblem { pointer: format!("{}{}", pointer("set"), problem.pointer), ..problem }
}
