//! `corpus_read`: a part of a document. Owns its arguments and its words; cutting and looking up are the corpus's.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mcp_orchestrator_domain::{Cost, EvidenceId, ToolName, ToolSpec};
use serde::Deserialize;
use serde_json::json;

use super::{Corpora, blocking};
use crate::{Tool, ToolAnswer, ToolDescription, ToolError, ToolInvocation, corpus::Corpus};

/// Bytes of an answer, unless asked otherwise, and at most.
const BYTES: usize = 6 << 10;
const BYTES_MAX: usize = 24 << 10;
/// How much is shown before a passage that is read around.
const BYTES_BEFORE: u64 = 1_000;
/// How long reading may take.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Reads documents of the corpora.
///
/// The answer's text says which bytes of how many were read and where to read on; the passages are spans in the order
/// of the document, with the same ids a search gives them.
#[derive(Debug)]
pub struct CorpusRead {
    corpora: Corpora,
    description: ToolDescription,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: Option<String>,
    evidence: Option<String>,
    corpus: Option<String>,
    from: Option<u64>,
    bytes: Option<usize>,
}

impl CorpusRead {
    /// The tool over these corpora.
    #[must_use]
    pub fn new(corpora: Corpora) -> Self {
        let spec = ToolSpec {
            name: ToolName::new("corpus_read").expect("a literal name is valid"),
            description:
                "Reads a document passage by passage: from its beginning, from a byte on, or around a passage a \
                          search returned. Use it to see what stands before and after."
                    .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "path": {
                        "type": "string", "minLength": 1, "maxLength": 4096,
                        "description": "A document's address as corpus_search gives it, or its path in the corpus.",
                    },
                    "evidence": {
                        "type": "string", "maxLength": 64,
                        "description": "Instead of a path: the id of a passage to read around.",
                    },
                    "corpus": {
                        "type": "string", "maxLength": 64,
                        "description": "The corpus a path is in, when several have such a document.",
                    },
                    "from": { "type": "integer", "minimum": 0, "description": "Byte to read on from." },
                    "bytes": {
                        "type": "integer", "minimum": 1, "maximum": BYTES_MAX, "default": BYTES,
                        "description": "How much to read, about.",
                    },
                },
                "anyOf": [{ "required": ["path"] }, { "required": ["evidence"] }],
                "additionalProperties": false,
            }),
        };
        let description = ToolDescription {
            spec,
            category: "corpus".to_owned(),
            tags: ["read", "documents", "evidence"].map(str::to_owned).to_vec(),
            time_limit: TIME_LIMIT,
            repeatable: true,
            is_source: true,
        };
        Self { corpora, description }
    }
}

#[async_trait]
impl Tool for CorpusRead {
    fn description(&self) -> &ToolDescription {
        &self.description
    }

    async fn call(&self, call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
        let arguments = Arguments::deserialize(call.arguments)
            .map_err(|error| ToolError::Arguments { argument: String::new(), detail: error.to_string() })?;
        let corpora = self.corpora.choose(call.corpora, arguments.corpus.as_deref())?;
        blocking(move || answer(&corpora, &arguments)).await
    }
}

fn answer(corpora: &[Arc<Corpus>], arguments: &Arguments) -> Result<ToolAnswer, ToolError> {
    let (path, start) = match (&arguments.path, &arguments.evidence) {
        (Some(path), _) => (path.clone(), 0),
        (None, Some(evidence)) => around(corpora, evidence)?,
        (None, None) => {
            let detail = "name a path or an evidence id".to_owned();
            return Err(ToolError::Arguments { argument: "/path".to_owned(), detail });
        }
    };
    let from = arguments.from.unwrap_or(start);
    let bytes = arguments.bytes.unwrap_or(BYTES).clamp(1, BYTES_MAX);
    let mut unknown = None;
    for corpus in corpora {
        match corpus.read(&path, from, bytes) {
            Ok(reading) => {
                let (first, last) = (reading.spans.first(), reading.spans.last());
                let (begin, end) = (first.map_or(0, |span| span.start), last.map_or(0, |span| span.end));
                let uri = first.map_or("the document", |span| span.source.uri.as_str());
                let mut content = format!(
                    "Bytes {begin} to {end} of {} of {uri}, {} passages in order.",
                    reading.snapshot.text.len(),
                    reading.spans.len()
                );
                if let Some(next) = reading.next {
                    content.push_str(&format!(" Read on with from {next}."));
                }
                let snapshots = vec![reading.snapshot];
                return Ok(ToolAnswer { content, spans: reading.spans, snapshots, cost: Cost::FREE });
            }
            Err(error) => {
                // The most helpful refusal: one that proposes documents.
                let proposes =
                    matches!(&error, crate::CorpusError::UnknownDocument { similar, .. } if !similar.is_empty());
                if !matches!(error, crate::CorpusError::UnknownDocument { .. }) {
                    return Err(error.into());
                }
                if proposes || unknown.is_none() {
                    unknown = Some(error);
                }
            }
        }
    }
    Err(unknown.map_or_else(|| ToolError::failed("this workflow may search no corpus"), ToolError::from))
}

fn around(corpora: &[Arc<Corpus>], evidence: &str) -> Result<(String, u64), ToolError> {
    let refused = |detail: &str| ToolError::Arguments { argument: "/evidence".to_owned(), detail: detail.to_owned() };
    let id = EvidenceId::new(evidence.trim_matches(['[', ']'])).map_err(|error| refused(&error.to_string()))?;
    for corpus in corpora {
        if let Some((path, start)) = corpus.locate(&id)? {
            return Ok((path, start.saturating_sub(BYTES_BEFORE)));
        }
    }
    Err(refused("no passage has this id now"))
}
