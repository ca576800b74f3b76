//! Every provider there is, as lists show it: its key, its address, its models. Asks nobody over the network.

use mcp_orchestrator_domain::Tier;
use mcp_orchestrator_providers::{
    ModelCard,
    http::{self, Wire},
};

use crate::{
    EXTRACTIVE, ProviderChoiceError, ProviderSettings, Providers, SettingsError,
    provider::own_key,
    settings::{Origin, without_userinfo},
};

/// A provider as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownProvider {
    /// What requests call it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Its key.
    pub key: KeyState,
    /// Its address without user and password; `None` for the extractive writer.
    pub base_url: Option<String>,
    /// How it is talked to; `None` for the extractive writer.
    pub wire: Option<Wire>,
    /// Its model when a request names none; `None`: the first one it offers.
    pub model: Option<String>,
    /// The model of its agents then; `None`: the same.
    pub worker_model: Option<String>,
    /// The model that merges and writes then; `None`: the same.
    pub synthesis_model: Option<String>,
}

/// Whether a provider has its key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// It needs none.
    NotNeeded,
    /// It has one, from there.
    Set(Origin),
    /// It has none; each of these variables could hold it.
    Missing(&'static [&'static str]),
}

impl Providers<'_> {
    /// Every provider: the known services in the order in which their keys are looked for, those only the settings
    /// know, then the extractive writer. Nothing is asked over the network.
    ///
    /// # Errors
    /// [`SettingsError`] when a key file cannot be read.
    pub fn known(&self) -> Result<Vec<KnownProvider>, SettingsError> {
        let mut known = Vec::new();
        for vendor in http::catalogue() {
            let own = self.own(vendor.name);
            let default = |tier| own.model.is_none().then(|| vendor.tier_model(tier)).flatten();
            let [model, worker_model, synthesis_model] = models(&own, Tier::ALL.map(default));
            known.push(KnownProvider {
                name: vendor.name.to_owned(),
                title: vendor.title.to_owned(),
                key: match self.key(vendor)? {
                    Some((_, origin)) => KeyState::Set(origin),
                    None if vendor.is_local() => KeyState::NotNeeded,
                    None => KeyState::Missing(vendor.key_env),
                },
                base_url: Some(without_userinfo(&self.base_url(vendor))),
                wire: Some(self.wire(vendor)),
                model,
                worker_model,
                synthesis_model,
            });
        }
        for (name, own) in self.custom() {
            let [model, worker_model, synthesis_model] = models(own, [None; 3]);
            known.push(KnownProvider {
                name: name.clone(),
                title: "from the settings".to_owned(),
                key: match own_key(own) {
                    Some((_, origin)) => KeyState::Set(origin),
                    None => KeyState::NotNeeded,
                },
                base_url: own.base_url.as_ref().map(|(url, _)| without_userinfo(url)),
                wire: Some(own.wire.unwrap_or_default()),
                model,
                worker_model,
                synthesis_model,
            });
        }
        known.push(KnownProvider {
            name: EXTRACTIVE.to_owned(),
            title: "quotes documents, without a model".to_owned(),
            key: KeyState::NotNeeded,
            base_url: None,
            wire: None,
            model: None,
            worker_model: None,
            synthesis_model: None,
        });
        Ok(known)
    }

    /// What is known of the models of a provider, by name, whether or not it has a key. Nothing is asked over the network, so
    /// it may have others.
    ///
    /// # Errors
    /// [`ProviderChoiceError`] when nobody has that name or its settings are broken.
    pub fn models(&self, name: &str) -> Result<Vec<ModelCard>, ProviderChoiceError> {
        Ok(self.build(name, None)?.models())
    }
}

/// The model of each tier: the settings', else the default; what is the same as the first is left out.
fn models(own: &ProviderSettings, defaults: [Option<&str>; 3]) -> [Option<String>; 3] {
    let set = [&own.model, &own.worker_model, &own.synthesis_model];
    let mut of = set.into_iter().zip(defaults).map(|(set, default)| set.clone().or_else(|| default.map(str::to_owned)));
    let [model, worker, synthesis] = [of.next(), of.next(), of.next()].map(Option::flatten);
    let other = |tier: Option<String>| tier.filter(|tier| model.as_ref() != Some(tier));
    [model.clone(), other(worker), other(synthesis)]
}
