//! Putting an orchestrator together. Owns the checks that everything fits; starts nothing.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    num::NonZeroU32,
    sync::Arc,
};

use mcp_orchestrator_domain::{AgentType, CorpusName, Limits, ProviderName, ToolName};
use mcp_orchestrator_providers::Provider;
use mcp_orchestrator_store::{Store, WorkerId};
use mcp_orchestrator_strategies::{Strategy, built_in};
use mcp_orchestrator_streaming::Bridge;
use mcp_orchestrator_tools::{RegisterError, Registry, Tool};
use tokio::sync::mpsc;

use crate::{
    Clock, Error, Hedge, Orchestrator, SystemClock, WorkerMode,
    dice::Dice,
    ends::Ends,
    hedge::Pace,
    parts::{Adopted, Fresh, Parts},
    spending::Spending,
    submit::names,
};

/// Pieces of text on their way to those who watch.
const DELTAS: usize = 1024;

/// Builds an [`Orchestrator`]. The store is mandatory; at least one provider is.
///
/// Providers, strategies, tools and corpora are registered by their names, and requests choose among them by name. Two of
/// a kind with one name are [`Error::DuplicateName`]; a request that names none of them is refused with the names there
/// are.
///
/// What is registered must keep its contract, and the compiler says which and how when it does not:
///
/// ```compile_fail,E0277
/// # use mcp_orchestrator::{MemoryStore, Orchestrator};
/// struct NoProvider;
/// Orchestrator::builder(MemoryStore::new()).with_provider(NoProvider); // `NoProvider` is not a `Provider`
/// ```
/// ```compile_fail,E0277
/// # use mcp_orchestrator::{MemoryStore, Orchestrator};
/// struct NoStrategy;
/// Orchestrator::builder(MemoryStore::new()).with_strategy(NoStrategy); // `NoStrategy` is not a `Strategy`
/// ```
/// ```compile_fail,E0277
/// # use mcp_orchestrator::{MemoryStore, Orchestrator};
/// struct NoTool;
/// Orchestrator::builder(MemoryStore::new()).with_tool(NoTool); // `NoTool` is not a `Tool`
/// ```
/// ```compile_fail,E0277
/// # use mcp_orchestrator::Orchestrator;
/// struct NoStore;
/// Orchestrator::builder(NoStore); // `NoStore` is not a `Store`
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    store: Arc<dyn Store>,
    clock: Option<Arc<dyn Clock>>,
    seed: Option<u64>,
    providers: Vec<Arc<dyn Provider>>,
    default_provider: Option<ProviderName>,
    fallbacks: Vec<ProviderName>,
    hedge: Option<Hedge>,
    strategies: Vec<Arc<dyn Strategy>>,
    tools: Vec<Arc<dyn Tool>>,
    agent_tools: BTreeMap<AgentType, Vec<ToolName>>,
    corpora: Vec<CorpusName>,
    #[cfg(feature = "corpus")]
    folders: Vec<(String, std::path::PathBuf)>,
    limits: Limits,
    mode: WorkerMode,
    running_max: usize,
    cluster_max: Option<usize>,
    queue_max: Option<u64>,
    poison_after: Option<NonZeroU32>,
}

/// Workers that may die of a workflow when nobody says: a kill or two can be bad luck, and an innocent workflow that only
/// ran beside a guilty one settles something in five lives; each further one costs a whole worker.
const POISON_AFTER: NonZeroU32 = NonZeroU32::new(5).unwrap();

impl Builder {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            clock: None,
            seed: None,
            providers: Vec::new(),
            default_provider: None,
            fallbacks: Vec::new(),
            hedge: None,
            strategies: built_in(),
            tools: Vec::new(),
            agent_tools: BTreeMap::new(),
            corpora: Vec::new(),
            #[cfg(feature = "corpus")]
            folders: Vec::new(),
            limits: Limits::default(),
            mode: WorkerMode::Any,
            running_max: 5,
            cluster_max: None,
            queue_max: None,
            poison_after: Some(POISON_AFTER),
        }
    }

    /// Adds a provider. The first one answers requests that name none.
    pub fn with_provider(mut self, provider: impl Provider) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Adds a provider that is shared already.
    pub fn with_shared_provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.providers.push(provider);
        self
    }

    /// Says which provider answers requests that name none.
    pub fn with_default_provider(mut self, name: ProviderName) -> Self {
        self.default_provider = Some(name);
        self
    }

    /// Says which providers are asked, in this order, when the one a request names cannot answer: it cannot be reached, is
    /// out of quota, refuses its key, does not know the model, or must be waited for longer than half a minute. Each
    /// attempt is a call of its own, with its own reservation, and its record says who was asked. They answer with their
    /// default models. Whoever has failed a call for good is not asked again in that workflow while another one is left.
    ///
    /// Passed over are those known not to be able to take a call: it shows images and they see none, a budget of money is to
    /// hold and they have no price, or their model takes fewer tokens than the prompt has.
    pub fn with_fallback(mut self, names: impl IntoIterator<Item = ProviderName>) -> Self {
        self.fallbacks = names.into_iter().collect();
        self
    }

    /// Has a second call made beside one of a model that takes long; by default none is. It asks the next provider of
    /// [`with_fallback`](Self::with_fallback), or the same one if there is no other, with a reservation of its own: without
    /// money for it there is no second call, and there is one in an agent's turn at most. The first whole answer counts; the
    /// other call is dropped and its cost is unknown, with its worst case taken, unless it came back as well.
    pub const fn with_hedge(mut self, hedge: Hedge) -> Self {
        self.hedge = Some(hedge);
        self
    }

    /// Adds a strategy beside the built-in ones; requests choose it by its name as their pattern.
    pub fn with_strategy(mut self, strategy: impl Strategy) -> Self {
        self.strategies.push(Arc::new(strategy));
        self
    }

    /// Adds a strategy that is shared already.
    pub fn with_shared_strategy(mut self, strategy: Arc<dyn Strategy>) -> Self {
        self.strategies.push(strategy);
        self
    }

    /// Takes away every strategy there is so far, the built-in ones too, so that their names are free.
    pub fn without_strategies(mut self) -> Self {
        self.strategies.clear();
        self
    }

    /// Adds a tool. Agents are offered it when it is a source ([`is_source`]); others run where a strategy names them.
    ///
    /// [`is_source`]: mcp_orchestrator_tools::ToolDescription::is_source
    pub fn with_tool(mut self, tool: impl Tool) -> Self {
        self.tools.push(Arc::new(tool));
        self
    }

    /// Adds a tool that is shared already.
    pub fn with_shared_tool(mut self, tool: Arc<dyn Tool>) -> Self {
        self.tools.push(tool);
        self
    }

    /// Says which kinds of a Swarm's agents have which tools: a tool that is in any row is only for the kinds in whose rows
    /// it is. A tool in no row goes by its name, as `news_search` does. Each workflow keeps the table it was submitted with.
    pub fn with_agent_tools(mut self, table: BTreeMap<AgentType, Vec<ToolName>>) -> Self {
        self.agent_tools = table;
        self
    }

    /// Adds a folder agents may search, under a name requests choose it by. It is indexed by [`Builder::build`].
    #[cfg(feature = "corpus")]
    pub fn with_corpus(mut self, name: impl Into<String>, folder: impl Into<std::path::PathBuf>) -> Self {
        self.folders.push((name.into(), folder.into()));
        self
    }

    /// Names corpora that tools added by [`Builder::with_tool`] search, so that requests may choose among them.
    pub fn with_corpus_names(mut self, names: impl IntoIterator<Item = CorpusName>) -> Self {
        self.corpora.extend(names);
        self
    }

    /// Sets the limits of requests.
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how many workflows run at once; at least 1, default 5. Further ones are queued.
    pub const fn with_running_max(mut self, workflows: usize) -> Self {
        self.running_max = if workflows == 0 { 1 } else { workflows };
        self
    }

    /// Sets how many workflows may run at once over all workers that share the store; at least 1, by default as many as each of
    /// them allows. A worker keeps to its own number, decided with each claim: the smallest in force is not everybody's.
    pub const fn with_cluster_max(mut self, workflows: usize) -> Self {
        self.cluster_max = Some(if workflows == 0 { 1 } else { workflows });
        self
    }

    /// Sets how many workflows may wait in the queue of the store; beyond it a submission is [`Error::QueueFull`]. By default
    /// there is no limit. What is submitted for this worker alone ([`WorkerMode::Own`], [`SubmitOptions::reserved`]) is
    /// never refused: nobody else waits behind it.
    ///
    /// [`SubmitOptions::reserved`]: crate::SubmitOptions::reserved
    pub const fn with_queue_max(mut self, workflows: u64) -> Self {
        self.queue_max = Some(workflows);
        self
    }

    /// Sets how many workers in a row may die while they run a workflow, without anything settled between, until it is held
    /// back; 0 is any number, the default is 5. A worker that gives a workflow back in order has not died of it.
    pub const fn with_poison_after(mut self, workers: u32) -> Self {
        self.poison_after = NonZeroU32::new(workers);
        self
    }

    /// Sets which workflows are run.
    pub fn with_worker_mode(mut self, mode: WorkerMode) -> Self {
        self.mode = mode;
        self
    }

    /// Replaces the clock, for tests.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Makes everything that looks random follow from a seed, for tests: ids, names and pauses are then the same in every run.
    /// Two orchestrators that share a store must not share a seed.
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Builds it: checks that the names fit together and indexes folders, which may take a while the first time. Starts
    /// nothing.
    ///
    /// # Errors
    /// [`Error::NoProvider`]; [`Error::DuplicateName`] when two providers, strategies or tools have one name;
    /// [`Error::UnknownProvider`] when the default or a fallback is none of them; [`Error::Build`] naming a folder that cannot be read,
    /// a corpus name or a tool's schema that is not valid.
    pub fn build(self) -> Result<Orchestrator, Error> {
        let first = self.providers.first().map(|provider| provider.name().clone()).ok_or(Error::NoProvider)?;
        let providers = by_name("providers", self.providers, |provider| provider.name().clone())?;
        let default_provider = self.default_provider.unwrap_or(first);
        if !providers.contains_key(&default_provider) {
            return Err(Error::UnknownProvider { name: default_provider.to_string(), known: names(providers.keys()) });
        }
        if let Some(unknown) = self.fallbacks.iter().find(|name| !providers.contains_key(*name)) {
            return Err(Error::UnknownProvider { name: unknown.to_string(), known: names(providers.keys()) });
        }
        let strategies = by_name("strategies", self.strategies, |strategy| strategy.name().clone())?;
        #[cfg_attr(not(feature = "corpus"), expect(unused_mut, reason = "only folders add corpora"))]
        let mut corpora = self.corpora;
        let tools = Registry::new();
        for tool in self.tools {
            register_tool(&tools, tool)?;
        }
        #[cfg(feature = "corpus")]
        crate::corpora::register(self.folders, &tools, &mut corpora)?;
        let dice = self.seed.map_or_else(Dice::default, Dice::seeded);
        let random: [u8; 8] = dice.roll()?;
        let worker = format!("w{}-{:016x}", std::process::id(), u64::from_be_bytes(random));
        let (deltas, deltas_to_publish) = mpsc::channel(DELTAS);
        let parts = Parts {
            bridge: Bridge::new(Arc::clone(&self.store)),
            ends: Ends::new(),
            spending: Spending::default(),
            store: self.store,
            dice,
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::new())),
            providers,
            default_provider: Some(default_provider),
            fallbacks: self.fallbacks,
            hedge: self.hedge,
            pace: Pace::default(),
            strategies,
            tools,
            agent_tools: self.agent_tools,
            corpora,
            limits: self.limits,
            worker: WorkerId(worker.into()),
            deltas,
            fresh: Fresh::default(),
            adopted: Adopted::default(),
            cluster_max: self.cluster_max,
            queue_max: self.queue_max,
            poison_after: self.poison_after,
            reserves: matches!(self.mode, WorkerMode::Own | WorkerMode::Only(_)),
        };
        Ok(Orchestrator::new(Arc::new(parts), deltas_to_publish, self.mode, self.running_max))
    }
}

/// Parts by their names; two of one name are an error.
fn by_name<N: Ord + std::fmt::Display, T>(
    kind: &'static str,
    parts: Vec<T>,
    name: impl Fn(&T) -> N,
) -> Result<BTreeMap<N, T>, Error> {
    let mut named = BTreeMap::new();
    for part in parts {
        match named.entry(name(&part)) {
            Entry::Vacant(free) => free.insert(part),
            Entry::Occupied(taken) => return Err(Error::DuplicateName { kind, name: taken.key().to_string() }),
        };
    }
    Ok(named)
}

/// Adds a tool to the registry, with the error of a builder.
pub(crate) fn register_tool(tools: &Registry, tool: Arc<dyn Tool>) -> Result<(), Error> {
    tools.register(tool).map_err(|error| match error {
        RegisterError::Duplicate(name) => Error::DuplicateName { kind: "tools", name: name.to_string() },
        other => Error::Build(other.to_string()),
    })
}
