//! One question to one service: waiting for its turn, the request, what its status means, a second try. Owns these; the
//! request and the answer are the service's.

use std::{fmt, sync::Arc, time::Duration};

use mcp_orchestrator_egress::{BaseUrl, HttpClient, Response};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout};

use super::{
    Contact, SearchError, SearchSource, SharedPace,
    pace::Pace,
    refusal,
    source::{Ask, Page, Unread},
};

/// How long a search may wait for its turn, pauses included.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(45);
/// How long one request may take when nobody says.
pub(super) const REQUEST_TIME: Duration = Duration::from_secs(20);
/// Bytes of one answer, after decompression.
const BODY_BYTES_MAX: usize = 2 << 20;
/// Bytes of an error's body that are looked at.
const ERROR_BYTES_MAX: usize = 4 << 10;
/// Tries after a service failed or broke off, the first included.
const TRIES_MAX: u32 = 2;
/// Refusals of one search that are waited out.
const REFUSALS_MAX: u32 = 3;

/// How a service is asked. What is `None` is as the source itself says.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct SearchOptions {
    /// Its address.
    pub base_url: Option<BaseUrl>,
    /// The operator's key. Never shown.
    pub key: Option<SecretString>,
    /// Who the service can write to.
    pub contact: Option<Contact>,
    /// Questions in any minute.
    pub per_minute: Option<u32>,
    /// How long one request may take. Default 20 s.
    pub request_time: Option<Duration>,
    /// Where rates and pauses are kept for all processes.
    pub shared: Option<Arc<dyn SharedPace>>,
}

/// A service that can be asked.
pub(super) struct Asking {
    source: &'static SearchSource,
    client: HttpClient,
    base_url: BaseUrl,
    key: Option<SecretString>,
    contact: Option<Contact>,
    request_time: Duration,
    pace: Pace,
}

/// Why one request brought no page.
enum Failed {
    Throttled(Option<Duration>),
    Otherwise(SearchError),
}

impl Asking {
    pub(super) fn new(
        source: &'static SearchSource,
        client: HttpClient,
        base_url: BaseUrl,
        options: SearchOptions,
    ) -> Self {
        let per_minute = options.per_minute.unwrap_or(source.per_minute);
        Self {
            source,
            client,
            base_url,
            key: options.key,
            contact: options.contact,
            request_time: options.request_time.unwrap_or(REQUEST_TIME),
            pace: Pace::new(source.name, per_minute, source.at_once, options.shared),
        }
    }

    /// How long [`ask`](Self::ask) takes at most, and a little.
    pub(super) fn time_limit(&self) -> Duration {
        time_limit(self.request_time)
    }

    /// Asks, and asks again when the service was only busy or failed once. Dropping the future closes the connection and
    /// gives up the place in the line.
    pub(super) async fn ask(&self, query: &str, limit: u16) -> Result<Page, SearchError> {
        let until = Instant::now() + WAIT_MAX;
        let (mut tries, mut refusals) = (0, 0);
        loop {
            let pass = self.pace.admitted(until).await?;
            let asked = timeout(self.request_time, self.once(query, limit)).await;
            drop(pass);
            let failed = match asked {
                Ok(Ok(page)) => {
                    self.pace.answered();
                    if let Some(pause) = page.pause {
                        self.pace.rest(pause).await;
                    }
                    return Ok(page);
                }
                Ok(Err(failed)) => failed,
                Err(_) => {
                    Failed::Otherwise(SearchError::TimedOut { service: self.source.name, after: self.request_time })
                }
            };
            match failed {
                Failed::Throttled(pause) => {
                    self.pace.refused(pause).await;
                    refusals += 1;
                    if refusals >= REFUSALS_MAX {
                        let pause = pause.unwrap_or(Duration::from_secs(60));
                        return Err(SearchError::Parked { service: self.source.name, pause });
                    }
                }
                Failed::Otherwise(error) => {
                    tries += 1;
                    if tries >= TRIES_MAX || !error.may_pass() {
                        tracing::debug!(source = self.source.name, %error, "a search service did not answer");
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn once(&self, query: &str, limit: u16) -> Result<Page, Failed> {
        let service = self.source.name;
        let key = self.key.as_ref().map(|key| key.expose_secret());
        let ask = Ask { query, limit, key, mail: self.contact.as_ref().and_then(Contact::mail) };
        let request = (self.source.ask)(&self.base_url, &ask)
            .with_header("user-agent", user_agent(self.contact.as_ref()))
            .with_head_timeout(self.request_time)
            .with_idle_timeout(self.request_time)
            .with_body_max(BODY_BYTES_MAX);
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|cause| Failed::Otherwise(SearchError::Unreachable { service, cause }))?;
        let (status, pause) = (answer.status(), refusal::pause_of(&answer));
        if !answer.is_success() {
            return Err(self.failure(answer, status, pause).await);
        }
        let body = answer.body().await;
        let body = body.map_err(|cause| Failed::Otherwise(SearchError::Unreachable { service, cause }))?;
        match (self.source.read)(&body) {
            Ok(page) => Ok(Page { pause: page.pause.max(pause), ..page }),
            Err(Unread::Throttled(said)) => Err(Failed::Throttled(said.or(pause))),
            Err(Unread::Question) => Err(Failed::Otherwise(SearchError::Question { service, status })),
            Err(Unread::Malformed(detail)) => Err(Failed::Otherwise(SearchError::Malformed { service, detail })),
        }
    }

    async fn failure(&self, answer: Response, status: u16, pause: Option<Duration>) -> Failed {
        let service = self.source.name;
        let body = answer.body_prefix(ERROR_BYTES_MAX).await;
        let words = refusal::throttled(&body);
        match (status, words) {
            (429, words) => Failed::Throttled(pause.or_else(|| words.flatten())),
            (503, _) if pause.is_some() => Failed::Throttled(pause),
            (400..=403 | 503, Some(said)) => Failed::Throttled(pause.or(said)),
            (403, None) if pause.is_some() => Failed::Throttled(pause),
            (401..=403, None) => Failed::Otherwise(SearchError::Key { service, status }),
            (400..=499, _) => Failed::Otherwise(SearchError::Question { service, status }),
            _ => Failed::Otherwise(SearchError::Service { service, status }),
        }
    }
}

/// How long a search takes at most when each request may take so long.
pub(super) fn time_limit(request_time: Duration) -> Duration {
    WAIT_MAX + request_time * (TRIES_MAX + REFUSALS_MAX) + Duration::from_secs(1)
}

/// Who asks, and who answers for it.
fn user_agent(contact: Option<&Contact>) -> String {
    let program = concat!("mcp-orchestrator/", env!("CARGO_PKG_VERSION"));
    match contact {
        Some(contact) => format!("{program} ({})", contact.as_str()),
        None => program.to_owned(),
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking")
            .field("source", &self.source.name)
            .field("base_url", &self.base_url)
            .field("has_key", &self.key.is_some())
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SearchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SearchOptions")
            .field("base_url", &self.base_url)
            .field("has_key", &self.key.is_some())
            .field("contact", &self.contact)
            .field("per_minute", &self.per_minute)
            .finish_non_exhaustive()
    }
}
