//! Who answers and whether they are there. Owns when providers are asked: only on request, all at once, and not again at once.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use mcp_orchestrator::{
    Provider,
    layers::{HEALTH_LIMIT, Health, health_of},
};
use mcp_orchestrator_domain::{FailureClass, clean_line};
use tokio::{sync::Mutex, task::JoinSet};

use crate::{
    Api, ApiError, Code,
    view::{HealthView, ProviderView, ProvidersView},
};

/// What was found holds for so long: clients that ask again and again cost the services nothing.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// What was found last. Held while providers are asked, so that one request asks for all.
#[derive(Clone, Default)]
pub(crate) struct Found(Arc<Mutex<Option<Look>>>);

/// What was found of each provider, in the order of the list.
struct Look {
    at: Instant,
    found: Vec<HealthView>,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Found")
    }
}

impl Api {
    /// Who answers, the default one first. `health`: whether each is there and takes its key, which asks all of them at once,
    /// takes five seconds at most, costs nothing, and holds for five seconds.
    pub async fn providers(&self, health: bool) -> ProvidersView {
        let all = self.handle.providers();
        let mut providers: Vec<ProviderView> =
            all.iter().zip(0..).map(|(provider, at)| ProviderView::of(provider.as_ref(), at == 0)).collect();
        if health {
            for (provider, found) in providers.iter_mut().zip(self.health(all).await) {
                provider.health = Some(found);
            }
        }
        ProvidersView { count: providers.len(), providers }
    }

    /// One of them with the models it is known to have; `health` as in [`Api::providers`].
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn provider(&self, name: &str, health: bool) -> Result<ProviderView, ApiError> {
        let all = self.handle.providers();
        let known = all.iter().find(|provider| provider.name().as_str() == name);
        let models = known.map(|provider| provider.models()).ok_or_else(|| unknown(name, &all))?;
        let view = self.providers(health).await.providers.into_iter().find(|view| view.name == name);
        view.map(|view| view.with_models(models)).ok_or_else(|| unknown(name, &all))
    }

    async fn health(&self, all: Vec<Arc<dyn Provider>>) -> Vec<HealthView> {
        let mut last = self.found.0.lock().await;
        if let Some(look) = last.as_ref().filter(|look| look.at.elapsed() < FRESH_FOR) {
            return look.found.clone();
        }
        let mut asked = JoinSet::new();
        let count = all.len();
        for (provider, at) in all.into_iter().zip(0..) {
            asked.spawn(async move { (at, health_of(provider.as_ref(), HEALTH_LIMIT).await, provider) });
        }
        let mut answers: Vec<Option<HealthView>> = vec![None; count];
        while let Some(answer) = asked.join_next().await {
            let Ok((at, health, provider)) = answer else { continue };
            let view = match health {
                Health::Up(latency) => HealthView::up(latency),
                Health::Down(failure) => {
                    tracing::warn!(provider = %provider.name(), failure = %failure, "a provider is not there");
                    HealthView::down(failure.class)
                }
            };
            if let Some(place) = answers.get_mut::<usize>(at) {
                *place = Some(view);
            }
        }
        // Whoever panics when asked is not there.
        let found: Vec<HealthView> =
            answers.into_iter().map(|one| one.unwrap_or_else(|| HealthView::down(FailureClass::Internal))).collect();
        *last = Some(Look { at: Instant::now(), found: found.clone() });
        found
    }
}

fn unknown(name: &str, all: &[Arc<dyn Provider>]) -> ApiError {
    let names: Vec<&str> = all.iter().map(|provider| provider.name().as_str()).collect();
    let name = clean_line(name, 80);
    ApiError::new(Code::NotFound, format!("no provider is named {name:?}; there are {}", names.join(", ")))
}
