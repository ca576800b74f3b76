//! From what somebody typed to a request that holds every rule. Owns limits and field errors; starts nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    BeltalowdaOptions, Budget, DocumentFormat, Models, Request, SwarmOptions, Timeouts,
    text::{clean, clean_line},
};
use crate::{
    AgentType, ConditionDraft, CorpusName, Definition, GateMode, ModelName, Money, PatternName, ProviderName,
    StepDraft, SuccessDraft, definition,
};

/// A request as it arrives: every field optional, named as clients name it. Unknown fields are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct RequestDraft {
    /// `beltalowda` (also `research`) or `swarm` (also `search`); `sequential`, `conditional`, `iterative` or `custom` with
    /// steps; or a registered strategy. Mandatory.
    pub pattern: Option<String>,
    /// The task. Mandatory; `query` is the same.
    #[serde(alias = "query")]
    pub task: Option<String>,
    /// Default: `Research: ` and the task's first 50 characters.
    pub title: Option<String>,
    /// Default: 8 for Beltalowda, 5 otherwise.
    pub num_agents: Option<u64>,
    /// Default: chosen by the application.
    #[serde(alias = "provider")]
    pub provider_name: Option<String>,
    /// The model of every step that has none of its own.
    #[serde(alias = "primary_model")]
    pub model: Option<String>,
    /// The agents' model.
    #[serde(alias = "worker_model")]
    pub agent_model: Option<String>,
    /// The synthesizers' model.
    pub synthesis_model: Option<String>,
    /// Further facts for every agent, at most 20 of 1,000 characters each.
    pub context: BTreeMap<String, String>,
    /// Corpora by name. Default: all.
    #[serde(alias = "corpora")]
    pub corpus: Vec<String>,
    /// Default: true.
    pub generate_documents: Option<bool>,
    /// Default: markdown.
    pub document_formats: Option<Vec<String>>,
    /// 0 to 9, default 5; higher runs first.
    pub priority: Option<u64>,
    /// US dollars.
    pub budget_usd: Option<f64>,
    /// Tokens.
    pub budget_tokens: Option<u64>,
    /// Calls of models and tools.
    pub max_calls: Option<u64>,
    /// Seconds for each agent, default 180.
    pub timeout_seconds: Option<f64>,
    /// Seconds for the workflow. Default: the agent's limit × agents × 1.5.
    pub workflow_timeout_seconds: Option<f64>,
    /// Steps at once, default 10.
    pub max_concurrent_agents: Option<u64>,
    /// Further attempts after a network or server error, default 2.
    pub max_retries: Option<u64>,
    /// Beltalowda: Belters a Drummer merges, default 5.
    #[serde(alias = "drummer_grouping_size")]
    pub synthesis_group_size: Option<u64>,
    /// Beltalowda: default true.
    pub enable_drummer: Option<bool>,
    /// Beltalowda: default true.
    pub enable_camina: Option<bool>,
    /// Swarm: default all nine.
    #[serde(alias = "agent_types")]
    pub allowed_agent_types: Option<Vec<String>>,
    /// Swarm: `quick`, `standard` (default) or `deep`.
    #[serde(alias = "depth")]
    pub search_depth: Option<String>,
    /// `strict` (default), `mark` or `off`.
    pub citation_gate: Option<String>,
    /// The steps of a sequential or custom workflow, of one pass of an iterative one, or before the choice of a conditional
    /// one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepDraft>,
    /// The steps whose texts are the report. Default: the last one that writes text; custom: every one nobody needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub report: Vec<String>,
    /// Conditional: what chooses the branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionDraft>,
    /// Conditional: the steps of each branch by its key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub branches: BTreeMap<String, Vec<StepDraft>>,
    /// Conditional: the branch for a key that names none. Default: such a key fails the workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// Iterative: passes at most, 1 to 20, default 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_iterations: Option<u64>,
    /// Iterative: the test after each pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<SuccessDraft>,
    /// Iterative: `report` (default) reports the last pass and says that it did not pass the test, `fail` fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_exhausted: Option<String>,
}

/// The operator's limits on requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a plain choice")]
pub struct Limits {
    /// The most agents a request may ask for.
    pub agents_max: u16,
    /// The most steps at once.
    pub concurrency_max: u16,
    /// The longest a workflow may take, in seconds.
    pub workflow_seconds_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { agents_max: 20, concurrency_max: 50, workflow_seconds_max: 24 * 3600 }
    }
}

/// One field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldError {
    /// The field as clients spell it, for example `num_agents`.
    pub field: &'static str,
    /// The rule, with the wrong value.
    pub detail: String,
}

impl FieldError {
    /// A field and the rule it breaks.
    #[must_use]
    pub fn new(field: &'static str, detail: impl Into<String>) -> Self {
        Self { field, detail: detail.into() }
    }
}

/// Every field that breaks a rule. Nothing was started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .errors.iter().map(|e| format!("{}: {}", e.field, e.detail)).collect::<Vec<_>>().join("; "))]
#[non_exhaustive]
pub struct InvalidRequest {
    /// At least one.
    pub errors: Vec<FieldError>,
}

impl From<FieldError> for InvalidRequest {
    fn from(error: FieldError) -> Self {
        Self { errors: vec![error] }
    }
}

impl RequestDraft {
    /// A task for a strategy by its name, everything else left to its default.
    #[must_use]
    pub fn new(pattern: impl Into<String>, task: impl Into<String>) -> Self {
        Self { pattern: Some(pattern.into()), task: Some(task.into()), ..Self::default() }
    }

    /// Research of a task by Beltalowda, everything else left to its default.
    #[must_use]
    pub fn research(task: impl Into<String>) -> Self {
        Self::new("beltalowda", task)
    }

    /// A search for a query by Swarm, everything else left to its default.
    #[must_use]
    pub fn search(query: impl Into<String>) -> Self {
        Self::new("swarm", query)
    }

    /// Parses the draft. Text is cleaned first: trimmed, control characters and invisible reordering marks removed.
    ///
    /// # Errors
    /// [`InvalidRequest`] with one entry for each field that breaks a rule.
    pub fn parse(self, limits: &Limits) -> Result<Request, InvalidRequest> {
        Parser::default().request(self, limits)
    }
}

/// Collects every error instead of stopping at the first.
#[derive(Default)]
pub(super) struct Parser {
    pub(super) errors: Vec<FieldError>,
}

impl Parser {
    fn request(mut self, mut draft: RequestDraft, limits: &Limits) -> Result<Request, InvalidRequest> {
        let pattern = self.pattern(draft.pattern.as_deref());
        let task = self.task(draft.task.as_deref());
        let research = pattern.as_ref().is_some_and(|p| p.as_str() == "beltalowda");
        let title = self.title(draft.title.as_deref(), &task, pattern.as_ref());
        let definition = self.definition(pattern.as_ref(), &mut draft);
        let default_agents = if research { 8 } else { 5 };
        let asked = self.range("num_agents", draft.num_agents, 1, u64::from(limits.agents_max), default_agents);
        let agents = definition.as_ref().map_or(asked, |definition| definition.runs_max() as u64);
        let concurrency =
            self.range("max_concurrent_agents", draft.max_concurrent_agents, 1, limits.concurrency_max.into(), 10);
        let priority = self.range("priority", draft.priority, 0, 9, 5);
        let retries = self.range("max_retries", draft.max_retries, 0, 10, 2);
        let group_size = self.range("synthesis_group_size", draft.synthesis_group_size, 2, 20, 5);
        let timeouts = self.timeouts(&draft, agents, definition.as_ref(), limits);
        let budget = self.budget(&draft);
        let provider = self.name("provider_name", draft.provider_name.as_deref(), ProviderName::new);
        let models = Models {
            primary: self.name("model", draft.model.as_deref(), ModelName::new),
            worker: self.name("agent_model", draft.agent_model.as_deref(), ModelName::new),
            synthesis: self.name("synthesis_model", draft.synthesis_model.as_deref(), ModelName::new),
        };
        let corpora = draft.corpus.iter().filter_map(|name| self.name("corpus", Some(name), CorpusName::new)).collect();
        let formats = self.formats(draft.generate_documents, draft.document_formats.as_deref());
        let swarm = SwarmOptions {
            agent_types: self.agent_types(draft.allowed_agent_types.as_deref()),
            depth: self.name("search_depth", draft.search_depth.as_deref(), |t| t.parse()).unwrap_or_default(),
            tools: BTreeMap::new(),
        };
        let gate = self.name("citation_gate", draft.citation_gate.as_deref(), |t| t.parse::<GateMode>());
        let context = self.context(draft.context);

        let Some(pattern) = pattern.filter(|_| self.errors.is_empty()) else {
            return Err(InvalidRequest { errors: self.errors });
        };
        Ok(Request {
            pattern,
            task,
            title,
            agents: narrow(agents),
            provider,
            models,
            context,
            corpora,
            tools: Vec::new(),
            images: Vec::new(),
            formats,
            priority: u8::try_from(priority).unwrap_or(5),
            budget,
            timeouts,
            concurrency_max: narrow(concurrency),
            retries_max: narrow(retries),
            gate: gate.unwrap_or_default(),
            beltalowda: BeltalowdaOptions {
                group_size: narrow(group_size),
                drummer: draft.enable_drummer.unwrap_or(true),
                camina: draft.enable_camina.unwrap_or(true),
            },
            swarm,
            definition,
        })
    }

    /// The steps, where the pattern has steps. They are its agents.
    fn definition(&mut self, pattern: Option<&PatternName>, draft: &mut RequestDraft) -> Option<Definition> {
        let pattern = pattern?.as_str();
        if definition::is_defined(pattern) && draft.num_agents.is_some() {
            self.refuse("num_agents", format!("is no setting of the pattern {pattern}: its steps are its agents"));
        }
        let parts = definition::Parts {
            steps: std::mem::take(&mut draft.steps),
            report: std::mem::take(&mut draft.report),
            condition: draft.condition.take(),
            branches: std::mem::take(&mut draft.branches),
            default_branch: draft.default_branch.take(),
            max_iterations: draft.max_iterations,
            success: draft.success.take(),
            on_exhausted: draft.on_exhausted.take(),
        };
        definition::definition(pattern, &parts, &mut self.errors)
    }

    pub(super) fn refuse(&mut self, field: &'static str, detail: impl Into<String>) {
        self.errors.push(FieldError { field, detail: detail.into() });
    }

    fn pattern(&mut self, pattern: Option<&str>) -> Option<PatternName> {
        match pattern {
            None => {
                self.refuse("pattern", "is missing");
                None
            }
            Some("research") => PatternName::new("beltalowda").ok(),
            Some("search") => PatternName::new("swarm").ok(),
            some => self.name("pattern", some, PatternName::new),
        }
    }

    pub(super) fn task(&mut self, task: Option<&str>) -> String {
        let Some(task) = task else {
            self.refuse("task", "is missing");
            return String::new();
        };
        let task = clean(task);
        let chars = task.chars().count();
        if !(10..=5000).contains(&chars) {
            self.refuse("task", format!("has {chars} characters, expected 10 to 5000"));
        }
        task
    }

    pub(super) fn title(&mut self, title: Option<&str>, task: &str, pattern: Option<&PatternName>) -> String {
        let Some(title) = title else {
            let start = clean_line(task, 50);
            let more = if clean_line(task, 51).chars().count() > 50 { "…" } else { "" };
            return match pattern.map(PatternName::as_str) {
                Some("beltalowda") => format!("Research: {start}{more}"),
                Some(pattern) if definition::is_defined(pattern) => format!("{start}{more}"),
                Some(_) | None => format!("Search: {start}{more}"),
            };
        };
        let line = clean_line(title, 201);
        let chars = line.chars().count();
        if !(1..=200).contains(&chars) {
            self.refuse("title", format!("has {} characters, expected 1 to 200", title.trim().chars().count()));
        }
        line
    }

    pub(super) fn range(&mut self, field: &'static str, value: Option<u64>, min: u64, max: u64, default: u64) -> u64 {
        let value = value.unwrap_or_else(|| default.clamp(min, max));
        if !(min..=max).contains(&value) {
            self.refuse(field, format!("is {value}, expected {min} to {max}"));
        }
        value
    }

    fn seconds(&mut self, field: &'static str, value: Option<f64>, max: u32) -> Option<u64> {
        let seconds = value?;
        if !(seconds.is_finite() && (0.001..=f64::from(max)).contains(&seconds)) {
            self.refuse(field, format!("is {seconds} seconds, expected more than 0 and at most {max}"));
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked above")]
        Some((seconds * 1000.0).ceil() as u64)
    }

    pub(super) fn timeouts(
        &mut self,
        draft: &RequestDraft,
        agents: u64,
        definition: Option<&Definition>,
        limits: &Limits,
    ) -> Timeouts {
        let agent = self.seconds("timeout_seconds", draft.timeout_seconds, 3600);
        let agent_ms = agent.unwrap_or(180_000);
        let longest_ms = u64::from(limits.workflow_seconds_max) * 1000;
        let workflow =
            self.seconds("workflow_timeout_seconds", draft.workflow_timeout_seconds, limits.workflow_seconds_max);
        Timeouts {
            agent_ms,
            synthesis_ms: agent.unwrap_or(240_000),
            executive_ms: agent.unwrap_or(300_000),
            workflow_ms: workflow
                .unwrap_or_else(|| {
                    let all_ms = definition.map(|definition| definition.time_ms(agent_ms));
                    all_ms.unwrap_or_else(|| agent_ms.saturating_mul(agents)).saturating_mul(3) / 2
                })
                .min(longest_ms),
        }
    }

    pub(super) fn budget(&mut self, draft: &RequestDraft) -> Budget {
        let cost_max = draft.budget_usd.and_then(|usd| {
            let money = Money::from_usd(usd).filter(|money| *money > Money::ZERO);
            if money.is_none() {
                self.refuse("budget_usd", format!("is {usd}, expected more than 0 US dollars"));
            }
            money
        });
        if draft.budget_tokens == Some(0) {
            self.refuse("budget_tokens", "is 0, expected at least 1");
        }
        let calls_max = draft.max_calls.map(|calls| self.range("max_calls", Some(calls), 1, 1_000_000, 1));
        Budget {
            cost_max,
            tokens_max: draft.budget_tokens,
            calls_max: calls_max.map(|calls| u32::try_from(calls).unwrap_or(u32::MAX)),
        }
    }

    pub(super) fn name<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        value: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(value?) {
            Ok(name) => Some(name),
            Err(error) => {
                self.refuse(field, error.to_string());
                None
            }
        }
    }

    pub(super) fn formats(&mut self, generate: Option<bool>, formats: Option<&[String]>) -> Vec<DocumentFormat> {
        if generate == Some(false) {
            return Vec::new();
        }
        let Some(formats) = formats else { return vec![DocumentFormat::Markdown] };
        if formats.is_empty() {
            self.refuse("document_formats", "is empty, expected at least one format");
        }
        let mut parsed: Vec<DocumentFormat> = formats
            .iter()
            .filter_map(|format| self.name("document_formats", Some(format), |t| t.parse::<DocumentFormat>()))
            .collect();
        parsed.sort_unstable();
        parsed.dedup();
        parsed
    }

    pub(super) fn agent_types(&mut self, types: Option<&[String]>) -> Vec<AgentType> {
        let mut parsed: Vec<AgentType> = types
            .unwrap_or_default()
            .iter()
            .filter_map(|kind| self.name("allowed_agent_types", Some(kind), |t| t.parse::<AgentType>()))
            .collect();
        parsed.sort_unstable();
        parsed.dedup();
        parsed
    }

    pub(super) fn context(&mut self, context: BTreeMap<String, String>) -> BTreeMap<String, String> {
        if context.len() > 20 {
            self.refuse("context", format!("has {} entries, expected at most 20", context.len()));
        }
        let mut cleaned = BTreeMap::new();
        for (key, value) in context {
            let key = clean_line(&key, 100);
            if key.is_empty() || value.chars().count() > 1000 {
                self.refuse(
                    "context",
                    format!("entry {key:?} is not 1 to 100 characters of key and at most 1000 of value"),
                );
            }
            cleaned.insert(key, clean(&value));
        }
        cleaned
    }
}

fn narrow(value: u64) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}
