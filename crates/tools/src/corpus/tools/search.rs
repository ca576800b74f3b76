//! `corpus_search`: passages for a question. Owns its arguments and its words; ranking is the corpus's.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use mcp_orchestrator_domain::{Cost, Digest, ToolName, ToolSpec};
use serde::Deserialize;
use serde_json::json;

use super::{Corpora, blocking};
use crate::{
    Snapshot, Tool, ToolAnswer, ToolDescription, ToolError, ToolInvocation,
    corpus::{Corpus, Hit, search::best_first},
};

/// Passages in an answer, unless asked otherwise, and at most.
const HITS: usize = 8;
const HITS_MAX: usize = 30;
/// A passage that covers less of the question is about something else and is left out.
const COVERAGE_MIN: f32 = 0.2;
/// How long a search may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Searches the corpora.
///
/// The answer's text counts and rates; every passage is a span, best first, with its document as a snapshot. It lists
/// one line a span: `1. ev_… score 9.1, coverage 0.92, corpus:docs/guide.md`.
#[derive(Debug)]
pub struct CorpusSearch {
    corpora: Corpora,
    description: ToolDescription,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    query: String,
    corpus: Option<String>,
    limit: Option<usize>,
}

impl CorpusSearch {
    /// The tool over these corpora.
    #[must_use]
    pub fn new(corpora: Corpora) -> Self {
        let spec = ToolSpec {
            name: ToolName::new("corpus_search").expect("a literal name is valid"),
            description: "Searches the documents of this workflow and returns verbatim passages as evidence, each with an \
                          id to cite. Ask in the words the documents would use; ask again in other words when little is \
                          found. An answer without passages means the documents say nothing about it."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "query": {
                        "type": "string", "minLength": 1, "maxLength": 2000,
                        "description": "A question or keywords, plain text; there are no operators.",
                    },
                    "corpus": {
                        "type": "string", "maxLength": 64,
                        "description": "Only this corpus; otherwise all.",
                    },
                    "limit": {
                        "type": "integer", "minimum": 1, "maximum": HITS_MAX, "default": HITS,
                        "description": "Passages at most.",
                    },
                },
                "required": ["query"],
                "additionalProperties": false,
            }),
        };
        let description = ToolDescription {
            spec,
            category: "corpus".to_owned(),
            tags: ["search", "documents", "evidence"].map(str::to_owned).to_vec(),
            time_limit: TIME_LIMIT,
            repeatable: true,
            is_source: true,
        };
        Self { corpora, description }
    }
}

#[async_trait]
impl Tool for CorpusSearch {
    fn description(&self) -> &ToolDescription {
        &self.description
    }

    async fn call(&self, call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
        let arguments = Arguments::deserialize(call.arguments)
            .map_err(|error| ToolError::Arguments { argument: String::new(), detail: error.to_string() })?;
        let corpora = self.corpora.choose(call.corpora, arguments.corpus.as_deref())?;
        let limit = arguments.limit.unwrap_or(HITS).clamp(1, HITS_MAX);
        blocking(move || answer(&corpora, &arguments.query, limit)).await
    }
}

fn answer(corpora: &[Arc<Corpus>], query: &str, limit: usize) -> Result<ToolAnswer, ToolError> {
    let mut found: Vec<(Hit, &Arc<Corpus>)> = Vec::new();
    for corpus in corpora {
        found.extend(corpus.search(query, limit)?.into_iter().map(|hit| (hit, corpus)));
    }
    let all = found.len();
    found.retain(|(hit, _)| hit.coverage >= COVERAGE_MIN);
    let weak = all - found.len();
    found.sort_by(|(a, _), (b, _)| best_first(a, b));
    found.truncate(limit);
    let mut answer = ToolAnswer { content: summary(corpora, &found, weak), cost: Cost::FREE, ..ToolAnswer::default() };
    let mut held: BTreeSet<Digest> = BTreeSet::new();
    for (hit, corpus) in found {
        let digest = hit.span.snapshot;
        if !held.contains(&digest) {
            // The folder changed between search and look-up: without its text a passage proves nothing.
            let Some(snapshot) = corpus.snapshot(&digest)? else { continue };
            answer.snapshots.push(Snapshot { digest, text: snapshot.text });
            held.insert(digest);
        }
        answer.spans.push(hit.span);
    }
    Ok(answer)
}

fn summary(corpora: &[Arc<Corpus>], found: &[(Hit, &Arc<Corpus>)], weak: usize) -> String {
    let documents: usize = corpora.iter().map(|corpus| corpus.summary().documents).sum();
    let names: Vec<&str> = corpora.iter().map(|corpus| corpus.name().as_str()).collect();
    let searched = format!("{documents} documents of {}", names.join(", "));
    let mut text = if found.is_empty() {
        format!("Nothing found in {searched}.")
    } else {
        let sources: BTreeSet<&str> = found.iter().map(|(hit, _)| hit.span.source.uri.as_str()).collect();
        format!("{} passages from {} of {searched}, best first.", found.len(), sources.len())
    };
    if weak > 0 {
        let _ = write!(text, " {weak} passages that share only a common word with the query were left out.");
    }
    for (number, (hit, _)) in (1..).zip(found) {
        let (span, score, coverage) = (&hit.span, hit.score, hit.coverage);
        let _ = write!(text, "\n{number}. {} score {score:.1}, coverage {coverage:.2}, {}", span.id, span.source.uri);
    }
    text
}
