//! The settings of a process: defaults, then files, then the environment, then flags; each value knows where it is from.

mod hedge;
mod key;
mod layer;
mod provider;
mod web;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use mcp_orchestrator::Hedge;
use mcp_orchestrator_domain::{CorpusName, Limits, ProviderName, Timestamp, millis};
use mcp_orchestrator_store::Retention;
use serde::Serialize;

use crate::{Folders, StoreAddress, folders::MACHINE_CONFIG};
use key::{KEYS, Kind};
use layer::{Layer, Value};

pub use layer::Origin;
pub use provider::ProviderSettings;
pub(crate) use provider::check_key_file;
pub(crate) use web::ALL;
pub use web::{SourceSettings, WebSettings};

/// Where settings are read from.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "binaries build it")]
pub struct Sources {
    /// The person's folders: their settings file, and what relative defaults start at.
    pub folders: Folders,
    /// The file named by `--config`, read instead of the person's own. It must exist.
    pub file: Option<PathBuf>,
    /// The environment of the process.
    pub environment: BTreeMap<String, String>,
    /// Settings given as flags: full name, the flag, its text.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

/// The settings in force.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The store, for example `sqlite:/home/me/.local/share/mcp-orchestrator/orchestrator.db`.
    pub store_url: StoreAddress,
    /// Which workflows that have ended a server keeps.
    pub store_kept: KeptSettings,
    /// The provider used when a request names none.
    pub provider_default: Option<(String, Origin)>,
    /// Who is asked, in this order, when the provider of a request cannot answer.
    pub provider_fallback: Vec<ProviderName>,
    /// When somebody is asked beside a model that takes long; `None`: never.
    pub provider_hedge: Option<Hedge>,
    /// Settings of single providers by name.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Folders by corpus name.
    pub corpora: BTreeMap<CorpusName, Vec<PathBuf>>,
    /// Where reports are written.
    pub report_out: PathBuf,
    /// The formats reports are written in.
    pub report_formats: Vec<String>,
    /// How strict the citation gate is: `strict`, `mark` or `off`.
    pub gate_mode: Option<String>,
    /// How long an agent may take.
    pub agent_timeout: Option<Duration>,
    /// How long a workflow may take.
    pub workflow_timeout: Option<Duration>,
    /// What requests may ask for.
    pub limits: Limits,
    /// How the server serves.
    pub server: ServerSettings,
    /// Where webhooks may go to, beside public addresses over HTTPS.
    pub egress: EgressSettings,
    /// Which search services agents may ask.
    pub web: WebSettings,
    shown: Vec<ShownSetting>,
}

/// Which workflows that have ended a server keeps. All of it that is set holds; what is `None` sets no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptSettings {
    /// For how long.
    pub retention: Option<Duration>,
    /// How many, those that ended last.
    pub ended_max: Option<u64>,
    /// With how many bytes of logs, those that ended last.
    pub ended_bytes_max: Option<u64>,
}

impl KeptSettings {
    /// As a store takes it, at a moment.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Retention {
        let ago = |kept| Timestamp::from_millis(now.as_millis().saturating_sub(millis(kept)));
        Retention {
            finished_before: self.retention.map(ago),
            finished_max: self.ended_max,
            bytes_max: self.ended_bytes_max,
        }
    }
}

/// How the server serves. What is `None` is the server's own default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerSettings {
    /// The address, for example `127.0.0.1:5060`; `None` when only the default is.
    pub listen: Option<String>,
    /// Workflows that run at once.
    pub running_max: Option<usize>,
    /// Workflows that run at once over all servers that share the store; `None`: as many as each of them runs.
    pub cluster_running_max: Option<usize>,
    /// Workflows that may wait in the queue of the store; 0 is no limit.
    pub queue_max: Option<u64>,
    /// Workers in a row that may die of a workflow until it is held back; 0 is any number.
    pub poison_after: Option<u32>,
    /// How long running workflows may go on after the server was asked to stop.
    pub grace: Option<Duration>,
    /// Further host names requests may be addressed to.
    pub hosts: Vec<String>,
    /// Further origins whose pages may call.
    pub origins: Vec<String>,
    /// Open connections.
    pub connections_max: Option<usize>,
    /// Open connections from one address.
    pub connections_per_address_max: Option<usize>,
    /// Requests that read, a second and client; 0 is no limit.
    pub reads_per_second: Option<u32>,
    /// Requests that change something, a second and client; 0 is no limit.
    pub writes_per_second: Option<u32>,
    /// Whether log lines are JSON.
    pub log_json: bool,
}

/// Where webhooks may go to, beside public addresses over HTTPS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EgressSettings {
    /// Host names, addresses and networks, for example `10.0.0.0/8`.
    pub allow: Vec<String>,
    /// Whether addresses without encryption are allowed.
    pub allow_http: bool,
}

/// A setting as `config show` shows it. Secrets are only said to be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ShownSetting {
    /// Its full name.
    pub key: String,
    /// Its value; `None` when it is not set and has no default.
    pub value: Option<String>,
    /// Where it is from.
    pub origin: String,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// No such setting.
    #[error("unknown key `{key}` in {origin}{}", .suggestion.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    UnknownKey {
        /// The name as written.
        key: String,
        /// Where.
        origin: Origin,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// The value breaks a rule.
    #[error("setting `{key}` (from {origin}) {detail}")]
    BadValue {
        /// The setting.
        key: String,
        /// Where the value is from.
        origin: Origin,
        /// The rule, with the value unless it is secret.
        detail: String,
    },
    /// A file is no TOML.
    #[error("{} line {line}: {detail}", .file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        detail: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl Settings {
    /// Reads every layer. Files that are not there are passed over, but for the one named by `--config`.
    ///
    /// # Errors
    /// [`SettingsError`]: an unknown key, a bad value, a file that cannot be read. Each names its source.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        let folders = &sources.folders;
        let own = sources.file.clone().unwrap_or_else(|| folders.config_file());
        let mut merged = layer::of_file(Path::new(MACHINE_CONFIG), false, folders)?;
        merged.extend(layer::of_file(&own, sources.file.is_some(), folders)?);
        merged.extend(layer::of_environment(&sources.environment, folders)?);
        merged.extend(layer::of_flags(&sources.flags, folders)?);
        Self::from_layer(&merged, folders)
    }

    /// Every setting in a fixed order with its origin.
    #[must_use]
    pub fn shown(&self) -> &[ShownSetting] {
        &self.shown
    }

    fn from_layer(merged: &Layer, folders: &Folders) -> Result<Self, SettingsError> {
        let mut defaults = Layer::new();
        let mut default = |key: &str, value| defaults.insert(key.to_owned(), (value, Origin::Default));
        let limits = Limits::default();
        default("store.url", Value::Text(format!("sqlite:{}", folders.database().display())));
        default("report.out", Value::Paths(vec![PathBuf::from("reports")]));
        default("report.formats", Value::Texts(vec!["md".to_owned()]));
        default("gate.mode", Value::Text("strict".to_owned()));
        default("timeouts.agent", Value::Duration(Duration::from_secs(180)));
        default("server.listen", Value::Text("127.0.0.1:5060".to_owned()));
        default("server.running_max", Value::Whole(5));
        default("server.queue_max", Value::Whole(10_000));
        default("server.poison_after", Value::Whole(5));
        default("server.grace", Value::Duration(Duration::from_secs(20)));
        default("server.connections_max", Value::Whole(16_384));
        default("server.connections_per_address_max", Value::Whole(4_096));
        default("server.reads_per_second", Value::Whole(100));
        default("server.writes_per_second", Value::Whole(20));
        default("server.log", Value::Text("text".to_owned()));
        default("egress.http", Value::Text("refuse".to_owned()));
        default("limits.agents_max", Value::Whole(limits.agents_max.into()));
        default("limits.concurrency_max", Value::Whole(limits.concurrency_max.into()));
        default("limits.workflow_seconds_max", Value::Whole(limits.workflow_seconds_max.into()));

        let get = |key: &str| merged.get(key).or_else(|| defaults.get(key));
        let text = |key: &str| match get(key) {
            Some((Value::Text(text), _)) => Some(text.clone()),
            _ => None,
        };
        let whole = |key: &str| match get(key) {
            Some((Value::Whole(number), _)) => Some(*number),
            _ => None,
        };
        // Only what somebody set: a default time limit is the request's own.
        let duration = |key: &str| match merged.get(key) {
            Some((Value::Duration(duration), _)) => Some(*duration),
            _ => None,
        };
        let mut corpora = BTreeMap::new();
        for (key, (value, _)) in merged {
            if let (Some(name), Value::Paths(paths)) = (key.strip_prefix("corpora."), value)
                && let Ok(name) = CorpusName::new(name)
            {
                corpora.insert(name, paths.clone());
            }
        }
        Ok(Self {
            store_url: StoreAddress::new(text("store.url").unwrap_or_default()),
            store_kept: KeptSettings {
                retention: duration("store.retention"),
                ended_max: whole("store.ended_max"),
                ended_bytes_max: whole("store.ended_bytes_max"),
            },
            provider_default: merged.get("provider.default").and_then(|(value, origin)| match value {
                Value::Text(name) => Some((name.clone(), origin.clone())),
                _ => None,
            }),
            provider_fallback: provider::fallback(merged)?,
            provider_hedge: hedge::hedge(merged)?,
            providers: provider::providers(merged)?,
            corpora,
            report_out: match get("report.out") {
                Some((Value::Paths(paths), _)) => paths.first().cloned().unwrap_or_default(),
                _ => PathBuf::new(),
            },
            report_formats: match get("report.formats") {
                Some((Value::Texts(formats), _)) => formats.clone(),
                _ => Vec::new(),
            },
            gate_mode: text("gate.mode"),
            agent_timeout: duration("timeouts.agent"),
            workflow_timeout: duration("timeouts.workflow"),
            limits: Limits {
                agents_max: whole("limits.agents_max").and_then(|n| n.try_into().ok()).unwrap_or(limits.agents_max),
                concurrency_max: whole("limits.concurrency_max")
                    .and_then(|n| n.try_into().ok())
                    .unwrap_or(limits.concurrency_max),
                workflow_seconds_max: whole("limits.workflow_seconds_max")
                    .and_then(|n| n.try_into().ok())
                    .unwrap_or(limits.workflow_seconds_max),
            },
            server: server(merged),
            egress: EgressSettings {
                allow: texts(merged, "egress.allow"),
                allow_http: text("egress.http").as_deref() == Some("allow"),
            },
            web: web::web(merged)?,
            shown: shown(merged, &defaults),
        })
    }
}

fn texts(merged: &Layer, key: &str) -> Vec<String> {
    match merged.get(key) {
        Some((Value::Texts(texts), _)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn server(merged: &Layer) -> ServerSettings {
    let text = |key: &str| match merged.get(key) {
        Some((Value::Text(text), _)) => Some(text.clone()),
        _ => None,
    };
    let whole = |key: &str| match merged.get(key) {
        Some((Value::Whole(number), _)) => Some(*number),
        _ => None,
    };
    let count = |key: &str| whole(key).and_then(|number| usize::try_from(number).ok());
    let rate = |key: &str| whole(key).and_then(|number| u32::try_from(number).ok());
    ServerSettings {
        listen: text("server.listen"),
        running_max: count("server.running_max"),
        cluster_running_max: count("server.cluster_running_max"),
        queue_max: whole("server.queue_max"),
        poison_after: rate("server.poison_after"),
        grace: match merged.get("server.grace") {
            Some((Value::Duration(grace), _)) => Some(*grace),
            _ => None,
        },
        hosts: texts(merged, "server.hosts"),
        origins: texts(merged, "server.origins"),
        connections_max: count("server.connections_max"),
        connections_per_address_max: count("server.connections_per_address_max"),
        reads_per_second: rate("server.reads_per_second"),
        writes_per_second: rate("server.writes_per_second"),
        log_json: text("server.log").as_deref() == Some("json"),
    }
}

fn shown(merged: &Layer, defaults: &Layer) -> Vec<ShownSetting> {
    let mut shown = Vec::new();
    for key in KEYS {
        if key.is_open() {
            let of_key = |name: &&String| key::Key::find(name).is_some_and(|found| found.name == key.name);
            for name in merged.keys().filter(of_key) {
                shown.extend(merged.get(name).map(|(value, origin)| show(name, key.kind, value, origin)));
            }
            continue;
        }
        match merged.get(key.name).or_else(|| defaults.get(key.name)) {
            Some((value, origin)) => shown.push(show(key.name, key.kind, value, origin)),
            None => shown.push(ShownSetting { key: key.name.to_owned(), value: None, origin: "not set".to_owned() }),
        }
    }
    shown
}

fn show(key: &str, kind: Kind, value: &Value, origin: &Origin) -> ShownSetting {
    let paths = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let value = match value {
        Value::Secret(_) => "(set, not shown)".to_owned(),
        Value::Text(text) if kind == Kind::Text => without_userinfo(text),
        Value::Text(text) => text.clone(),
        Value::Whole(number) => number.to_string(),
        Value::Usd(amount) => amount.usd().to_string(),
        Value::Duration(duration) => format!("{duration:?}"),
        Value::Texts(texts) => texts.join(", "),
        Value::Paths(list) => paths(list),
    };
    ShownSetting { key: key.to_owned(), value: Some(value), origin: origin.to_string() }
}

/// An address without the user and password it may hold.
pub(crate) fn without_userinfo(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority_end].rfind('@') {
        Some(at) => format!("{scheme}://…@{}", &rest[at + 1..]),
        None => text.to_owned(),
    }
}
