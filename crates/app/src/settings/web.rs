//! Settings of search services: which are on, who answers for the questions, keys and addresses, which agents ask which.
//! Owns their checks; what is made of them is `web`'s.

use std::{collections::BTreeMap, path::Path};

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::BaseUrl;
use mcp_orchestrator_tools::{Contact, SearchSource};
use secrecy::SecretString;

use super::{
    Origin, SettingsError,
    layer::{Layer, Value},
};

/// Settings of search services. By default none is on: nothing leaves the machine.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WebSettings {
    /// The services that are on by name, with where that is from; `all` stands for every one that can be asked.
    pub enabled: Option<(Vec<String>, Origin)>,
    /// Who services can write to.
    pub contact: Option<Contact>,
    /// Settings of single services by name.
    pub sources: BTreeMap<String, SourceSettings>,
    /// What agents of a kind have instead of what they have by default: names of services and of tools.
    pub types: BTreeMap<AgentType, Vec<String>>,
}

/// Settings of one search service.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SourceSettings {
    /// Its key. Never shown.
    pub api_key: Option<SecretString>,
    /// Its address.
    pub base_url: Option<BaseUrl>,
    /// Questions in any minute.
    pub requests_per_minute: Option<u32>,
}

/// The word for every service that can be asked.
pub(crate) const ALL: &str = "all";

pub(super) fn web(merged: &Layer) -> Result<WebSettings, SettingsError> {
    let mut web = WebSettings::default();
    for (key, (value, origin)) in merged {
        let Some(rest) = key.strip_prefix("sources.") else { continue };
        let bad = |detail: String| SettingsError::BadValue { key: key.clone(), origin: origin.clone(), detail };
        match (rest.split_once('.'), value) {
            (None, Value::Texts(names)) if rest == "enabled" => {
                if let Some(unknown) = names.iter().find(|name| *name != ALL && SearchSource::named(name).is_none()) {
                    return Err(bad(format!("has {unknown:?}, which is no source: see `mcp-orchestrator tools`")));
                }
                web.enabled = Some((names.clone(), origin.clone()));
            }
            (None, Value::Text(text)) if rest == "contact" => {
                web.contact = Some(Contact::parse(text).map_err(|error| bad(error.to_string()))?);
            }
            (Some(("types", kind)), Value::Texts(names)) => {
                let kind: AgentType =
                    kind.parse().map_err(|_| bad(format!("names {kind:?}, which is no kind of agent")))?;
                web.types.insert(kind, names.clone());
            }
            (Some((name, field)), value) => {
                if SearchSource::named(name).is_none() {
                    return Err(bad(format!("names {name:?}, which is no source: see `mcp-orchestrator tools`")));
                }
                let source = web.sources.entry(name.to_owned()).or_default();
                match (field, value) {
                    ("api_key", Value::Secret(key)) => source.api_key = Some(key.clone()),
                    ("api_key_file", Value::Paths(paths)) if source.api_key.is_none() => {
                        let path = paths.first().cloned().unwrap_or_default();
                        source.api_key = Some(key_of(&path).map_err(bad)?);
                    }
                    ("base_url", Value::Text(text)) => {
                        source.base_url = Some(BaseUrl::parse(text).map_err(|error| bad(error.to_string()))?);
                    }
                    // Only numbers that fit get here.
                    ("requests_per_minute", Value::Whole(number)) => {
                        source.requests_per_minute = (*number).try_into().ok()
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Ok(web)
}

/// The first line of a file that is a key.
fn key_of(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("names {}, which cannot be read: {error}", path.display()))?;
    let key = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    key.map(SecretString::from).ok_or_else(|| format!("names {}, which is empty", path.display()))
}
