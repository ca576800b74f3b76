//! The parts of the server, put together: store, providers, documents, engine, webhooks, the api. Owns which goes where.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;
use mcp_orchestrator::{Handle, Orchestrator};
use mcp_orchestrator_api::{Api, Defaults};
use mcp_orchestrator_app::{
    Choice, EXTRACTIVE, LiveCorpora, ProviderChoiceError, Providers, Reason, Settings, StoreUrl, Web,
};
use mcp_orchestrator_egress::{ClientSettings, Guard, HttpClient};
use mcp_orchestrator_store::Store;
use mcp_orchestrator_webhooks::{WebhookSettings, Webhooks};

use crate::{setup::Setup, stop::Stop};

/// Workflows that may wait when nobody says: hours of work for a small cluster, and a queue that is still read in a moment.
const QUEUE_MAX: u64 = 10_000;
/// Workers in a row that may die of a workflow when nobody says.
const POISON_AFTER: u32 = 5;

/// Everything that runs, not serving yet.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) handle: Handle,
    pub(crate) webhooks: Webhooks,
    pub(crate) corpora: LiveCorpora,
    pub(crate) api: Api,
    pub(crate) store: Arc<dyn Store>,
}

/// Opens the store and starts the engine. Documents are not read yet.
pub(crate) async fn start(setup: &Setup) -> Result<Parts, Stop> {
    let url = StoreUrl::parse(&setup.settings.store_url).map_err(Stop::setting)?;
    let store = url.open().await.map_err(Stop::unavailable)?;
    let (chosen, missing) = providers(setup).await.map_err(Stop::setting)?;
    let corpora = LiveCorpora::new(setup.corpora.clone(), setup.folders.cache.join("corpora"));
    let mut builder = Orchestrator::builder_shared(Arc::clone(&store))
        .with_limits(setup.settings.limits)
        .with_running_max(setup.running_max)
        .with_poison_after(setup.settings.server.poison_after.unwrap_or(POISON_AFTER))
        .with_corpus_names(corpora.names().cloned());
    if let Some(workflows) = setup.settings.server.cluster_running_max {
        builder = builder.with_cluster_max(workflows);
    }
    match setup.settings.server.queue_max.unwrap_or(QUEUE_MAX) {
        0 => {}
        workflows => builder = builder.with_queue_max(workflows),
    }
    for choice in &chosen {
        builder = builder.with_shared_provider(Arc::clone(&choice.provider));
    }
    if !setup.corpora.is_empty() {
        for tool in corpora.tools() {
            builder = builder.with_shared_tool(tool);
        }
    }
    let web = Web::of(&setup.settings, false).map_err(Stop::setting)?;
    if web.is_on() {
        let asked = web.titles().collect::<Vec<_>>().join(", ");
        tracing::info!(asked, "agents ask search services: their search words leave this machine");
    }
    builder = web.join(builder, &setup.settings, &store);
    let handle = builder.build().map_err(Stop::setting)?.start();
    let webhooks = webhooks(setup, Arc::clone(&store))?;
    let api = Api::new(handle.clone(), webhooks.clone())
        .with_missing_providers(missing)
        .with_defaults(defaults(&setup.settings));
    if let Some(first) = chosen.first() {
        tracing::info!(provider = %first.name, because = %first.reason, store = %setup.settings.store_url, "ready to run");
    }
    Ok(Parts { handle, webhooks, corpora, api, store })
}

/// What holds for requests that do not say.
fn defaults(settings: &Settings) -> Defaults {
    let seconds = |setting: Option<std::time::Duration>| setting.map(|duration| duration.as_secs_f64());
    Defaults {
        document_formats: Some(settings.report_formats.clone()),
        timeout_seconds: seconds(settings.agent_timeout),
        workflow_timeout_seconds: seconds(settings.workflow_timeout),
        citation_gate: settings.gate_mode.clone(),
    }
}

/// Every provider that can answer, the default one first; and why each other known one cannot.
async fn providers(setup: &Setup) -> Result<(Vec<Choice>, BTreeMap<String, String>), ProviderChoiceError> {
    let providers = Providers::new(&setup.settings, &setup.environment);
    let mut chosen = vec![providers.choose(None, !setup.corpora.is_empty()).await?];
    chosen.extend(providers.fallbacks(&chosen)?);
    let mut missing = BTreeMap::new();
    for known in providers.known()? {
        if chosen.iter().any(|choice| choice.name.as_str() == known.name) {
            continue;
        }
        if known.name == EXTRACTIVE && setup.corpora.is_empty() {
            missing.insert(known.name, "has nothing to quote: this server has no corpus".to_owned());
            continue;
        }
        match providers.named(&known.name, Reason::Named) {
            Ok(choice) => chosen.push(choice),
            Err(error @ ProviderChoiceError::MissingKey { .. }) => drop(missing.insert(known.name, error.to_string())),
            Err(error) => return Err(error),
        }
    }
    Ok((chosen, missing))
}

/// Webhooks go to public addresses over HTTPS, and to what the operator allows beside.
fn webhooks(setup: &Setup, store: Arc<dyn Store>) -> Result<Webhooks, Stop> {
    let egress = &setup.settings.egress;
    let mut guard = Guard::public();
    if egress.allow_http {
        guard = guard.allow_http();
    }
    for rule in &egress.allow {
        if rule.contains('*') {
            let detail =
                anyhow::anyhow!("setting `egress.allow` has {rule:?}: name hosts or networks, for example 10.0.0.0/8");
            return Err(Stop::Setting(detail));
        }
        let is_net = rule.contains('/') || rule.parse::<std::net::IpAddr>().is_ok();
        let changed = if is_net { guard.allow_net(rule) } else { guard.allow_host(rule) };
        guard = changed.with_context(|| format!("setting `egress.allow` has {rule:?}")).map_err(Stop::Setting)?;
    }
    let mut client = ClientSettings::default();
    client.guard = guard;
    Ok(Webhooks::new(store, HttpClient::new(client), WebhookSettings::default()))
}
