//! Who answers: every provider there is, whether it can be used, and which one is meant when nobody names one.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use mcp_orchestrator::layers::{Health, health_of};
use mcp_orchestrator_domain::{InvalidName, ProviderName, Tier, clean_line};
use mcp_orchestrator_providers::{
    ExtractiveProvider, Provider,
    http::{self, Wire},
    keys::KeyRing,
};
use secrecy::SecretString;
use strsim::damerau_levenshtein;

use crate::{
    ProviderSettings, Settings, SettingsError,
    settings::{Origin, check_key_file},
};

/// How long a local server is given to show that it is there.
const PROBE_LIMIT: Duration = Duration::from_millis(400);

/// The writer that needs no model, key or network.
pub const EXTRACTIVE: &str = "extractive";

/// The providers under given settings and environment.
#[derive(Clone, Copy, Debug)]
pub struct Providers<'a> {
    settings: &'a Settings,
    environment: &'a BTreeMap<String, String>,
}

/// The provider that answers, and why this one.
#[derive(Clone)]
#[non_exhaustive]
pub struct Choice {
    /// Its name.
    pub name: ProviderName,
    /// Why this one.
    pub reason: Reason,
    /// The provider.
    pub provider: Arc<dyn Provider>,
}

/// Why a provider was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The request names it.
    Named,
    /// `provider.fallback` names it, for when another one cannot answer.
    Fallback,
    /// The settings name it.
    Configured(Origin),
    /// Its key is the first one found.
    FirstKey(Origin),
    /// Nobody has a key, and it answers on this machine.
    Answers,
    /// Nobody has a key, no local server answers, and there are documents.
    OnlyDocuments,
}

/// Why no provider answers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderChoiceError {
    /// The name is none.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// Nobody has this name.
    #[error("no provider is named {name:?}{}; known are {}", did_you_mean(.nearest.as_deref()), .known.join(", "))]
    Unknown {
        /// As given.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
        /// Every name.
        known: Vec<String>,
    },
    /// It has no key.
    #[error("provider {name} has no key: set {}, or `provider.{name}.api_key_file` in the settings", .variables.join(" or "))]
    MissingKey {
        /// The provider.
        name: String,
        /// Variables that could hold its key.
        variables: &'static [&'static str],
    },
    /// A setting of it is broken.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It cannot be set up: its address, for example.
    #[error("provider {name} cannot be set up: {detail}")]
    Setup {
        /// The provider.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// Nobody was named, nobody has a key, and there is nothing to search.
    #[error(
        "no provider can answer: name one with --provider or `provider.default`, set a key ({}), start Ollama, or give \
         documents with --corpus, which need no model",
        .variables.join(", ")
    )]
    NobodyAnswers {
        /// Variables that could hold a key.
        variables: Vec<&'static str>,
    },
}

impl<'a> Providers<'a> {
    /// The providers of a process.
    #[must_use]
    pub const fn new(settings: &'a Settings, environment: &'a BTreeMap<String, String>) -> Self {
        Self { settings, environment }
    }

    /// The provider that answers: the one named, else the configured one, else the first with a key, else Ollama if it
    /// answers, else the extractive writer if there are documents.
    ///
    /// Only the search for Ollama uses the network, and takes 400 ms at most. Dropping the future stops it.
    ///
    /// # Errors
    /// [`ProviderChoiceError`].
    pub async fn choose(&self, named: Option<&str>, has_documents: bool) -> Result<Choice, ProviderChoiceError> {
        if let Some(name) = named {
            return self.named(name, Reason::Named);
        }
        if let Some((name, origin)) = &self.settings.provider_default {
            return self.named(name, Reason::Configured(origin.clone()));
        }
        for vendor in http::catalogue().iter().filter(|vendor| !vendor.is_local()) {
            if let Some((_, origin)) = self.key(vendor)? {
                return self.named(vendor.name, Reason::FirstKey(origin));
            }
        }
        let ollama = self.named("ollama", Reason::Answers)?;
        if let Health::Up(_) = health_of(&*ollama.provider, PROBE_LIMIT).await {
            return Ok(ollama);
        }
        if has_documents {
            return self.named(EXTRACTIVE, Reason::OnlyDocuments);
        }
        let variables = http::catalogue().iter().filter_map(|vendor| vendor.key_env.first().copied()).collect();
        Err(ProviderChoiceError::NobodyAnswers { variables })
    }

    /// The provider of that name.
    ///
    /// # Errors
    /// [`ProviderChoiceError`] when nobody has that name, its key is missing or its settings are broken.
    pub fn named(&self, name: &str, reason: Reason) -> Result<Choice, ProviderChoiceError> {
        let parsed = ProviderName::new(name)?;
        let vendor = http::vendor(name);
        let key = match vendor {
            Some(vendor) => self.key(vendor)?,
            None => own_key(&self.own(name)),
        };
        if let Some(vendor) = vendor.filter(|vendor| key.is_none() && !vendor.is_local()) {
            return Err(ProviderChoiceError::MissingKey { name: name.to_owned(), variables: vendor.key_env });
        }
        Ok(Choice { name: parsed, reason, provider: self.build(name, key)? })
    }

    /// The provider of that name, with this key.
    pub(crate) fn build(
        &self,
        name: &str,
        key: Option<(KeySource, Origin)>,
    ) -> Result<Arc<dyn Provider>, ProviderChoiceError> {
        let own = self.own(name);
        let builder = if name == EXTRACTIVE {
            return Ok(Arc::new(ExtractiveProvider::new()));
        } else if let Some(vendor) = http::vendor(name) {
            vendor.provider(None).with_base_url(self.base_url(vendor)).with_wire(self.wire(vendor))
        } else if let Some((url, _)) = &own.base_url {
            http::HttpProvider::builder(name, url).with_wire(own.wire.unwrap_or_default())
        } else {
            return Err(self.unknown(name));
        };
        let setup = |detail: String| ProviderChoiceError::Setup { name: name.to_owned(), detail };
        let provider = with_own(with_key(builder, key), &own).build().map_err(|error| setup(error.to_string()))?;
        Ok(Arc::new(provider))
    }

    /// The providers that are asked when `chosen` cannot answer: those `provider.fallback` names, but for those that are
    /// chosen already. None when no model was chosen: nothing else is needed then.
    ///
    /// # Errors
    /// [`ProviderChoiceError`] as [`Providers::named`].
    pub fn fallbacks(&self, chosen: &[Choice]) -> Result<Vec<Choice>, ProviderChoiceError> {
        if chosen.iter().all(|choice| !choice.provider.capabilities(None).is_model) {
            return Ok(Vec::new());
        }
        let is_new = |name: &&ProviderName| chosen.iter().all(|choice| choice.name != **name);
        let names = self.settings.provider_fallback.iter().filter(is_new);
        names.map(|name| self.named(name.as_str(), Reason::Fallback)).collect()
    }

    pub(crate) fn own(&self, name: &str) -> ProviderSettings {
        self.settings.providers.get(name).cloned().unwrap_or_default()
    }

    /// Providers that only the settings know.
    pub(crate) fn custom(&self) -> impl Iterator<Item = (&String, &ProviderSettings)> {
        let is_custom = |name: &str| http::vendor(name).is_none() && name != EXTRACTIVE;
        self.settings.providers.iter().filter(move |(name, own)| is_custom(name) && own.base_url.is_some())
    }

    /// A service's key: settings given for this process, then the service's own variables, then settings files.
    pub(crate) fn key(&self, vendor: &http::Vendor) -> Result<Option<(KeySource, Origin)>, SettingsError> {
        let own = own_key(&self.own(vendor.name));
        if let Some((_, Origin::Env(_) | Origin::Flag(_))) = own {
            return Ok(own);
        }
        for variable in vendor.key_env {
            if let Some(text) = self.variable(variable) {
                let key = KeySource::Given(SecretString::from(text.to_owned()));
                return Ok(Some((key, Origin::Env((*variable).to_owned()))));
            }
            let file_variable = format!("{variable}_FILE");
            if let Some(path) = self.variable(&file_variable) {
                let origin = Origin::Env(file_variable.clone());
                check_key_file(&file_variable, Path::new(path), &origin)?;
                return Ok(Some((KeySource::File(path.into()), origin)));
            }
        }
        Ok(own)
    }

    pub(crate) fn base_url(&self, vendor: &http::Vendor) -> String {
        let own = self.own(vendor.name).base_url;
        if let Some((url, Origin::Env(_) | Origin::Flag(_))) = own {
            return url;
        }
        if let Some(url) = self.variable(vendor.base_url_env) {
            return url.to_owned();
        }
        if let Some(host) = vendor.host_env.and_then(|variable| self.variable(variable)) {
            return vendor.base_url_of_host(host);
        }
        own.map_or_else(|| vendor.base_url.to_owned(), |(url, _)| url)
    }

    /// How a service is talked to: as the settings say, else as it is at its address.
    pub(crate) fn wire(&self, vendor: &http::Vendor) -> Wire {
        self.own(vendor.name).wire.unwrap_or_else(|| vendor.wire_at(&self.base_url(vendor)))
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn unknown(&self, name: &str) -> ProviderChoiceError {
        let mut known: Vec<String> = http::catalogue().iter().map(|vendor| vendor.name.to_owned()).collect();
        known.extend(self.custom().map(|(name, _)| name.clone()));
        known.push(EXTRACTIVE.to_owned());
        let nearest = known
            .iter()
            .map(|candidate| (damerau_levenshtein(name, candidate), candidate))
            .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, candidate)| candidate.clone());
        ProviderChoiceError::Unknown { name: clean_line(name, 80), nearest, known }
    }
}

/// Where a provider's keys come from.
pub(crate) enum KeySource {
    Given(SecretString),
    /// A file, read again when it changes.
    File(PathBuf),
}

pub(crate) fn own_key(own: &ProviderSettings) -> Option<(KeySource, Origin)> {
    let given = own.api_key.clone().map(|(secret, origin)| (KeySource::Given(secret), origin));
    given.or_else(|| own.api_key_file.clone().map(|(path, origin)| (KeySource::File(path), origin)))
}

fn with_key(builder: http::HttpProviderBuilder, key: Option<(KeySource, Origin)>) -> http::HttpProviderBuilder {
    match key {
        Some((KeySource::Given(secret), _)) => builder.with_key(secret),
        Some((KeySource::File(path), _)) => builder.with_keys(Arc::new(KeyRing::from_file(path))),
        None => builder,
    }
}

/// What the settings say of a provider's models and what they cost. A model for all comes before those of single parts.
fn with_own(mut builder: http::HttpProviderBuilder, own: &ProviderSettings) -> http::HttpProviderBuilder {
    if let Some(model) = &own.model {
        builder = builder.with_default_model(model);
    }
    for (tier, model) in [(Tier::Worker, &own.worker_model), (Tier::Synthesis, &own.synthesis_model)] {
        if let Some(model) = model {
            builder = builder.with_tier_model(tier, model);
        }
    }
    if let Some(effort) = own.effort {
        builder = builder.with_effort(effort);
    }
    if let Some(tokens) = own.context_tokens {
        builder = builder.with_context_tokens(tokens);
    }
    if let Some(images) = own.images {
        builder = builder.with_images(images);
    }
    own.prices.iter().fold(builder, |builder, (model, price)| builder.with_price(model, price.clone()))
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choice").field("name", &self.name).field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named => f.write_str("named in the request"),
            Self::Fallback => f.write_str("`provider.fallback` names it"),
            Self::Configured(origin) => write!(f, "`provider.default` from {origin}"),
            Self::FirstKey(origin) => write!(f, "the first key found, from {origin}"),
            Self::Answers => f.write_str("no key is set, and it answers on this machine"),
            Self::OnlyDocuments => f.write_str("no key is set and no local model answers: quotes without a model"),
        }
    }
}
