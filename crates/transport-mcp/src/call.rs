//! One call of a client while it runs: who, what its software can do, and when it is over.

use std::time::Duration;

use mcp_orchestrator_api::Caller;
use rmcp::{ErrorData, RoleServer, model::MetaObject, service::RequestContext};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    client::{self, Client},
    parts::Parts,
};

/// How long calls that are no waits may go on once the server closes.
const CLOSING: Duration = Duration::from_secs(1);

/// A call.
pub(crate) struct Call<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) context: &'a RequestContext<RoleServer>,
    pub(crate) caller: Caller,
    pub(crate) client: Client,
    closing: &'a CancellationToken,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        parts: &'a Parts,
        context: &'a RequestContext<RoleServer>,
        closing: &'a CancellationToken,
    ) -> Self {
        Self { parts, context, caller: client::caller(context), client: Client::of(context), closing }
    }

    /// Says in the metadata of a result whose it is, in the protocol versions that have it there. What is there stays.
    pub(crate) fn stamp(&self, meta: &mut Option<MetaObject>) {
        if self.client.modern {
            let meta = meta.get_or_insert_default();
            for (key, value) in self.parts.stamp().0 {
                meta.0.entry(key).or_insert(value);
            }
        }
    }

    /// Returns when the client went away or cancelled the call, or the server closes: waits end then.
    pub(crate) async fn stopped(&self) {
        tokio::select! {
            () = self.context.ct.cancelled() => {}
            () = self.closing.cancelled() => {}
        }
    }

    /// Holds work to the longest time a call may take, and ends it when its client has.
    pub(crate) async fn bounded<T>(&self, work: impl Future<Output = Result<T, ErrorData>>) -> Result<T, ErrorData> {
        let closed = async {
            self.closing.cancelled().await;
            tokio::time::sleep(CLOSING).await;
        };
        let cancelled = async {
            self.context.ct.cancelled().await;
            tokio::time::sleep(CLOSING).await;
        };
        let span = tracing::info_span!("mcp_call", request_id = self.caller.request_id.as_deref());
        tokio::select! {
            biased;
            done = work.instrument(span) => done,
            () = cancelled => Err(ErrorData::internal_error("the call was cancelled", None)),
            () = closed => Err(ErrorData::internal_error("the server is closing", None)),
            () = tokio::time::sleep(self.parts.settings.call_max) => {
                let seconds = self.parts.settings.call_max.as_secs();
                Err(ErrorData::internal_error(format!("no answer within {seconds} seconds"), None))
            }
        }
    }
}
