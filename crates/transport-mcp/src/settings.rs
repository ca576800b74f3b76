//! What an operator decides about the MCP server, with the defaults that suit one person on one machine.

use std::time::Duration;

/// The longest `wait_seconds` a call may ask for, and the longest a wait may be set to.
pub const WAIT_MAX: Duration = Duration::from_secs(mcp_orchestrator_api::WAIT_SECONDS_MAX);

/// How the MCP server behaves. [`McpSettings::default`] serves this machine: loopback hosts, no browser.
#[derive(Clone)]
pub struct McpSettings {
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) is_checked_before: bool,
    pub(crate) body_max_bytes: usize,
    pub(crate) line_max_bytes: usize,
    pub(crate) sessions_max: usize,
    pub(crate) session_idle: Duration,
    pub(crate) wait: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) call_max: Duration,
    pub(crate) task_ttl: Duration,
    pub(crate) state_key: Option<[u8; 32]>,
}

impl Default for McpSettings {
    fn default() -> Self {
        Self {
            allowed_hosts: ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into(),
            allowed_origins: Vec::new(),
            is_checked_before: false,
            body_max_bytes: 4 * 1024 * 1024,
            line_max_bytes: 4 * 1024 * 1024,
            sessions_max: 1_000,
            session_idle: Duration::from_hours(4),
            wait: Duration::from_secs(45),
            heartbeat: Duration::from_secs(5),
            call_max: Duration::from_mins(5),
            task_ttl: Duration::from_hours(24 * 7),
            state_key: None,
        }
    }
}

impl std::fmt::Debug for McpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("McpSettings")
            .field("allowed_hosts", &self.allowed_hosts)
            .field("allowed_origins", &self.allowed_origins)
            .field("sessions_max", &self.sessions_max)
            .finish_non_exhaustive()
    }
}

impl McpSettings {
    /// The names this server may be called by: `Host` headers that name another are refused with 403, which keeps web
    /// pages from reaching a local server through DNS. `host` or `host:port`. Default: loopback.
    #[must_use]
    pub fn with_allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allowed_hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Web pages that may call: the `Origin`s allowed, each as `scheme://host:port` or `scheme://host:*`. A request with
    /// another origin is refused with 403; one without an origin is no browser's and passes. Default: none.
    #[must_use]
    pub fn with_allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allowed_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Leaves hosts and origins to whatever stands before the service and checks them for all routes alike. Without such a
    /// layer any web page can call.
    #[must_use]
    pub const fn with_hosts_checked_before(mut self) -> Self {
        self.is_checked_before = true;
        self
    }

    /// The largest HTTP body and the longest line over stdio, in bytes. Default: 4 MiB each.
    #[must_use]
    pub const fn with_message_max_bytes(mut self, bytes: usize) -> Self {
        self.body_max_bytes = bytes;
        self.line_max_bytes = bytes;
        self
    }

    /// Sessions of clients before protocol version 2026-07-28 that are kept at the same time. A new one beyond that
    /// displaces the one that has been idle longest; when all are busy it is refused with 503. Default: 1000, about 120 kB
    /// each.
    #[must_use]
    pub const fn with_sessions_max(mut self, sessions: usize) -> Self {
        self.sessions_max = sessions;
        self
    }

    /// How long such a session is kept without a message of its client. Default: 4 hours. A call that is silent for longer
    /// loses its answer, so this is never less than the longest wait.
    #[must_use]
    pub fn with_session_idle(mut self, idle: Duration) -> Self {
        self.session_idle = idle.max(self.call_max * 2);
        self
    }

    /// How long `orchestrate_*` and `wait_for_orchestration` wait when the call does not say. Default: 45 seconds, below
    /// the time-outs of the clients there are; at most [`WAIT_MAX`].
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait.min(WAIT_MAX);
        self
    }

    /// How often a wait reports progress to a client that asked for it. Default and maximum: 5 seconds.
    #[must_use]
    pub fn with_heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = every.clamp(Duration::from_millis(10), Duration::from_secs(5));
        self
    }

    /// How long a client may rely on a task after it was made. Default: 7 days; at least one. Nothing is deleted by it.
    #[must_use]
    pub fn with_task_ttl(mut self, ttl: Duration) -> Self {
        self.task_ttl = ttl.max(Duration::from_hours(24));
        self
    }

    /// The key that signs what a client sends back when it has been asked for input. Replicas that serve the same clients
    /// share one. Default: random, made when the server is built.
    #[must_use]
    pub const fn with_state_key(mut self, key: [u8; 32]) -> Self {
        self.state_key = Some(key);
        self
    }
}
