//! On whose behalf a request acts. Owns the one layer that decides it; of routes it knows those that ask
//! nobody who they are.

use std::{fmt, pin::Pin};

use axum::extract::Request;
use http::{StatusCode, request::Parts};
use mcp_orchestrator_api::Caller;
use mcp_orchestrator_domain::Principal;

use super::RequestIdText;
use crate::{problem::Problem, routes::health};

/// The answer of [`Authenticate::authenticate`].
pub type Authentication<'a> = Pin<Box<dyn Future<Output = Result<Identity, Refused>> + Send + 'a>>;

/// Says who sends a request. There is one for the whole server, `/mcp` included; `/livez`, `/readyz` and `/health` are
/// answered without.
pub trait Authenticate: fmt::Debug + Send + Sync + 'static {
    /// Looks at the head of a request, before its body is read. The connection is among the extensions as
    /// [`Peer`](crate::Peer). Dropped when the client goes away.
    fn authenticate<'a>(&'a self, head: &'a Parts) -> Authentication<'a>;
}

/// Who sends a request. What is mounted under `/mcp` finds it among the request's extensions, with the
/// [`Caller`] made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Whose workflows it sees.
    pub principal: Principal,
    /// Whether it proved that. Who did not is rated by its address.
    pub is_proved: bool,
}

impl Identity {
    /// Somebody who proved to be that principal.
    #[must_use]
    pub const fn proved(principal: Principal) -> Self {
        Self { principal, is_proved: true }
    }

    /// Somebody who is taken for that principal.
    #[must_use]
    pub const fn assumed(principal: Principal) -> Self {
        Self { principal, is_proved: false }
    }
}

/// Nobody knows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// Why, without a word of what was presented.
    pub detail: &'static str,
}

impl Refused {
    /// A refusal for a reason.
    #[must_use]
    pub const fn new(detail: &'static str) -> Self {
        Self { detail }
    }
}

/// Takes everybody for [`Principal::local`]: right on loopback, where the machine's user is the only client.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Local;

impl Authenticate for Local {
    fn authenticate<'a>(&'a self, _head: &'a Parts) -> Authentication<'a> {
        Box::pin(std::future::ready(Ok(Identity::assumed(Principal::local()))))
    }
}

/// The request with who sends it among its extensions.
pub(super) async fn identify(authenticate: &dyn Authenticate, request: Request) -> Result<Request, Problem> {
    if health::is_open(request.uri().path()) {
        return Ok(request);
    }
    let (mut head, body) = request.into_parts();
    match authenticate.authenticate(&head).await {
        Ok(identity) => {
            let request_id = head.extensions.get::<RequestIdText>().map(|id| id.0.to_string());
            head.extensions.insert(Caller { principal: identity.principal.clone(), request_id });
            head.extensions.insert(identity);
            Ok(Request::from_parts(head, body))
        }
        Err(refused) => Err(Problem::new(StatusCode::UNAUTHORIZED, refused.detail)),
    }
}
