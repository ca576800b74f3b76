//! Whether a provider is there. Owns the time limit.

use std::time::Duration;

use mcp_orchestrator_domain::{Failure, FailureClass};
use tokio::time::{Instant, timeout};

use crate::Provider;

/// How long a provider is given to show that it is there, when nobody says.
pub const HEALTH_LIMIT: Duration = Duration::from_secs(5);

/// Whether a provider is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Health {
    /// It answered, after so long.
    Up(Duration),
    /// It did not, and why.
    Down(Failure),
}

/// Asks a provider whether it is there and takes its key, as [`Provider::check`] does, within a time limit. Costs nothing.
/// Dropping the future stops asking.
///
/// ```
/// # use mcp_orchestrator_providers::{Provider, layers::{HEALTH_LIMIT, Health, health_of}};
/// async fn is_up(service: &dyn Provider) -> bool {
///     matches!(health_of(service, HEALTH_LIMIT).await, Health::Up(_))
/// }
/// ```
pub async fn health_of(provider: &dyn Provider, limit: Duration) -> Health {
    let began = Instant::now();
    match timeout(limit, provider.check()).await {
        Ok(Ok(())) => Health::Up(began.elapsed()),
        Ok(Err(error)) => Health::Down(error.failure),
        Err(_) => {
            let message = format!("{} did not answer within {} ms", provider.name(), limit.as_millis());
            Health::Down(Failure::new(FailureClass::Timeout, message))
        }
    }
}
