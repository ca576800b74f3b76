//! Subscriptions: telling a client that a workflow's resources have changed. Owns how often and for how many; what changed
//! the client reads itself.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_core::Stream as _;
use mcp_orchestrator::{Cursor, Error, Handle, event::StreamError};
use mcp_orchestrator_domain::WorkflowId;
use rmcp::{
    ErrorData, Peer, RoleServer,
    model::{ResourceUpdatedNotificationParam, SubscriptionFilter},
    service::{SubscriptionContext, SubscriptionSink},
};
use tokio::{
    sync::OwnedSemaphorePermit,
    task::{AbortHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{Extra, answers, call::Call, parts::Parts};

/// Resources one connection, or one stream of notifications, may follow.
const URIS_MAX: usize = 64;
/// The shortest time between two notifications about one resource.
const APART: Duration = Duration::from_secs(1);
/// Times a log is opened without an event of it before it is given up.
const TRIES_MAX: u32 = 8;
/// The wait before the second of them, doubled before each further one.
const PAUSE: Duration = Duration::from_millis(250);

/// What of a wanted subscription is given: resources that can change, and no more than can be followed now.
pub(crate) fn accepted(parts: &Parts, wanted: &SubscriptionFilter) -> SubscriptionFilter {
    let mut given = wanted.clone();
    if let Some(uris) = &mut given.resource_subscriptions {
        let mut left = parts.followed.available_permits();
        uris.retain(|uri| match workflow_of(uri) {
            Some(_) => left.checked_sub(1).is_some_and(|less| {
                left = less;
                true
            }),
            None => parts.extras.iter().any(|extra| extra.subscribes(uri)),
        });
        uris.truncate(URIS_MAX);
    }
    given
}

/// Runs one stream of notifications until its client ends it or the server closes.
///
/// # Errors
/// Something that was accepted cannot be followed, or not any more: others took the last places in between, or its log
/// cannot be read. The client may listen again.
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
        let permit = permit(parts).ok_or_else(|| ErrorData::internal_error("too much is followed now", None))?;
        let (handle, ear) = (parts.api.handle(&call.caller), Ear::Listener(context.sink().clone(), uri.clone()));
        following.spawn(async move { follow(&handle, &id, permit, &ear).await });
    }
    for extra in &parts.extras {
        let (extra, sink): (Arc<dyn Extra>, _) = (Arc::clone(extra), context.sink().clone());
        following.spawn(async move {
            extra.listen(sink).await;
            Ok(())
        });
    }
    loop {
        tokio::select! {
            () = call.stopped() => return Ok(()),
            Some(ended) = following.join_next() => {
                if let Ok(Err(GivenUp)) = ended {
                    return Err(ErrorData::internal_error("the log of a workflow cannot be read now", None));
                }
            }
        }
    }
}

/// What a session of an older protocol version follows. Dropped with its connection, and with it the tasks.
#[derive(Debug, Default)]
pub(crate) struct Followed(Mutex<HashMap<String, Following>>);

/// A task that follows a resource; ended when dropped.
#[derive(Debug)]
struct Following {
    task: AbortHandle,
    /// Whether it has given up, though it may still be telling so.
    has_given_up: Arc<AtomicBool>,
}

impl Following {
    fn is_alive(&self) -> bool {
        !self.task.is_finished() && !self.has_given_up.load(Ordering::Acquire)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Followed {
    /// Begins to follow a resource. One that is followed already stays so. One whose log cannot be read is told once as
    /// changed, so that the client reads it and sees why, and is followed no more.
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
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        followed.retain(|_, following| following.is_alive());
        if followed.contains_key(uri) {
            return Ok(());
        }
        if followed.len() >= URIS_MAX {
            return Err(full());
        }
        let permit = permit(call.parts).ok_or_else(full)?;
        let ear = Ear::Session(call.context.peer.clone(), uri.to_owned());
        let handle = call.parts.api.handle(&call.caller);
        let has_given_up = Arc::new(AtomicBool::new(false));
        let gives_up = Arc::clone(&has_given_up);
        let task = tokio::spawn(async move {
            if let Err(GivenUp) = follow(&handle, &id, permit, &ear).await {
                gives_up.store(true, Ordering::Release);
                ear.tell().await;
            }
        });
        followed.insert(uri.to_owned(), Following { task: task.abort_handle(), has_given_up });
        Ok(())
    }

    /// Ends following a resource; one that is not followed is left at that.
    pub(crate) fn unsubscribe(&self, uri: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }
}

/// Who is told that a resource has changed, and which.
enum Ear {
    Listener(SubscriptionSink, String),
    Session(Peer<RoleServer>, String),
}

impl Ear {
    /// Tells it; false when nobody listens any more.
    async fn tell(&self) -> bool {
        match self {
            Self::Listener(sink, uri) => sink.notify_resource_updated(uri.clone()).await.is_ok(),
            Self::Session(peer, uri) => {
                peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri.clone())).await.is_ok()
            }
        }
    }
}

/// A log could not be read, however often it was tried.
#[derive(Debug)]
struct GivenUp;

/// Why [`tell_on`] tells no more.
enum Stopped {
    /// The workflow has ended or is gone, or nobody listens.
    Over,
    /// The log could not be read.
    Broken(String),
}

/// Tells of a workflow's changes, several at once when they come close together, until it has ended, nobody listens any
/// more or the future is dropped. A log that cannot be read is opened again where it was left.
async fn follow(handle: &Handle, id: &WorkflowId, _permit: OwnedSemaphorePermit, ear: &Ear) -> Result<(), GivenUp> {
    let (mut place, mut tries) = (None, 0);
    loop {
        let from = place;
        let Stopped::Broken(error) = tell_on(handle, id, &mut place, ear).await else { return Ok(()) };
        tries = if place == from { tries + 1 } else { 1 };
        warn!(workflow = %id, error, tries, "a workflow that is followed cannot be read");
        if tries >= TRIES_MAX {
            return Err(GivenUp);
        }
        tokio::time::sleep(PAUSE * (1 << (tries - 1))).await;
    }
}

/// Tells of what comes after a place, from now on if there is none, and moves it on.
async fn tell_on(handle: &Handle, id: &WorkflowId, place: &mut Option<Cursor>, ear: &Ear) -> Stopped {
    let begun = async {
        let from = match *place {
            Some(place) => place,
            None => Cursor::end_of(&handle.status(id).await?),
        };
        Ok((from, handle.events(id, from).await?))
    };
    let mut events = match begun.await {
        Ok((from, events)) => {
            *place = Some(from);
            events
        }
        Err(Error::Store(error)) => return Stopped::Broken(error.to_string()),
        Err::<_, Error>(_) => return Stopped::Over,
    };
    loop {
        let mut next = poll_fn(|context| Pin::new(&mut events).poll_next(context)).await;
        let is_news = matches!(next, Some(Ok(_)));
        // Others that came with it are the same news.
        let stopped = loop {
            match next {
                Some(Ok(event)) => *place = Some(event.id),
                Some(Err(StreamError::Unknown(_))) | None => break Some(Stopped::Over),
                Some(Err(error)) => break Some(Stopped::Broken(error.to_string())),
            }
            let more = poll_fn(|context| Poll::Ready(Pin::new(&mut events).poll_next(context))).await;
            let Poll::Ready(more) = more else { break None };
            next = more;
        };
        if is_news && !ear.tell().await {
            return Stopped::Over;
        }
        if let Some(stopped) = stopped {
            return stopped;
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
