//! Reads documents as they were indexed. Owns looking up snapshots, passages and documents; reads no file.

use std::{
    path::{Component, Path},
    sync::Arc,
};

use mcp_orchestrator_domain::{CorpusName, Digest, EvidenceId, Span, clean_line};
use tantivy::{
    DocAddress, TantivyDocument, TantivyError, Term,
    collector::TopDocs,
    query::TermQuery,
    schema::{Field, IndexRecordOption, Value as _},
};

use super::{
    CorpusError,
    index::State,
    location::{file_name, name_of},
    manifest::Document,
    passage::cut,
    search::{Stored, source},
};
use crate::Snapshot;
use crate::span::span;

/// Passages at most in one reading.
const PASSAGES_MAX: usize = 50;
/// Names proposed for one that is unknown.
const SIMILAR_MAX: usize = 3;

/// A part of a document.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reading {
    /// Its passages in order, never none.
    pub spans: Vec<Arc<Span>>,
    /// The whole text they are in.
    pub snapshot: Snapshot,
    /// Where to read on; `None` at the end.
    pub next: Option<u64>,
}

/// The text with this digest.
pub(super) fn snapshot(state: &State, digest: &Digest) -> Result<Option<Snapshot>, TantivyError> {
    let Some(address) = one_with(state, state.fields.digest_key, &digest.to_string())? else { return Ok(None) };
    let document: TantivyDocument = state.reader.searcher().doc(address)?;
    let text = document.get_first(state.fields.text).and_then(|value| value.as_str());
    Ok(text.map(|text| Snapshot { digest: *digest, text: text.into() }))
}

/// The name of the document a passage is in, and its first byte.
pub(super) fn locate(state: &State, evidence: &EvidenceId) -> Result<Option<(String, u64)>, TantivyError> {
    let Some(address) = one_with(state, state.fields.evidence, evidence.as_str())? else { return Ok(None) };
    let passage = Stored::read(state, &state.reader.searcher(), address)?;
    Ok(passage.map(|passage| (passage.name, passage.start as u64)))
}

/// The passages of a document from byte `from` on.
pub(super) fn read(
    state: &State,
    corpus: &CorpusName,
    path: &str,
    from: u64,
    bytes_max: usize,
) -> Result<Reading, CorpusError> {
    let unknown = || CorpusError::UnknownDocument {
        corpus: corpus.clone(),
        path: clean_line(path, 200),
        similar: similar(state, path),
    };
    let (name, document) = find(state, corpus, path).ok_or_else(unknown)?;
    let failed = |error| CorpusError::index(corpus, error);
    let snapshot = snapshot(state, &document.snapshot).map_err(failed)?.ok_or_else(unknown)?;
    let passages = cut(document.kind, &snapshot.text).passages;
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    // Beyond the end the last passage is shown rather than nothing.
    let first = passages
        .iter()
        .position(|passage| passage.range.end > from)
        .unwrap_or_else(|| passages.len().saturating_sub(1));
    let mut reading = Reading { spans: Vec::new(), snapshot: snapshot.clone(), next: None };
    let mut bytes = 0;
    for passage in &passages[first..] {
        bytes += passage.range.len();
        if !reading.spans.is_empty() && (bytes > bytes_max || reading.spans.len() == PASSAGES_MAX) {
            reading.next = Some(passage.range.start as u64);
            break;
        }
        let quote = &snapshot.text[passage.range.clone()];
        let source = source(corpus, name, &document.title, &passage.heading);
        reading.spans.push(span(snapshot.digest, &passage.range, quote, source));
    }
    Ok(reading)
}

fn find<'a>(state: &'a State, corpus: &CorpusName, path: &'a str) -> Option<(&'a str, &'a Document)> {
    let inside = path
        .strip_prefix("corpus:")
        .map_or(Some(path), |rest| rest.strip_prefix(corpus.as_str()).and_then(|rest| rest.strip_prefix('/')))?;
    let by_name = |name: &str| {
        let (name, _) = state.manifest.files.get_key_value(name)?;
        Some((name.as_str(), state.manifest.document(name)?))
    };
    let path = Path::new(inside);
    // `..` names nothing inside a corpus, nor does a path of the machine.
    let is_inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    by_name(inside).or_else(|| is_inside.then(|| name_of(path)).and_then(|name| by_name(&name)))
}

fn similar(state: &State, path: &str) -> Vec<String> {
    let wanted = file_name(path);
    let same = state.manifest.documents().map(|(name, _)| name).filter(|name| file_name(name) == wanted);
    same.take(SIMILAR_MAX).map(str::to_owned).collect()
}

fn one_with(state: &State, field: Field, value: &str) -> Result<Option<DocAddress>, TantivyError> {
    let query = TermQuery::new(Term::from_field_text(field, value), IndexRecordOption::Basic);
    let found = state.reader.searcher().search(&query, &TopDocs::with_limit(1).order_by_score())?;
    Ok(found.first().map(|(_, address)| *address))
}
