//! Who calls and what its software can do, read from one request and nothing else. The one place authentication comes in.

use mcp_orchestrator_api::Caller;
use mcp_orchestrator_domain::Principal;
use rmcp::{RoleServer, model::ProtocolVersion, service::RequestContext};

/// What the software that calls can do, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// Protocol version 2026-07-28 or later: no session, and questions are answered by calling again.
    pub(crate) modern: bool,
    /// It takes a task for an answer. Never in the older versions, where the extension is not defined even if a client
    /// declares it.
    pub(crate) tasks: bool,
    /// It can show a form to its user.
    pub(crate) elicits: bool,
}

impl Client {
    pub(crate) fn of(context: &RequestContext<RoleServer>) -> Self {
        let version = context.protocol_version();
        let modern = version.is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
        let can = context.client_capabilities().unwrap_or_default();
        let elicits = can.elicitation.as_ref().is_some_and(|modes| modes.form.is_some() || modes.url.is_none());
        Self { modern, tasks: modern && can.supports_tasks(), elicits }
    }
}

/// In whose name a request is made.
pub(crate) fn caller(context: &RequestContext<RoleServer>) -> Caller {
    let Some(parts) = context.extensions.get::<http::request::Parts>() else {
        return Caller::local();
    };
    if let Some(caller) = parts.extensions.get::<Caller>() {
        return caller.clone();
    }
    let request_id = parts.headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    Caller { principal: principal(&parts.extensions), request_id }
}

/// In whose name an HTTP request is made, by what the layers before have put into its extensions.
pub(crate) fn principal(extensions: &http::Extensions) -> Principal {
    let caller = extensions.get::<Caller>().map(|caller| &caller.principal);
    caller.or_else(|| extensions.get::<Principal>()).cloned().unwrap_or_else(Principal::local)
}
