//! A request: what somebody wants done. Owns the valid request and the one way from a draft to it.

mod change;
mod draft;
mod text;

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    AgentType, CorpusName, Definition, GateMode, ImageRef, InvalidName, ModelName, Money, PatternName, ProviderName,
    Tier, ToolName,
};

pub use change::changed_request;
pub use draft::{FieldError, InvalidRequest, Limits, RequestDraft};
pub use text::{clean, clean_line, file_stem};

/// A request that holds every rule. Built by [`RequestDraft::parse`] only; each default is filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// The strategy.
    pub pattern: PatternName,
    /// The task or query: 10 to 5,000 characters, trimmed, without control characters but newline and tab.
    pub task: String,
    /// At most 200 characters, one line.
    pub title: String,
    /// How many agents research; with a [`Request::definition`], how many of its steps run at most.
    pub agents: u16,
    /// Who answers; `None` until the facade has chosen.
    pub provider: Option<ProviderName>,
    /// Which models.
    #[serde(default)]
    pub models: Models,
    /// Further facts for every agent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// The corpora agents may search; empty: all the operator named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corpora: Vec<CorpusName>,
    /// Tools agents may call; filled in by the facade.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolName>,
    /// Images that planning and the agents are shown; filled in by the facade.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageRef>,
    /// Documents to render; may be empty.
    pub formats: Vec<DocumentFormat>,
    /// 0 to 9; higher runs first.
    pub priority: u8,
    /// What may be spent.
    #[serde(default)]
    pub budget: Budget,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// Steps that may run at once, synthesis included.
    pub concurrency_max: u16,
    /// Further attempts after a network or server error.
    pub retries_max: u16,
    /// How strict the citation gate is.
    #[serde(default)]
    pub gate: GateMode,
    /// Settings of Beltalowda.
    #[serde(default)]
    pub beltalowda: BeltalowdaOptions,
    /// Settings of Swarm.
    #[serde(default)]
    pub swarm: SwarmOptions,
    /// The steps, for patterns whose steps are written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Definition>,
}

/// Which models answer; `None` is the provider's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a plain choice")]
pub struct Models {
    /// For planning, and for the others when they name none.
    pub primary: Option<ModelName>,
    /// For the agents.
    pub worker: Option<ModelName>,
    /// For synthesis.
    pub synthesis: Option<ModelName>,
}

impl Models {
    /// The model for a part of the work: its own, else the primary one.
    #[must_use]
    pub fn of(&self, tier: Tier) -> Option<&ModelName> {
        let own = match tier {
            Tier::Primary => None,
            Tier::Worker => self.worker.as_ref(),
            Tier::Synthesis => self.synthesis.as_ref(),
        };
        own.or(self.primary.as_ref())
    }
}

/// What may be spent; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a plain choice")]
pub struct Budget {
    /// Money. A call of unknown price is then refused.
    pub cost_max: Option<Money>,
    /// Tokens, prompt and completion.
    pub tokens_max: Option<u64>,
    /// Calls of models and tools.
    pub calls_max: Option<u32>,
}

/// How long things may take, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a plain choice")]
pub struct Timeouts {
    /// An agent, waits for a provider not counted.
    pub agent_ms: u64,
    /// A synthesis of a group.
    pub synthesis_ms: u64,
    /// The final synthesis.
    pub executive_ms: u64,
    /// The whole workflow from its start.
    pub workflow_ms: u64,
}

/// Settings of Beltalowda.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a plain choice")]
pub struct BeltalowdaOptions {
    /// How many finished Belters a Drummer merges.
    pub group_size: u16,
    /// Whether Drummers merge groups.
    pub drummer: bool,
    /// Whether Camina writes the report.
    pub camina: bool,
}

impl Default for BeltalowdaOptions {
    fn default() -> Self {
        Self { group_size: 5, drummer: true, camina: true }
    }
}

/// Settings of Swarm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a plain choice")]
pub struct SwarmOptions {
    /// The types agents may have; empty: all nine.
    pub agent_types: Vec<AgentType>,
    /// How thoroughly each searches.
    pub depth: SearchDepth,
    /// The tools that are for certain types alone, by type; filled in by the facade. A tool in no row goes by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<AgentType, Vec<ToolName>>,
}

/// How thoroughly a Swarm agent searches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a setting with three values")]
pub enum SearchDepth {
    /// One search.
    Quick,
    /// A few searches.
    #[default]
    Standard,
    /// Searches and whole passages.
    Deep,
}

impl FromStr for SearchDepth {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text {
            "quick" => Ok(Self::Quick),
            "standard" => Ok(Self::Standard),
            "deep" => Ok(Self::Deep),
            _ => Err(InvalidName { kind: "depth", value: clean_line(text, 80), expected: "quick, standard or deep" }),
        }
    }
}

/// A document format this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DocumentFormat {
    /// Markdown with front matter, `.md`.
    Markdown,
    /// The report with its evidence, `.json`, for `verify`.
    Json,
}

impl DocumentFormat {
    /// The file extension without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for DocumentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Markdown => "markdown",
            Self::Json => "json",
        })
    }
}

impl FromStr for DocumentFormat {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text {
            "md" | "markdown" => Ok(Self::Markdown),
            "json" => Ok(Self::Json),
            _ => Err(InvalidName {
                kind: "document format",
                value: clean_line(text, 80),
                expected: "md (markdown) or json; html, docx and pdf are not written by this version",
            }),
        }
    }
}
