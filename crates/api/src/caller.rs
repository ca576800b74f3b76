//! Who calls, and under which request. Made by the one place of each transport that authenticates.

use mcp_orchestrator::{Principal, domain::RequestId};

/// Somebody who calls.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct Caller {
    /// In whose name. Workflows of others are unknown to them.
    pub principal: Principal,
    /// The request it belongs to, as logs show it.
    pub request_id: Option<String>,
}

impl Caller {
    /// The person at this machine.
    #[must_use]
    pub fn local() -> Self {
        Self { principal: Principal::local(), request_id: None }
    }

    /// The request id as workflows keep it; `None` when it is longer or stranger than one may be.
    pub(crate) fn request_id(&self) -> Option<RequestId> {
        self.request_id.as_deref().and_then(|id| RequestId::new(id).ok())
    }
}
