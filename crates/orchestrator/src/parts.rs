//! What an orchestrator is made of, shared by its worker, its runs and its handles.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use mcp_orchestrator_domain::{
    AgentType, CorpusName, Limits, PatternName, ProviderName, ToolName, Workflow, WorkflowId,
};
use mcp_orchestrator_providers::Provider;
use mcp_orchestrator_store::{Abilities, Store, WorkerId};
use mcp_orchestrator_strategies::Strategy;
use mcp_orchestrator_streaming::Bridge;
use mcp_orchestrator_tools::{Registry, ToolFilter};
use tokio::sync::mpsc;

use crate::{Clock, Hedge, dice::Dice, ends::Ends, hedge::Pace, spending::Spending};

/// The parts. Built once by the builder; never changes.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Dice,
    pub(crate) providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
    pub(crate) default_provider: Option<ProviderName>,
    /// Whom to ask, in this order, when the provider of a request cannot answer.
    pub(crate) fallbacks: Vec<ProviderName>,
    /// When a second call is made beside one that takes long.
    pub(crate) hedge: Option<Hedge>,
    pub(crate) pace: Pace,
    pub(crate) strategies: BTreeMap<PatternName, Arc<dyn Strategy>>,
    pub(crate) tools: Registry,
    /// The tools that are for certain kinds of a Swarm's agents alone.
    pub(crate) agent_tools: BTreeMap<AgentType, Vec<ToolName>>,
    pub(crate) corpora: Vec<CorpusName>,
    pub(crate) limits: Limits,
    pub(crate) worker: WorkerId,
    pub(crate) deltas: mpsc::Sender<(WorkflowId, Bytes)>,
    pub(crate) bridge: Bridge,
    pub(crate) ends: Ends,
    pub(crate) spending: Spending,
    pub(crate) fresh: Fresh,
    pub(crate) adopted: Adopted,
    /// How many workflows all workers together may run.
    pub(crate) cluster_max: Option<usize>,
    /// How many workflows may be in the queue.
    pub(crate) queue_max: Option<u64>,
    /// How many workers in a row may die of a workflow.
    pub(crate) poison_after: Option<NonZeroU32>,
    /// Whether what is submitted or resumed here is for the worker here alone.
    pub(crate) reserves: bool,
}

/// Unfinished workflows of others that were resumed through this orchestrator: its worker runs them as if they were its
/// own, once nobody else does.
#[derive(Debug, Default)]
pub(crate) struct Adopted {
    ids: Mutex<Vec<WorkflowId>>,
}

/// Adopted workflows that have not ended; further ones are refused.
const ADOPTED_MAX: usize = 10_000;

impl Adopted {
    pub(crate) fn add(&self, id: &WorkflowId) -> Result<(), crate::Error> {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.contains(id) {
            return Ok(());
        }
        if ids.len() >= ADOPTED_MAX {
            return Err(crate::Error::Internal(format!("{ADOPTED_MAX} workflows were resumed and have not ended")));
        }
        ids.push(id.clone());
        Ok(())
    }

    pub(crate) fn remove(&self, id: &WorkflowId) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).retain(|adopted| adopted != id);
    }

    pub(crate) fn ids(&self) -> Vec<WorkflowId> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Workflows this process has just submitted: whoever claims one here need not read what it has just written.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    workflows: Mutex<HashMap<WorkflowId, Workflow>>,
}

/// Fresh workflows kept at most; when there are more, all are forgotten and read like any other.
const FRESH_MAX: usize = 256;

impl Fresh {
    /// Remembers a workflow as it was submitted.
    pub(crate) fn put(&self, workflow: Workflow) {
        let mut workflows = self.workflows.lock().unwrap_or_else(PoisonError::into_inner);
        if workflows.len() >= FRESH_MAX {
            workflows.clear();
        }
        workflows.insert(workflow.id().clone(), workflow);
    }

    /// The workflow, once. Its log may have grown since: compare the head.
    pub(crate) fn take(&self, id: &WorkflowId) -> Option<Workflow> {
        self.workflows.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

impl Parts {
    /// What a worker with these parts can run.
    pub(crate) fn abilities(&self) -> Abilities {
        Abilities {
            providers: self.providers.keys().cloned().collect(),
            patterns: self.strategies.keys().cloned().collect(),
            tools: self.tool_names(),
            corpora: self.corpora.clone(),
        }
    }

    /// The names of all registered tools.
    pub(crate) fn tool_names(&self) -> Vec<ToolName> {
        self.tools.list(&ToolFilter::default()).iter().map(|tool| tool.description().spec.name.clone()).collect()
    }

    /// Whether any of these tools is a source.
    pub(crate) fn has_sources(&self, tools: &[ToolName]) -> bool {
        tools.iter().any(|name| self.tools.find(name.as_str()).is_some_and(|tool| tool.description().is_source))
    }
}
