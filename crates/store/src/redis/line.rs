//! One connection that is made again whenever it is lost. Owns when to try, how long to wait and when to give up an
//! operation; does not know what is sent.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{AsyncConnectionConfig, Client, PushInfo, PushKind, RedisError, RedisResult, aio::MultiplexedConnection};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::timeout,
};

use super::failure;
use crate::StoreError;

/// How long making a connection may take.
pub(super) const CONNECTING: Duration = Duration::from_secs(5);

/// How long an operation waits for a connection before it fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How often a connection is asked whether it still leads anywhere.
const PING_EVERY: Duration = Duration::from_secs(5);

/// The first and the longest pause between two tries; each is made up to twice as long at random.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Operations under way at once on one connection; further ones wait for their turn.
const UNDER_WAY_MAX: usize = 1024;

/// What is done with each new connection, and with what arrives on it unasked.
pub(super) trait Ear: Send + Sync + 'static {
    /// The channel to listen to.
    fn channel(&self) -> &str;
    /// It listens, perhaps again.
    fn listens(&self);
    /// Something was said.
    fn hear(&self, message: &PushInfo);
}

/// How to connect.
#[derive(Clone)]
pub(super) struct Dialling {
    pub(super) client: Client,
    pub(super) location: Arc<str>,
    pub(super) response: Duration,
}

/// A connection, kept alive by a task that ends with it.
pub(super) struct Line {
    state: Arc<watch::Sender<State>>,
    keeper: JoinHandle<()>,
}

#[derive(Clone)]
enum State {
    Down(Arc<str>),
    Up(Wire),
}

/// A connection there is now, shared by all who send on it.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) connection: MultiplexedConnection,
    doubt: Arc<Doubt>,
}

impl Wire {
    /// Has the keeper look whether the connection still leads anywhere, or replace it if an error says that it does not.
    pub(super) fn failed(&self, error: &RedisError) {
        if failure::is_lost(error) || error.is_timeout() {
            self.doubt.raise(failure::is_lost(error));
        }
    }

    /// The same when nothing came at all.
    pub(super) fn was_silent(&self) {
        self.doubt.raise(false);
    }
}

/// Tells the keeper to look at its connection.
#[derive(Default)]
struct Doubt {
    look: Notify,
    lost: AtomicBool,
    /// Until it has been looked at.
    doubted: AtomicBool,
}

impl Doubt {
    fn raise(&self, lost: bool) {
        self.lost.fetch_or(lost, Ordering::Relaxed);
        self.doubted.store(true, Ordering::Relaxed);
        self.look.notify_one();
    }
}

impl Line {
    /// Begins to connect.
    pub(super) fn open(dialling: Dialling, ear: Option<Arc<dyn Ear>>) -> Self {
        let state = Arc::new(watch::Sender::new(State::Down("it is not connected yet".into())));
        Self { keeper: tokio::spawn(keep(dialling, ear, Arc::clone(&state))), state }
    }

    /// A connection, waiting a while for one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with what the last try said.
    pub(super) async fn connection(&self, location: &str) -> Result<Wire, StoreError> {
        let mut state = self.state.subscribe();
        let up = timeout(PATIENCE, state.wait_for(|state| matches!(state, State::Up(..)))).await;
        if let Ok(Ok(state)) = up
            && let State::Up(wire) = &*state
        {
            return Ok(wire.clone());
        }
        Err(match &*self.state.borrow() {
            State::Down(why) => StoreError::Unavailable(why.to_string()),
            State::Up(..) => StoreError::Unavailable(format!("{location}: it was not connected in time")),
        })
    }

    /// Ends the connection; there will be no other.
    pub(super) fn close(&self) {
        self.keeper.abort();
        self.state.send_replace(State::Down("it is closed".into()));
    }

    /// Whether there is a connection now that nobody has waited on in vain since it was last looked at.
    pub(super) fn is_clear(&self) -> bool {
        matches!(&*self.state.borrow(), State::Up(wire) if !wire.doubt.doubted.load(Ordering::Relaxed))
    }

    /// Whether there is a connection now.
    pub(super) fn is_up(&self) -> bool {
        matches!(&*self.state.borrow(), State::Up(..))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("up", &self.is_up()).finish_non_exhaustive()
    }
}

impl Dialling {
    /// A connection of its own, for once.
    pub(super) async fn connect(&self, config: AsyncConnectionConfig) -> Result<MultiplexedConnection, RedisError> {
        let config = config
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(self.response))
            .set_concurrency_limit(UNDER_WAY_MAX);
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }
}

/// Connects, again and again, until the line is dropped.
async fn keep(dialling: Dialling, ear: Option<Arc<dyn Ear>>, tell: Arc<watch::Sender<State>>) {
    let mut pause = PAUSE;
    loop {
        let doubt = Arc::new(Doubt::default());
        match connect(&dialling, ear.as_ref(), &doubt).await {
            Ok(connection) => {
                pause = PAUSE;
                tell.send_replace(State::Up(Wire { connection: connection.clone(), doubt: Arc::clone(&doubt) }));
                let why = watch_over(connection, &doubt, &dialling.location).await;
                tracing::warn!(%why, "a connection of the store is lost");
                tell.send_replace(State::Down(why.into()));
            }
            Err(error) => {
                tell.send_replace(State::Down(failure::said(&error, &dialling.location).into()));
            }
        }
        tokio::time::sleep(pause.mul_f64(1.0 + chance())).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn connect(
    dialling: &Dialling,
    ear: Option<&Arc<dyn Ear>>,
    doubt: &Arc<Doubt>,
) -> RedisResult<MultiplexedConnection> {
    let (doubted, hearing) = (Arc::clone(doubt), ear.cloned());
    let config = AsyncConnectionConfig::new().set_push_sender(move |message: PushInfo| {
        match (&message.kind, &hearing) {
            (PushKind::Disconnection, _) => doubted.raise(true),
            (PushKind::Message, Some(ear)) => ear.hear(&message),
            _ => {}
        }
        Ok::<(), redis::aio::SendError>(())
    });
    let mut connection = dialling.connect(config).await?;
    if let Some(ear) = ear {
        connection.subscribe(ear.channel()).await?;
        ear.listens();
    }
    Ok(connection)
}

/// Returns when the connection leads nowhere any more, and why.
async fn watch_over(mut connection: MultiplexedConnection, doubt: &Doubt, location: &str) -> String {
    loop {
        // Whether it was asked to look or a while has passed, it looks.
        let _ = timeout(PING_EVERY, doubt.look.notified()).await;
        if doubt.lost.load(Ordering::Relaxed) {
            return format!("{location}: the connection was lost");
        }
        let alive: RedisResult<String> = redis::cmd("PING").query_async(&mut connection).await;
        if let Err(error) = alive {
            return failure::said(&error, location);
        }
        doubt.doubted.store(false, Ordering::Relaxed);
    }
}

/// Between 0 and 1, so that those who lost the same server do not all come back at once.
fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0_u8);
    f64::from(u32::try_from(bits >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}
