//! Sessions of clients before protocol version 2026-07-28: how many there are, whose they are, which one goes when there
//! are too many. Knows no method and no workflow: a session that goes takes no workflow with it.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use mcp_orchestrator_domain::Principal;
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::session::{
        ServerSseMessage, SessionId, SessionManager,
        local::{LocalSessionManager, LocalSessionManagerError},
    },
};
use tokio::time::Instant;

/// Why a session cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionsError {
    /// Every session there may be is busy.
    #[error("every session is busy")]
    Full,
    /// rmcp's.
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

/// The sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    local: LocalSessionManager,
    known: Arc<Mutex<HashMap<SessionId, Known>>>,
    max: usize,
}

#[derive(Debug)]
struct Known {
    /// Who opened it; unknown only until the answer to `initialize` is on its way.
    principal: Option<Principal>,
    touched: Instant,
    /// Calls whose answers are still streamed.
    open: usize,
    /// Whether its client has its id.
    is_opened: bool,
}

/// How long a session that is being opened counts as busy. One whose client went away meanwhile is idle after that.
const OPENING: Duration = Duration::from_secs(5);

impl Known {
    fn is_busy(&self) -> bool {
        self.open > 0 || (!self.is_opened && self.touched.elapsed() < OPENING)
    }
}

impl Sessions {
    pub(crate) fn new(max: usize, idle: Duration) -> Self {
        let mut local = LocalSessionManager::default();
        // rmcp's own timer does not see calls in flight: with its five minutes a silent call loses its answer.
        local.session_config.keep_alive = Some(idle);
        Self { local, known: Arc::default(), max }
    }

    /// Remembers whose session it is.
    pub(crate) fn bind(&self, id: &str, principal: &Principal) {
        if let Some(known) = self.known().get_mut(id) {
            known.principal = Some(principal.clone());
            known.is_opened = true;
        }
    }

    /// Whether somebody may use a session. Another principal's is an unknown one.
    pub(crate) fn admits(&self, id: &str, principal: &Principal) -> bool {
        self.known().get(id).is_some_and(|known| known.principal.as_ref().is_none_or(|owner| owner == principal))
    }

    /// Whether one more session could not be made.
    pub(crate) fn is_full(&self) -> bool {
        let known = self.known();
        known.len() >= self.max && known.values().all(Known::is_busy)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SessionId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self, id: &SessionId) {
        if let Some(known) = self.known().get_mut(id) {
            known.touched = Instant::now();
        }
    }

    /// The session that goes for a new one when there are too many.
    fn displaced(&self, new: &SessionId) -> Result<Option<SessionId>, SessionsError> {
        let known = self.known();
        if known.len() <= self.max {
            return Ok(None);
        }
        let idle = known.iter().filter(|(id, session)| !session.is_busy() && *id != new);
        let longest = idle.min_by_key(|(_, session)| session.touched).map(|(id, _)| Arc::clone(id));
        longest.map(Some).ok_or(SessionsError::Full)
    }
}

impl SessionManager for Sessions {
    type Error = SessionsError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionsError> {
        let (id, transport) = self.local.create_session().await?;
        self.known()
            .insert(Arc::clone(&id), Known { principal: None, touched: Instant::now(), open: 0, is_opened: false });
        // Looked at afterwards, so that several made at once do not pass the bound together.
        loop {
            match self.displaced(&id) {
                Ok(None) => return Ok((id, transport)),
                Ok(Some(longest_idle)) => self.close_session(&longest_idle).await?,
                Err(full) => {
                    self.close_session(&id).await?;
                    return Err(full);
                }
            }
        }
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionsError> {
        Ok(self.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionsError> {
        self.touch(id);
        Ok(self.local.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionsError> {
        self.known().remove(id);
        Ok(self.local.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        let busy = Busy::new(&self.known, id);
        let stream = self.local.create_stream(id, message).await?;
        Ok(Answering { stream: Box::pin(stream), _busy: busy })
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), SessionsError> {
        Ok(self.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.local.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.local.resume(id, last_event_id).await?)
    }
}

/// Counts a call as open while it lives.
struct Busy {
    known: Arc<Mutex<HashMap<SessionId, Known>>>,
    id: SessionId,
}

impl Busy {
    fn new(known: &Arc<Mutex<HashMap<SessionId, Known>>>, id: &SessionId) -> Self {
        let busy = Self { known: Arc::clone(known), id: Arc::clone(id) };
        busy.count(|open| open.saturating_add(1));
        busy
    }

    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = known.get_mut(&self.id) {
            session.open = change(session.open);
            session.touched = Instant::now();
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.count(|open| open.saturating_sub(1));
    }
}

/// The stream of one call's answer.
struct Answering<S> {
    stream: Pin<Box<S>>,
    _busy: Busy,
}

impl<S: Stream> Stream for Answering<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.stream.as_mut().poll_next(cx)
    }
}
