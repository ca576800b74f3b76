//! Settings of providers: who they are, what they are asked for, how hard, and what their models cost. Owns their shape and the
//! rules that hold between them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use mcp_orchestrator_domain::{ModelName, Money, ProviderName};
use mcp_orchestrator_providers::{
    ModelPrice, TokenRate,
    http::{Effort, Wire},
};
use secrecy::SecretString;

use super::{
    SettingsError,
    layer::{Layer, Origin, Value},
};

/// Settings of one provider.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProviderSettings {
    /// Its key, with where it is from. Never shown.
    pub api_key: Option<(SecretString, Origin)>,
    /// The file with its keys, one a line, with where that is from. `None` when [`api_key`](Self::api_key) is set.
    pub api_key_file: Option<(PathBuf, Origin)>,
    /// Its address, with where it is from.
    pub base_url: Option<(String, Origin)>,
    /// Its model, for every part of the work without one of its own.
    pub model: Option<String>,
    /// The model of its agents.
    pub worker_model: Option<String>,
    /// The model that merges and writes.
    pub synthesis_model: Option<String>,
    /// Whether its models see images; `None`: as the table of models says.
    pub images: Option<bool>,
    /// How many tokens of a prompt it takes; a longer one is not sent.
    pub context_tokens: Option<u64>,
    /// What its models cost, by model; `*` is any model.
    pub prices: BTreeMap<String, ModelPrice>,
    /// How it is talked to.
    pub wire: Option<Wire>,
    /// How hard its models think.
    pub effort: Option<Effort>,
    /// Requests in any minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens in any minute.
    pub tokens_per_minute: Option<u64>,
    /// Requests that run at once at most.
    pub concurrency_max: Option<u32>,
    /// Failures in a row after which it is left alone for a while; 0: never.
    pub breaker_failures: Option<u32>,
    /// How long it is then left alone.
    pub breaker_pause: Option<Duration>,
}

/// Who is asked when another cannot answer.
pub(super) fn fallback(merged: &Layer) -> Result<Vec<ProviderName>, SettingsError> {
    let key = "provider.fallback";
    let Some((Value::Texts(names), origin)) = merged.get(key) else { return Ok(Vec::new()) };
    let parse = |name: &String| {
        ProviderName::new(name).map_err(|error| SettingsError::BadValue {
            key: key.to_owned(),
            origin: origin.clone(),
            detail: error.to_string(),
        })
    };
    names.iter().map(parse).collect()
}

/// Every provider that has a setting.
pub(super) fn providers(merged: &Layer) -> Result<BTreeMap<String, ProviderSettings>, SettingsError> {
    let mut providers: BTreeMap<String, ProviderSettings> = BTreeMap::new();
    for (key, (value, origin)) in merged {
        let Some((name, field)) = key.strip_prefix("provider.").and_then(|rest| rest.split_once('.')) else { continue };
        let provider = providers.entry(name.to_owned()).or_default();
        match (field, value) {
            // A key itself wins over a file with a key: it is the more direct statement.
            ("api_key", Value::Secret(secret)) => provider.api_key = Some((secret.clone(), origin.clone())),
            ("api_key_file", Value::Paths(paths)) if provider.api_key.is_none() => {
                let path = paths.first().cloned().unwrap_or_default();
                check_key_file(key, &path, origin)?;
                provider.api_key_file = Some((path, origin.clone()));
            }
            ("base_url", Value::Text(text)) => provider.base_url = Some((text.clone(), origin.clone())),
            ("model", Value::Text(text)) => provider.model = Some(text.clone()),
            ("worker_model", Value::Text(text)) => provider.worker_model = Some(text.clone()),
            ("synthesis_model", Value::Text(text)) => provider.synthesis_model = Some(text.clone()),
            ("images", Value::Text(text)) => provider.images = Some(text == "yes"),
            ("context_tokens", Value::Whole(number)) => provider.context_tokens = Some(*number),
            // Only these words get here.
            ("wire", Value::Text(text)) => provider.wire = text.parse().ok(),
            ("effort", Value::Text(text)) => provider.effort = text.parse().ok(),
            // Only numbers that fit get here.
            ("requests_per_minute", Value::Whole(number)) => provider.requests_per_minute = (*number).try_into().ok(),
            ("tokens_per_minute", Value::Whole(number)) => provider.tokens_per_minute = Some(*number),
            ("concurrency_max", Value::Whole(number)) => provider.concurrency_max = (*number).try_into().ok(),
            ("breaker_failures", Value::Whole(number)) => provider.breaker_failures = (*number).try_into().ok(),
            ("breaker_pause", Value::Duration(pause)) => provider.breaker_pause = Some(*pause),
            _ => {}
        }
    }
    for ((name, model), price) in prices(merged)? {
        providers.entry(name.to_string()).or_default().prices.insert(model, price);
    }
    Ok(providers)
}

/// The declared prices, by `provider/model`.
fn prices(merged: &Layer) -> Result<BTreeMap<(ProviderName, String), ModelPrice>, SettingsError> {
    let of_prices = merged.iter().filter_map(|(key, set)| {
        let (name, field) = key.strip_prefix("price.")?.rsplit_once('.')?;
        Some((name, field, set))
    });
    let mut drafts: BTreeMap<&str, PriceDraft<'_>> = BTreeMap::new();
    for (name, field, (value, origin)) in of_prices {
        let draft = drafts.entry(name).or_insert_with(|| PriceDraft::of(name, origin));
        match (field, value) {
            ("input", Value::Usd(amount)) => draft.input = Some(*amount),
            ("output", Value::Usd(amount)) => draft.output = Some(*amount),
            ("cached", Value::Usd(amount)) => draft.cached = Some(*amount),
            ("cache_write", Value::Usd(amount)) => draft.cache_write = Some(*amount),
            ("source", Value::Text(text)) => draft.source = Some(text.clone()),
            ("date", Value::Text(text)) => draft.date = Some(text.clone()),
            _ => {}
        }
    }
    drafts.into_values().map(PriceDraft::parse).collect()
}

/// A price as it is written, before it is known to be whole.
struct PriceDraft<'a> {
    name: &'a str,
    origin: &'a Origin,
    input: Option<Money>,
    output: Option<Money>,
    cached: Option<Money>,
    cache_write: Option<Money>,
    source: Option<String>,
    date: Option<String>,
}

impl<'a> PriceDraft<'a> {
    const fn of(name: &'a str, origin: &'a Origin) -> Self {
        let (input, output, cached, cache_write) = (None, None, None, None);
        Self { name, origin, input, output, cached, cache_write, source: None, date: None }
    }

    fn parse(self) -> Result<((ProviderName, String), ModelPrice), SettingsError> {
        let Self { name, origin, input, output, cached, cache_write, source, date } = self;
        let bad = |detail: String| SettingsError::BadValue {
            key: format!("price.\"{name}\""),
            origin: origin.clone(),
            detail,
        };
        let (provider, model) =
            name.split_once('/').ok_or_else(|| bad("names no model, expected \"PROVIDER/MODEL\"".to_owned()))?;
        let provider = ProviderName::new(provider).map_err(|error| bad(error.to_string()))?;
        if model != "*" {
            ModelName::new(model).map_err(|error| bad(error.to_string()))?;
        }
        let missing = |field: &str| bad(format!("has no `{field}`, US dollars for a million tokens"));
        let rate = TokenRate {
            input: input.ok_or_else(|| missing("input"))?,
            output: output.ok_or_else(|| missing("output"))?,
            cached,
            cache_write,
        };
        let source = source.unwrap_or_else(|| format!("settings ({origin})"));
        Ok(((provider, model.to_owned()), ModelPrice { rate, long: None, source, date }))
    }
}

/// Whether a file of keys can be read and holds one. It is read again when a key is needed.
pub(crate) fn check_key_file(key: &str, path: &Path, origin: &Origin) -> Result<(), SettingsError> {
    let bad = |detail: String| SettingsError::BadValue { key: key.to_owned(), origin: origin.clone(), detail };
    let text = std::fs::read_to_string(path)
        .map_err(|error| bad(format!("names {}, which cannot be read: {error}", path.display())))?;
    match text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#')) {
        false => Err(bad(format!("names {}, which is empty", path.display()))),
        true => Ok(()),
    }
}
