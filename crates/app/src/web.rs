//! Search services as the operator has switched them on: their tools, and which agents have them. Owns the choice and the
//! table of kinds; asking is the tools' matter.

use std::{collections::BTreeMap, sync::Arc};

use mcp_orchestrator::{Builder, layers::StoreLimits};
use mcp_orchestrator_domain::{AgentType, ToolName};
use mcp_orchestrator_egress::HttpClient;
use mcp_orchestrator_store::Store;
use mcp_orchestrator_tools::{SEARCH_SOURCES, SearchOptions, SearchSource, SearchTool, SourceNeeds};

use crate::{Settings, SettingsError, settings::ALL};

/// The search services that are on. Without any, nothing is asked and nothing leaves the machine.
#[derive(Clone, Debug, Default)]
pub struct Web {
    chosen: Vec<&'static SearchSource>,
}

/// A search service and whether it can be asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KnownSource {
    /// The service.
    pub source: &'static SearchSource,
    /// Whether it is on.
    pub state: SourceState,
    /// The kinds of agents that have it.
    pub types: Vec<AgentType>,
}

/// Whether a search service can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceState {
    /// Agents ask it.
    On,
    /// It could be switched on.
    Off,
    /// Something is not set.
    Needs(SourceNeeds),
}

impl SourceState {
    /// In words, for lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Needs(SourceNeeds::Contact) => "needs a contact",
            Self::Needs(SourceNeeds::Key) => "needs a key",
            Self::Needs(SourceNeeds::Address) => "needs an address",
            Self::Off | Self::Needs(_) => "off",
        }
    }
}

impl Web {
    /// The services the settings switch on; with `all`, as `--web` asks, every one that can be asked.
    ///
    /// # Errors
    /// [`SettingsError::BadValue`] when a service that is named lacks what it needs.
    pub fn of(settings: &Settings, all: bool) -> Result<Self, SettingsError> {
        let none = Vec::new();
        let (names, origin) = match &settings.web.enabled {
            Some((names, origin)) => (names, Some(origin)),
            None => (&none, None),
        };
        let all = all || names.iter().any(|name| name == ALL);
        let mut web = Self::default();
        for source in SEARCH_SOURCES.iter().copied() {
            let is_named = names.iter().any(|name| name == source.name);
            match missing(settings, source) {
                None if all || is_named => web.chosen.push(source),
                Some(what) if is_named => {
                    return Err(SettingsError::BadValue {
                        key: "sources.enabled".to_owned(),
                        origin: origin.cloned().unwrap_or(crate::Origin::Default),
                        detail: format!("has {:?}, for which `{}` must be set", source.name, setting(source, what)),
                    });
                }
                _ => {}
            }
        }
        Ok(web)
    }

    /// The same and those services a workflow was begun with: whoever began it has agreed to them.
    #[must_use]
    pub fn and_those_of(mut self, settings: &Settings, tools: &[ToolName]) -> Self {
        for source in SEARCH_SOURCES.iter().copied() {
            let is_new = !self.chosen.iter().any(|chosen| chosen.name == source.name);
            if is_new && tools.contains(&source.tool_name()) && missing(settings, source).is_none() {
                self.chosen.push(source);
            }
        }
        self
    }

    /// Whether any is on.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        !self.chosen.is_empty()
    }

    /// What people call those that are on.
    pub fn titles(&self) -> impl Iterator<Item = &'static str> {
        self.chosen.iter().map(|source| source.title)
    }

    /// Puts their tools and the table of kinds into an engine. All of them keep to one rate over the processes that share
    /// the store.
    pub fn join(&self, mut builder: Builder, settings: &Settings, store: &Arc<dyn Store>) -> Builder {
        let client = HttpClient::default();
        let shared = Arc::new(StoreLimits::new(Arc::clone(store)));
        for source in &self.chosen {
            let options = SearchOptions { shared: Some(shared.clone()), ..options(settings, source) };
            // What it needs was looked for when it was chosen.
            if let Ok(tool) = SearchTool::new(source, client.clone(), options) {
                builder = builder.with_tool(tool);
            }
        }
        builder.with_agent_tools(self.table(settings))
    }

    /// Every service there is, in the order they are listed.
    #[must_use]
    pub fn known(&self, settings: &Settings) -> Vec<KnownSource> {
        let table = full_table(settings);
        let state = |source: &SearchSource| match missing(settings, source) {
            _ if self.chosen.iter().any(|chosen| chosen.name == source.name) => SourceState::On,
            Some(what) => SourceState::Needs(what),
            None => SourceState::Off,
        };
        let known = SEARCH_SOURCES.iter().copied().map(|source| KnownSource {
            source,
            state: state(source),
            types: table.iter().filter(|(_, row)| row.contains(&source.tool_name())).map(|(kind, _)| *kind).collect(),
        });
        known.collect()
    }

    /// The tools of each kind of agent, of the services that are on.
    fn table(&self, settings: &Settings) -> BTreeMap<AgentType, Vec<ToolName>> {
        let off: Vec<ToolName> = SEARCH_SOURCES
            .iter()
            .filter(|source| !self.chosen.iter().any(|chosen| chosen.name == source.name))
            .map(|source| source.tool_name())
            .collect();
        let mut table = full_table(settings);
        for row in table.values_mut() {
            row.retain(|tool| !off.contains(tool));
        }
        table
    }
}

/// What each kind has: what the settings say, else what the services themselves say. A service that is then in no row is for
/// general agents.
fn full_table(settings: &Settings) -> BTreeMap<AgentType, Vec<ToolName>> {
    let tool = |name: &String| match SearchSource::named(name) {
        Some(source) => Some(source.tool_name()),
        None => ToolName::new(name).ok(),
    };
    let row = |kind: AgentType| match settings.web.types.get(&kind) {
        Some(names) => names.iter().filter_map(tool).collect(),
        None => SEARCH_SOURCES
            .iter()
            .filter(|source| source.types.contains(&kind))
            .map(|source| source.tool_name())
            .collect(),
    };
    let mut table: BTreeMap<AgentType, Vec<ToolName>> =
        AgentType::ALL.into_iter().map(|kind| (kind, row(kind))).collect();
    let tools = SEARCH_SOURCES.iter().map(|source| source.tool_name());
    let left: Vec<ToolName> = tools.filter(|tool| !table.values().any(|row| row.contains(tool))).collect();
    table.entry(AgentType::General).or_default().extend(left);
    table
}

fn options(settings: &Settings, source: &SearchSource) -> SearchOptions {
    let own = settings.web.sources.get(source.name).cloned().unwrap_or_default();
    SearchOptions {
        base_url: own.base_url,
        key: own.api_key,
        contact: settings.web.contact.clone(),
        per_minute: own.requests_per_minute,
        ..SearchOptions::default()
    }
}

fn missing(settings: &Settings, source: &SearchSource) -> Option<SourceNeeds> {
    let own = settings.web.sources.get(source.name);
    let is_missing = match source.needs {
        SourceNeeds::Contact => settings.web.contact.is_none(),
        SourceNeeds::Key => own.is_none_or(|own| own.api_key.is_none()),
        SourceNeeds::Address => own.is_none_or(|own| own.base_url.is_none()),
        _ => false,
    };
    is_missing.then_some(source.needs)
}

fn setting(source: &SearchSource, what: SourceNeeds) -> String {
    match what {
        SourceNeeds::Key => format!("sources.{}.api_key", source.name),
        SourceNeeds::Address => format!("sources.{}.base_url", source.name),
        _ => "sources.contact".to_owned(),
    }
}
