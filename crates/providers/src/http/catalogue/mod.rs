//! The services this version can talk to. Owns names, addresses and the environment variables they are configured by;
//! reads none of them.

mod facts;
mod vendors;

use mcp_orchestrator_domain::Tier;
use mcp_orchestrator_egress::BaseUrl;
use secrecy::SecretString;

use super::{HttpProviderBuilder, Wire, dialect::Dialect};
pub(super) use facts::{Ability, Facts};
use vendors::VENDORS;

/// A known service.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Vendor {
    /// The name requests choose it by, for example `openai`.
    pub name: &'static str,
    /// The name people know it by.
    pub title: &'static str,
    /// Environment variables that may hold its key, the first one set wins. Empty: it needs none.
    pub key_env: &'static [&'static str],
    /// Environment variable that may hold another address.
    pub base_url_env: &'static str,
    /// Environment variable that may hold a host or a `host:port` instead; see [`Vendor::base_url_of_host`].
    pub host_env: Option<&'static str>,
    /// Its address.
    pub base_url: &'static str,
    /// The model used when nobody names one. `None`: the first one the server offers.
    pub default_model: Option<&'static str>,
    /// The model of agents when nobody names one. `None`: the default model.
    pub worker_model: Option<&'static str>,
    /// The model that merges and writes when nobody names one. `None`: the default model.
    pub synthesis_model: Option<&'static str>,
    /// How it is talked to at its own address; see [`Vendor::wire_at`].
    pub wire: Wire,
    /// How it deviates on the wire.
    pub dialect: Dialect,
}

impl Vendor {
    /// Whether it runs on the operator's own machine and is used without a key.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.key_env.is_empty()
    }

    /// The model for a part of the work when nobody names one. `None`: the first one the server offers.
    #[must_use]
    pub fn tier_model(&self, tier: Tier) -> Option<&'static str> {
        let own = match tier {
            Tier::Primary => None,
            Tier::Worker => self.worker_model,
            Tier::Synthesis => self.synthesis_model,
        };
        own.or(self.default_model)
    }

    /// How it is talked to at `base_url`. Whoever serves somewhere else what OpenAI or xAI serve, does it over the Chat wire:
    /// proxies and compatible servers have the Responses wire rarely.
    ///
    /// ```
    /// use mcp_orchestrator_providers::http::{self, Wire};
    ///
    /// let openai = http::vendor("openai").unwrap();
    /// assert_eq!(openai.wire_at("https://eu.api.openai.com/v1"), Wire::Responses);
    /// assert_eq!(openai.wire_at("http://127.0.0.1:4000/v1"), Wire::Chat);
    /// ```
    #[must_use]
    pub fn wire_at(&self, base_url: &str) -> Wire {
        if self.wire == Wire::Responses && !self.is_at(base_url) { Wire::Chat } else { self.wire }
    }

    /// Whether an address is the service's own, or one of its regions.
    pub(super) fn is_at(&self, base_url: &str) -> bool {
        let host = |url| BaseUrl::parse(url).map(|base| base.host().to_ascii_lowercase()).unwrap_or_default();
        let (own, given) = (host(self.base_url), host(base_url));
        given.strip_suffix(own.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }

    /// A builder with this service's address, models by default, wire, dialect and prices. The prices hold at its own address
    /// only: what a proxy takes is not known. Whoever gives it another address, gives it the wire of that address too:
    /// [`wire_at`](Self::wire_at) says which.
    pub fn provider(&self, key: Option<SecretString>) -> HttpProviderBuilder {
        let builder = HttpProviderBuilder::new(self.name, self.base_url).with_facts_of(*self);
        let builder = builder.with_wire(self.wire).with_dialect(self.dialect);
        let builder = match self.default_model {
            Some(model) => builder.with_default_model(model),
            None => builder,
        };
        let tiers = [(Tier::Worker, self.worker_model), (Tier::Synthesis, self.synthesis_model)];
        let named = tiers.into_iter().filter_map(|(tier, model)| Some((tier, model?)));
        let builder = named.fold(builder, |builder, (tier, model)| builder.with_tier_model(tier, model));
        match key {
            Some(key) => builder.with_key(key),
            None => builder,
        }
    }

    /// The address made of what [`host_env`](Self::host_env) holds: `host`, `host:port` or a URL. The port and path
    /// are this vendor's where they are missing, and an address to listen on (`0.0.0.0`) becomes one to connect to.
    ///
    /// ```
    /// use mcp_orchestrator_providers::http;
    ///
    /// let ollama = http::vendor("ollama").unwrap();
    /// assert_eq!(ollama.base_url_of_host("0.0.0.0"), "http://127.0.0.1:11434/v1");
    /// assert_eq!(ollama.base_url_of_host("gpu:8000"), "http://gpu:8000/v1");
    /// assert_eq!(ollama.base_url_of_host("https://gpu.example.com/"), "https://gpu.example.com/v1");
    /// ```
    #[must_use]
    pub fn base_url_of_host(&self, host: &str) -> String {
        let (default_port, path) = port_and_path(self.base_url);
        let host = host.trim().trim_end_matches('/');
        let (scheme, rest) = host.split_once("://").unwrap_or(("http", host));
        let (authority, own_path) = rest.split_once('/').unwrap_or((rest, ""));
        let authority = authority.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
        let after_brackets = authority.rsplit_once(']').map_or(authority.as_str(), |(_, after)| after);
        let port = match (after_brackets.contains(':'), host.contains("://")) {
            // A URL without a port means its scheme's port, a bare host means the vendor's.
            (true, _) | (false, true) => String::new(),
            (false, false) => format!(":{default_port}"),
        };
        let path = if own_path.is_empty() { path } else { own_path };
        format!("{scheme}://{authority}{port}/{path}")
    }
}

/// The services this version can talk to, in the order in which their keys are looked for, then the local ones.
///
/// Cohere is reached at the Chat-compatible address its own documentation gives; what only its native interface offers, such
/// as native citations, is not there.
#[must_use]
pub const fn catalogue() -> &'static [Vendor] {
    VENDORS
}

/// The known service of that name.
#[must_use]
pub fn vendor(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.name == name)
}

/// The port and the path, without its slash, of an address of the table.
fn port_and_path(base_url: &str) -> (&str, &str) {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    (authority.rsplit_once(':').map_or("443", |(_, port)| port), path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mcp_orchestrator_domain::{ModelName, ProviderName, Tier};
    use mcp_orchestrator_egress::BaseUrl;

    use super::{catalogue, vendor};

    #[test]
    fn every_row_is_usable_and_unique() {
        let mut names = BTreeSet::new();
        let mut variables = BTreeSet::new();
        for vendor in catalogue() {
            ProviderName::new(vendor.name).unwrap();
            let base = BaseUrl::parse(vendor.base_url).unwrap();
            assert_eq!(base.is_https(), !vendor.is_local(), "{}", vendor.name);
            assert!(
                Tier::ALL.iter().all(|tier| vendor.tier_model(*tier).is_none_or(|model| ModelName::new(model).is_ok()))
            );
            assert!(names.insert(vendor.name), "{}", vendor.name);
            for variable in vendor.key_env.iter().chain([&vendor.base_url_env]).chain(vendor.host_env.iter()) {
                assert!(variables.insert(*variable), "{variable}");
            }
        }
    }

    #[test]
    fn hosts_become_addresses() {
        let ollama = vendor("ollama").unwrap();
        for (host, address) in [
            ("localhost", "http://localhost:11434/v1"),
            ("[::]", "http://[::1]:11434/v1"),
            ("[::1]:9000", "http://[::1]:9000/v1"),
            (" 10.0.0.5:9000/ ", "http://10.0.0.5:9000/v1"),
            ("http://gpu.example.com:11434/proxy/v1", "http://gpu.example.com:11434/proxy/v1"),
        ] {
            assert_eq!(ollama.base_url_of_host(host), address);
            BaseUrl::parse(address).unwrap();
        }
    }
}
