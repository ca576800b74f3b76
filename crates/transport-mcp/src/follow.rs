//! Subscriptions: telling a client that a workflow's resources have changed. Owns how often and for how many; what changed
//! the client reads itself.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use futures_core::Stream as _;
use mcp_orchestrator::Cursor;
use mcp_orchestrator_domain::WorkflowId;
use rmcp::{
    ErrorData,
    model::{ResourceUpdatedNotificationParam, SubscriptionFilter},
    service::SubscriptionContext,
};
use tokio::{
    sync::OwnedSemaphorePermit,
    task::{AbortHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{Extra, answers, call::Call, parts::Parts};

/// Resources one connection, or one stream of notifications, may follow.
const URIS_MAX: usize = 64;
/// The shortest time between two notifications about one resource.
const APART: Duration = Duration::from_secs(1);

/// What of a wanted subscription is given: resources that can change, and not too many.
pub(crate) fn accepted(parts: &Parts, wanted: &SubscriptionFilter) -> SubscriptionFilter {
    let mut given = wanted.clone();
    if let Some(uris) = &mut given.resource_subscriptions {
        uris.retain(|uri| workflow_of(uri).is_some() || parts.extras.iter().any(|extra| extra.subscribes(uri)));
        uris.truncate(URIS_MAX);
    }
    given
}

/// Runs one stream of notifications until its client ends it or the server closes.
pub(crate) async fn listen(
    parts: &Parts,
    context: &SubscriptionContext,
    closing: &CancellationToken,
) -> Result<(), ErrorData> {
    let call = Call::new(parts, context.request_context(), closing);
    // Dropped with this future, and with it the tasks.
    let mut following = JoinSet::new();
    for uri in context.accepted().resource_subscriptions.iter().flatten() {
        let Some(id) = workflow_of(uri) else { continue };
        let Some(permit) = permit(parts) else { break };
        let (handle, sink, uri) = (parts.api.handle(&call.caller), context.sink().clone(), uri.clone());
        following
            .spawn(follow(handle, id, permit, async move || sink.notify_resource_updated(uri.clone()).await.is_ok()));
    }
    for extra in &parts.extras {
        let (extra, sink): (Arc<dyn Extra>, _) = (Arc::clone(extra), context.sink().clone());
        following.spawn(async move { extra.listen(sink).await });
    }
    call.stopped().await;
    Ok(())
}

/// What a session of an older protocol version follows. Dropped with its connection, and with it the tasks.
#[derive(Debug, Default)]
pub(crate) struct Followed(Mutex<HashMap<String, AbortOnDrop>>);

#[derive(Debug)]
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Followed {
    /// Begins to follow a resource. One that is followed already stays so.
    ///
    /// # Errors
    /// Invalid parameters for what cannot change or is unknown to the caller, and beyond the bound.
    pub(crate) async fn subscribe(&self, call: &Call<'_>, uri: &str) -> Result<(), ErrorData> {
        if call.parts.extras.iter().any(|extra| extra.subscribes(uri)) {
            return Ok(());
        }
        call.parts.api.read_resource(&call.caller, uri).await.map_err(|error| answers::protocol(&error))?;
        let Some(id) = workflow_of(uri) else { return Ok(()) };
        let full = || ErrorData::invalid_request(format!("at most {URIS_MAX} resources can be followed"), None);
        let permit = permit(call.parts).ok_or_else(full)?;
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if followed.contains_key(uri) {
            return Ok(());
        }
        followed.retain(|_, task| !task.0.is_finished());
        if followed.len() >= URIS_MAX {
            return Err(full());
        }
        let (handle, peer, told) = (call.parts.api.handle(&call.caller), call.context.peer.clone(), uri.to_owned());
        let task = tokio::spawn(follow(handle, id, permit, async move || {
            peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(told.clone())).await.is_ok()
        }));
        followed.insert(uri.to_owned(), AbortOnDrop(task.abort_handle()));
        Ok(())
    }

    /// Ends following a resource; one that is not followed is left at that.
    pub(crate) fn unsubscribe(&self, uri: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }
}

/// Tells of a workflow's changes, several at once when they come close together, until it has ended, nobody listens any
/// more or the future is dropped.
async fn follow(
    handle: mcp_orchestrator::Handle,
    id: WorkflowId,
    _permit: OwnedSemaphorePermit,
    mut tell: impl AsyncFnMut() -> bool,
) {
    let Ok(row) = handle.status(&id).await else { return };
    let Ok(mut events) = handle.events(&id, Cursor::after(row.head)).await else { return };
    while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut events).poll_next(context)).await {
        // Others that came with it are the same news.
        let mut is_over = false;
        while let Some(next) = poll_fn(|context| {
            Poll::Ready(match Pin::new(&mut events).poll_next(context) {
                Poll::Ready(next) => Some(next),
                Poll::Pending => None,
            })
        })
        .await
        {
            is_over = !matches!(next, Some(Ok(_)));
            if is_over {
                break;
            }
        }
        if !tell().await || is_over {
            return;
        }
        tokio::time::sleep(APART).await;
    }
}

fn permit(parts: &Parts) -> Option<OwnedSemaphorePermit> {
    Arc::clone(&parts.followed).try_acquire_owned().ok()
}

/// The workflow a resource belongs to.
fn workflow_of(uri: &str) -> Option<WorkflowId> {
    let (id, what) = uri.strip_prefix("orchestrator://")?.split_once('/')?;
    let what = what.split('?').next()?;
    matches!(what, "status" | "results" | "report" | "events").then(|| id.parse().ok())?
}
