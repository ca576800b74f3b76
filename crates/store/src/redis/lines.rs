//! The connections of one store and what is sent over them: commands, pipelines, scripts. Owns how many there are and
//! which one is taken; does not know what the commands mean.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_orchestrator_domain::Timestamp;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisResult, Script, ServerErrorKind, ToRedisArgs};
use tokio::time::{Instant, timeout};

use super::{
    RedisOptions, failure,
    line::{Dialling, Ear, Line, PATIENCE, Wire},
};
use crate::{Now, StoreError};

/// Connections for commands. One would do; with a few, a large answer holds up less.
const COMMANDS: usize = 3;

/// How long a blob may take.
const BULK_RESPONSE: Duration = Duration::from_secs(60);

/// All connections of one store.
#[derive(Debug)]
pub(super) struct Lines {
    commands: [Line; COMMANDS],
    /// Blobs go another way, so that nobody waits behind one.
    bulk: Line,
    hints: Line,
    next: AtomicUsize,
    location: Arc<str>,
    /// How long an operation may take once there is a connection.
    patience: Duration,
    now: Clock,
    closed: AtomicBool,
}

/// The store's clock: Redis's own, or one that a test turns.
#[derive(Clone)]
struct Clock(Option<Now>);

/// A call of a script, not sent yet.
pub(super) struct Call {
    script: &'static Script,
    command: Cmd,
}

impl Lines {
    /// Begins to connect.
    pub(super) fn open(options: &RedisOptions, dialling: &Dialling, ear: Arc<dyn Ear>) -> Self {
        let bulk = Dialling { response: options.response.max(BULK_RESPONSE), ..dialling.clone() };
        Self {
            commands: std::array::from_fn(|_| Line::open(dialling.clone(), None)),
            bulk: Line::open(bulk, None),
            hints: Line::open(dialling.clone(), Some(ear)),
            next: AtomicUsize::new(0),
            location: Arc::clone(&dialling.location),
            patience: options.response * 2,
            now: Clock(options.now.clone()),
            closed: AtomicBool::new(false),
        }
    }

    /// Waits until hints are heard: for a while, and at least until a moment.
    pub(super) async fn hear(&self, until: Instant) -> Result<(), StoreError> {
        loop {
            match self.hints.connection(&self.location).await {
                Err(_) if Instant::now() < until => {}
                heard => return heard.map(drop),
            }
        }
    }

    /// Whether hints of other processes are heard now.
    pub(super) fn hears(&self) -> bool {
        self.hints.is_up()
    }

    /// Refuses everything from now on.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        for line in self.commands.iter().chain([&self.bulk, &self.hints]) {
            line.close();
        }
    }

    /// How long an operation takes at most: to have a connection, and to be answered.
    pub(super) fn patience(&self) -> Duration {
        PATIENCE + self.patience
    }

    /// Which server it is, without secrets.
    pub(super) fn location(&self) -> Arc<str> {
        Arc::clone(&self.location)
    }

    /// The time of a clock that is turned by hand; `None` when Redis's own is used.
    pub(super) fn manual_now(&self) -> Option<Timestamp> {
        self.now.0.as_ref().map(|now| now())
    }

    /// A call of a script on some keys, `meta` first.
    pub(super) fn call(&self, script: &'static LazyLock<Script>, keys: &[&str]) -> Call {
        let mut command = redis::cmd("EVALSHA");
        command.arg(script.get_hash()).arg(keys.len()).arg(keys).arg(self.manual_now().map_or_else(String::new, ms));
        Call { script, command }
    }

    /// Runs a script; loads it first where the server does not know it.
    pub(super) async fn run<T: FromRedisValue>(&self, call: Call) -> Result<T, StoreError> {
        let wire = self.any().await?;
        let mut connection = wire.connection.clone();
        let asking = async {
            match call.command.query_async(&mut connection).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    call.script.load_async(&mut connection).await?;
                    call.command.query_async(&mut connection).await
                }
                answer => answer,
            }
        };
        self.within(self.patience, &wire, asking).await
    }

    /// Sends one command.
    pub(super) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let wire = self.any().await?;
        let mut connection = wire.connection.clone();
        self.within(self.patience, &wire, command.query_async(&mut connection)).await
    }

    /// Sends several commands in one go. Others' may run between them.
    pub(super) async fn pipeline<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        let wire = self.any().await?;
        let mut connection = wire.connection.clone();
        self.within(self.patience, &wire, pipeline.query_async(&mut connection)).await
    }

    /// Sends one command that carries or fetches much.
    pub(super) async fn bulk<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let wire = self.wire(&self.bulk).await?;
        let mut connection = wire.connection.clone();
        self.within(self.patience.max(BULK_RESPONSE), &wire, command.query_async(&mut connection)).await
    }

    /// One of the connections for commands.
    pub(super) async fn any(&self) -> Result<Wire, StoreError> {
        self.wire(self.command_line()).await
    }

    /// Sends a command if that is possible now; whether it arrived nobody asks.
    pub(super) async fn try_command(&self, command: &Cmd) {
        if self.command_line().is_up() {
            let _: Result<redis::Value, StoreError> = self.command(command).await;
        }
    }

    async fn wire(&self, line: &Line) -> Result<Wire, StoreError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("it is closed".to_owned()));
        }
        line.connection(&self.location).await
    }

    /// One that is connected, each in turn; one that was silent only while there is no other.
    fn command_line(&self) -> &Line {
        let from = self.next.fetch_add(1, Ordering::Relaxed);
        let mut lines = (0..COMMANDS).map(|offset| &self.commands[(from.wrapping_add(offset)) % COMMANDS]);
        let clear = lines.clone().find(|line| line.is_clear());
        clear.or_else(|| lines.clone().find(|line| line.is_up())).or_else(|| lines.next()).unwrap_or(&self.commands[0])
    }

    /// Waits for an answer, and for the turn to ask.
    async fn within<T>(
        &self,
        patience: Duration,
        wire: &Wire,
        asking: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, StoreError> {
        match timeout(patience, asking).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                wire.failed(&error);
                Err(failure::store_error(&error, &self.location))
            }
            Err(_) => {
                wire.was_silent();
                Err(StoreError::Unavailable(format!("{}: no answer in time", self.location)))
            }
        }
    }
}

impl Call {
    /// One more argument.
    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.command.arg(argument);
        self
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "by hand" } else { "of Redis" })
    }
}

/// A moment as scripts read it.
pub(super) fn ms(moment: Timestamp) -> String {
    moment.as_millis().to_string()
}
