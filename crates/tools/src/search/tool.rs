//! A search service as a tool. Owns its arguments and its answer; asking is `asking`'s.

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use async_trait::async_trait;
use mcp_orchestrator_domain::{AgentType, Cost, Digest, ToolName, ToolSpec};
use mcp_orchestrator_egress::{BaseUrl, HttpClient};
use serde::Deserialize;
use serde_json::json;

use super::{
    SearchOptions, SearchSource, SourceNeeds,
    asking::{Asking, REQUEST_TIME, time_limit},
    record::{Proof, Record},
};
use crate::{Tool, ToolAnswer, ToolDescription, ToolError, ToolInvocation};

/// Records of one search when nobody says.
const RECORDS: u16 = 5;
/// Records of one search at most.
const RECORDS_MAX: u16 = 10;
/// Characters of a question.
const QUERY_CHARS_MAX: usize = 400;

/// Asks one service. Its answer is its records, each a snapshot of its own and citable whole: title, authors, date,
/// identifier and text as the service gave them, HTML taken out.
///
/// All calls of one tool share one line before the service, so make one tool per service and process.
#[derive(Debug)]
pub struct SearchTool {
    source: &'static SearchSource,
    asking: Asking,
    description: ToolDescription,
}

#[derive(Deserialize)]
struct Arguments {
    query: String,
    limit: Option<u16>,
}

impl SearchTool {
    /// The tool of a service. Opens nothing.
    ///
    /// # Errors
    /// What the service [needs](SearchSource::needs) and the options lack.
    pub fn new(source: &'static SearchSource, client: HttpClient, options: SearchOptions) -> Result<Self, SourceNeeds> {
        match source.needs {
            SourceNeeds::Contact if options.contact.is_none() => return Err(SourceNeeds::Contact),
            SourceNeeds::Key if options.key.is_none() => return Err(SourceNeeds::Key),
            _ => {}
        }
        let own = options.base_url.clone().or_else(|| BaseUrl::parse(source.base_url).ok());
        let base_url = own.ok_or(SourceNeeds::Address)?;
        let asking = Asking::new(source, client, base_url, options);
        let description = described(source, asking.time_limit());
        Ok(Self { source, asking, description })
    }

    /// What the tool of a service is, whether it can be asked or not.
    #[must_use]
    pub fn describe(source: &SearchSource) -> ToolDescription {
        described(source, time_limit(REQUEST_TIME))
    }

    /// The service.
    #[must_use]
    pub const fn source(&self) -> &'static SearchSource {
        self.source
    }
}

impl SearchSource {
    /// The source with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        super::SEARCH_SOURCES.iter().copied().find(|source| source.name == name)
    }

    /// The name of its tool.
    #[must_use]
    pub fn tool_name(&self) -> ToolName {
        ToolName::new(&format!("{}_search", self.name)).expect("a source's name is lower-case letters and _")
    }
}

#[async_trait]
impl Tool for SearchTool {
    fn description(&self) -> &ToolDescription {
        &self.description
    }

    async fn call(&self, call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
        let arguments = Arguments::deserialize(call.arguments)
            .map_err(|error| ToolError::Arguments { argument: String::new(), detail: error.to_string() })?;
        let query = mcp_orchestrator_domain::clean_line(&arguments.query, QUERY_CHARS_MAX);
        if !query.chars().any(char::is_alphanumeric) {
            return Err(ToolError::Arguments {
                argument: "/query".to_owned(),
                detail: "has no word to look for".to_owned(),
            });
        }
        let limit = arguments.limit.unwrap_or(RECORDS).clamp(1, RECORDS_MAX);
        let page = self.asking.ask(&query, limit).await?;
        Ok(answer(self.source, &page.records, limit))
    }
}

fn answer(source: &SearchSource, records: &[Record], limit: u16) -> ToolAnswer {
    let mut held: BTreeSet<Digest> = BTreeSet::new();
    let proofs = records.iter().filter_map(Record::proof).filter(|proof| held.insert(proof.snapshot.digest));
    let proofs: Vec<Proof> = proofs.take(limit.into()).collect();
    let mut content = match proofs.len() {
        0 => format!("{} found nothing for these words.", source.title),
        count => format!("{count} records of {}, best first.", source.title),
    };
    for (number, proof) in (1..).zip(&proofs) {
        let _ = write!(content, "\n{number}. {} {}", proof.span.id, proof.span.source.uri);
    }
    let (spans, snapshots) = proofs.into_iter().map(|proof| (proof.span, proof.snapshot)).unzip();
    // What a question to a paid service costs is in the operator's contract, not in the answer.
    let cost = if source.needs == SourceNeeds::Key { Cost::Unknown } else { Cost::FREE };
    ToolAnswer { content, spans, snapshots, cost }
}

fn described(source: &SearchSource, time_limit: Duration) -> ToolDescription {
    let spec = ToolSpec {
        name: source.tool_name(),
        description: format!(
            "Searches {}: {}. Give a few key words, not a sentence. Each record can be cited by its id.",
            source.title, source.holds
        ),
        parameters: json!({
            "type": "object",
            "properties": {
                "query": {
                    "type": "string", "minLength": 1, "maxLength": QUERY_CHARS_MAX,
                    "description": "The words to look for.",
                },
                "limit": {
                    "type": "integer", "minimum": 1, "maximum": RECORDS_MAX, "default": RECORDS,
                    "description": "Records at most.",
                },
            },
            "required": ["query"],
            "additionalProperties": false,
        }),
    };
    let kinds = source.types.iter().copied().map(AgentType::as_str);
    ToolDescription {
        spec,
        category: "search".to_owned(),
        tags: ["network", "evidence"].into_iter().chain(kinds).map(str::to_owned).collect(),
        time_limit,
        repeatable: true,
        is_source: true,
    }
}
