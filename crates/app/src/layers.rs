//! What goes around each provider: a governor and a circuit breaker, with the numbers of the settings. Owns their order.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::layers::{BreakerLimits, CircuitBreaker, Governor, GovernorLimits, StoreLimits};
use mcp_orchestrator_providers::Provider;
use mcp_orchestrator_store::Store;

use crate::ProviderSettings;

/// A longer pause is not waited out here: the engine parks the call, or asks another provider.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A provider as the engine asks it: held to its limits, which all processes on the store share, and left alone for a while
/// when it keeps failing. What is no model and needs no network is as it was.
///
/// What the settings do not say is as [`GovernorLimits`] and [`BreakerLimits`] have it by default; no failures
/// (`breaker_failures = 0`) is no breaker.
pub fn layered(provider: Arc<dyn Provider>, settings: &ProviderSettings, store: &Arc<dyn Store>) -> Arc<dyn Provider> {
    if !provider.capabilities(None).is_model {
        return provider;
    }
    let default = GovernorLimits::default();
    let limits = GovernorLimits {
        requests_per_minute: settings.requests_per_minute,
        tokens_per_minute: settings.tokens_per_minute,
        concurrency_max: settings.concurrency_max.unwrap_or(default.concurrency_max),
        wait_max: WAIT_MAX,
        ..default
    };
    let shared = StoreLimits::new(Arc::clone(store));
    let governor = Governor::around(provider, limits).with_shared(Arc::new(shared));
    let default = BreakerLimits::default();
    match settings.breaker_failures.unwrap_or(default.failures_max) {
        0 => Arc::new(governor),
        failures_max => {
            let pause = settings.breaker_pause.unwrap_or(default.pause);
            Arc::new(CircuitBreaker::new(governor, BreakerLimits { failures_max, pause }))
        }
    }
}
