//! What an operator may choose about a Redis store. Owns the URL's meaning; opens nothing.

use std::{fmt, fs, time::Duration};

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, io::tcp::TcpSettings};

use crate::{Now, StoreError};

/// The names of everything we keep begin with this, unless the URL says otherwise.
const PREFIX: &str = "mcpo";

/// The longest prefix, in bytes: every name repeats it.
const PREFIX_MAX: usize = 64;

/// How long an answer may take. A server that syncs a busy disk answers within a second.
const RESPONSE: Duration = Duration::from_secs(5);

/// Probes begin after this much silence, and a peer that acknowledges nothing for this long is gone.
const SILENCE: Duration = Duration::from_secs(15);

/// Choices with good defaults.
///
/// ```
/// use mcp_orchestrator_store::RedisOptions;
///
/// let options = RedisOptions::from_url("redis://:secret@redis.internal:6379/2?prefix=research")?;
/// assert_eq!(options.location(), "redis://redis.internal:6379/2?prefix=research");
/// # Ok::<(), mcp_orchestrator_store::StoreError>(())
/// ```
#[derive(Clone)]
pub struct RedisOptions {
    pub(super) connection: ConnectionInfo,
    pub(super) encrypted: bool,
    pub(super) location: String,
    pub(super) prefix: String,
    pub(super) allow_volatile: bool,
    pub(super) authority: Option<Vec<u8>>,
    pub(super) now: Option<Now>,
    pub(super) response: Duration,
}

impl RedisOptions {
    /// Reads `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://…` for TLS. What follows `?`, joined by `&`:
    ///
    /// * `prefix=NAME` keeps several stores apart in one database;
    /// * `ca=PATH` names a file of PEM certificates to trust instead of the system's;
    /// * `allow_volatile=true` accepts a server that forgets everything when it restarts.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] saying what is wrong with it, without user and password.
    pub fn from_url(url: &str) -> Result<Self, StoreError> {
        let url = redis::parse_redis_url(url).ok_or_else(|| wrong("it is not a redis:// or rediss:// URL"))?;
        let encrypted = match url.scheme() {
            "redis" => false,
            "rediss" => true,
            _ => return Err(wrong("it is not a redis:// or rediss:// URL")),
        };
        if url.fragment().is_some() {
            return Err(wrong("it has a fragment, which means nothing here"));
        }
        let (mut prefix, mut allow_volatile, mut authority) = (PREFIX.to_owned(), false, None);
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("prefix", value) if is_prefix(value) => prefix = value.to_owned(),
                ("prefix", _) => {
                    return Err(wrong("its prefix must be 1 to 64 letters, digits, dots, dashes or underlines"));
                }
                ("ca", path) if encrypted => {
                    let read = fs::read(path).map_err(|error| wrong(&format!("its ca {path:?}: {error}")))?;
                    authority = Some(read);
                }
                ("ca", _) => return Err(wrong("it names a ca, and only rediss:// has a use for one")),
                ("allow_volatile", "true") => allow_volatile = true,
                ("allow_volatile", "false") => allow_volatile = false,
                ("allow_volatile", _) => return Err(wrong("its allow_volatile is neither true nor false")),
                (other, _) => return Err(wrong(&format!("it has an option {other:?}, and there is none"))),
            }
        }
        let mut plain = url;
        plain.set_query(None);
        let info = plain.into_connection_info().map_err(|error| wrong(error.category()))?;
        let database = info.redis_settings().db();
        let location = location(info.addr(), encrypted, database, &prefix);
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let connection = info.set_redis_settings(settings).set_tcp_settings(tcp());
        let response = RESPONSE;
        Ok(Self { connection, encrypted, location, prefix, allow_volatile, authority, now: None, response })
    }

    /// Where it is: the URL without user and password.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Another clock for leases, epochs and expiry than Redis's own. For tests: all processes must agree on it, and
    /// clocks of several machines do not.
    #[must_use]
    pub fn with_now(mut self, now: Now) -> Self {
        self.now = Some(now);
        self
    }

    /// How long an answer may take before an operation fails with [`StoreError::Unavailable`]. Five seconds unless said.
    #[must_use]
    pub const fn with_response_timeout(mut self, response: Duration) -> Self {
        self.response = response;
        self
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("location", &self.location)
            .field("allow_volatile", &self.allow_volatile)
            .field("response", &self.response)
            .finish_non_exhaustive()
    }
}

fn wrong(what: &str) -> StoreError {
    StoreError::Unavailable(format!("the URL of the Redis store: {what}"))
}

fn is_prefix(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !text.is_empty() && text.len() <= PREFIX_MAX && text.bytes().all(plain)
}

fn location(address: &ConnectionAddr, encrypted: bool, database: i64, prefix: &str) -> String {
    let scheme = if encrypted { "rediss" } else { "redis" };
    let suffix = if prefix == PREFIX { String::new() } else { format!("?prefix={prefix}") };
    let place = match address {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } if host.contains(':') => {
            format!("[{host}]:{port}")
        }
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
        _ => "elsewhere".to_owned(),
    };
    format!("{scheme}://{place}/{database}{suffix}")
}

/// A peer that vanished without a word is noticed.
fn tcp() -> TcpSettings {
    let keepalive = redis::io::tcp::socket2::TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE / 3);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(SILENCE);
    settings
}
