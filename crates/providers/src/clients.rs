//! Providers made on demand, of whom only the last used ones are kept. Owns how many and for how long.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mcp_orchestrator_egress::HttpClient;
use tokio::time::Instant;

use crate::{Provider, recent::Recent};

/// Keeps the 32 providers that were used last, each for an hour, over one pool of connections: for programs that ask with
/// the keys of their users, of whom there are many.
///
/// A provider that is no longer kept goes on for those who hold it. Making one is not shared: two who ask for the same new
/// one at the same moment may each make it, and the later one is kept.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use mcp_orchestrator_providers::{Provider, clients::Clients, http};
///
/// let clients = Clients::default();
/// let of_user = clients.find_or_make("user-7", |pool| {
///     let groq = http::vendor("groq").expect("it is in the catalogue").provider(Some("gsk-of-user-7".into()));
///     groq.with_http(pool).build().map(|provider| Arc::new(provider) as Arc<dyn Provider>)
/// })?;
/// assert_eq!(of_user.name().as_str(), "groq");
/// # Ok(())
/// # }
/// ```
pub struct Clients {
    pool: HttpClient,
    kept: Mutex<Recent<String, Arc<dyn Provider>>>,
}

impl Clients {
    /// Providers kept at most.
    pub const KEPT_MAX: usize = 32;

    /// How long a provider is kept after it was made.
    pub const KEPT_FOR: Duration = Duration::from_hours(1);

    /// Providers over these connections.
    #[must_use]
    pub fn new(pool: HttpClient) -> Self {
        Self { pool, kept: Mutex::new(Recent::new(Self::KEPT_MAX, Self::KEPT_FOR)) }
    }

    /// The provider of that name, made with the shared pool if it is not kept. The name is never shown; a key is none all the
    /// same: it would be kept as it is.
    ///
    /// # Errors
    /// What `make` says.
    pub fn find_or_make<E>(
        &self,
        name: &str,
        make: impl FnOnce(HttpClient) -> Result<Arc<dyn Provider>, E>,
    ) -> Result<Arc<dyn Provider>, E> {
        let known = self.kept.lock().unwrap_or_else(PoisonError::into_inner).find(name, Instant::now());
        if let Some(known) = known {
            return Ok(known);
        }
        let made = make(self.pool.clone())?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.put(name.to_owned(), Arc::clone(&made), Instant::now());
        Ok(made)
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self::new(HttpClient::default())
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("kept", &self.len()).finish_non_exhaustive()
    }
}
