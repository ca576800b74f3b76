//! Ranks passages for a question. Owns query, score and coverage; foreign text never reaches a query language.

use std::{cmp::Ordering, collections::HashMap, sync::Arc};

use mcp_orchestrator_domain::{CorpusName, Digest, Source, Span};
use tantivy::{
    DocAddress, Searcher, TantivyDocument, TantivyError, Term,
    collector::TopDocs,
    query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery},
    schema::{Field, IndexRecordOption, Value as _},
    tokenizer::TextAnalyzer,
};

use super::{
    index::{State, path_words},
    passage::HEADING_SEPARATOR,
    words::{QueryWord, query_words, stemmed},
};
use crate::span::span;

/// What is read of a query, and how many words of that.
const QUERY_BYTES_MAX: usize = 4 << 10;
const QUERY_WORDS_MAX: usize = 64;
/// Passages at most in one answer.
pub(super) const HITS_MAX: usize = 100;
/// Passages that are looked at more closely for one that is returned.
const CANDIDATES_PER_HIT: usize = 6;
const CANDIDATES_MIN: usize = 48;
const CANDIDATES_MAX: usize = 320;

/// How much a match counts in each field.
const BODY_BOOST: f32 = 1.0;
const EXACT_BOOST: f32 = 0.4;
const HEADING_BOOST: f32 = 0.7;
const PLACE_BOOST: f32 = 0.4;
/// How much of a word a passage covers that has it only in its heading, or only in its document's title or name.
const HEADING_COVERS: f32 = 0.8;
const PLACE_COVERS: f32 = 0.5;
/// Two words of the query that are neighbours there are near each other within so many words.
const NEAR_WORDS: usize = 5;
/// How much nearness may add to a score.
const NEAR_BONUS: f32 = 0.25;

/// A passage found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hit {
    /// The passage as evidence.
    pub span: Arc<Span>,
    /// Higher is better; comparable only between hits of one query.
    pub score: f32,
    /// How much of what the query asks about the passage and its headings mention, 0 to 1: rare words weigh more, and
    /// words the corpus does not know weigh most. Near 0 means the passage is about something else.
    pub coverage: f32,
    /// The headings above the passage, outermost first, joined by ` › `; empty when there is none.
    pub heading: String,
    /// Words of the query found neither in the passage nor in its headings or name, lower case.
    pub missing: Vec<String>,
}

/// The best passages for a query, best first, at most `limit` and at most [`HITS_MAX`].
pub(super) fn search(state: &State, corpus: &CorpusName, query: &str, limit: usize) -> Result<Vec<Hit>, TantivyError> {
    let words = query_words(&query[..query.floor_char_boundary(QUERY_BYTES_MAX)], QUERY_WORDS_MAX);
    let limit = limit.min(HITS_MAX);
    if words.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let searcher = state.reader.searcher();
    let weights = weights(state, &searcher, &words)?;
    let candidates = (limit * CANDIDATES_PER_HIT).clamp(CANDIDATES_MIN, CANDIDATES_MAX);
    let found = searcher.search(&any_of(state, &words), &TopDocs::with_limit(candidates).order_by_score())?;
    let mut places = Places::new(&words);
    let mut hits = Vec::with_capacity(found.len());
    for (score, address) in found {
        let Some(passage) = Stored::read(state, &searcher, address)? else { continue };
        hits.push(rate(&passage, corpus, &mut places, &weights, score));
    }
    hits.sort_by(best_first);
    // Copies of a document share snapshot and spans.
    let mut seen = std::collections::HashSet::new();
    hits.retain(|hit| seen.insert(hit.span.id.clone()));
    hits.truncate(limit);
    Ok(hits)
}

/// The order of hits: by score, then by place, so that equal scores keep their order between runs.
pub(super) fn best_first(a: &Hit, b: &Hit) -> Ordering {
    let place = |hit: &Hit| (Arc::clone(&hit.span.source), hit.span.start);
    b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b)))
}

fn any_of(state: &State, words: &[QueryWord]) -> BooleanQuery {
    let fields = &state.fields;
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::with_capacity(words.len() * 4);
    let mut add = |field: Field, word: &str, boost: f32| {
        let term = TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::WithFreqs);
        clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(term), boost))));
    };
    for word in words {
        add(fields.body, &word.stem, BODY_BOOST);
        add(fields.exact, &word.exact, EXACT_BOOST);
        add(fields.heading, &word.stem, HEADING_BOOST);
        add(fields.place, &word.stem, PLACE_BOOST);
    }
    BooleanQuery::new(clauses)
}

/// How much each word tells: its inverse frequency among the passages; 0 for words that need not be covered.
fn weights(state: &State, searcher: &Searcher, words: &[QueryWord]) -> Result<Vec<f32>, TantivyError> {
    let passages = state.manifest.passages() as f32;
    words
        .iter()
        .map(|word| {
            if !word.counts {
                return Ok(0.0);
            }
            let mut frequency = 0;
            for field in [state.fields.body, state.fields.heading] {
                frequency = frequency.max(searcher.doc_freq(&Term::from_field_text(field, &word.stem))?);
            }
            let frequency = (frequency as f32).min(passages);
            Ok((1.0 + (passages - frequency + 0.5) / (frequency + 0.5)).ln())
        })
        .collect()
}

fn rate(passage: &Stored, corpus: &CorpusName, places: &mut Places<'_>, weights: &[f32], score: f32) -> Hit {
    let body = places.in_text(&passage.quote);
    let heading = places.in_text(&passage.heading);
    let place = places.in_text(&format!("{} {}", passage.title, path_words(&passage.name)));
    let (mut covered, mut total) = (0.0, 0.0);
    let mut missing = Vec::new();
    for (at, (word, weight)) in places.words.iter().zip(weights).enumerate() {
        let part = if !body[at].is_empty() {
            1.0
        } else if !heading[at].is_empty() {
            HEADING_COVERS
        } else if !place[at].is_empty() {
            PLACE_COVERS
        } else {
            0.0
        };
        if part == 0.0 && word.counts {
            missing.push(word.exact.clone());
        }
        covered += part * weight;
        total += weight;
    }
    let coverage: f32 = if total > 0.0 { covered / total } else { 0.0 };
    let score = score * (0.4 + 0.6 * coverage) * (1.0 + NEAR_BONUS * nearness(&body));
    Hit { span: passage.span(corpus), score, coverage, heading: passage.heading.clone(), missing }
}

/// Finds where each word of the query stands in a text.
struct Places<'a> {
    words: &'a [QueryWord],
    by_stem: HashMap<&'a str, usize>,
    analyzer: TextAnalyzer,
}

impl<'a> Places<'a> {
    fn new(words: &'a [QueryWord]) -> Self {
        let by_stem = words.iter().enumerate().map(|(at, word)| (word.stem.as_str(), at)).collect();
        Self { words, by_stem, analyzer: stemmed() }
    }

    fn in_text(&mut self, text: &str) -> Vec<Vec<usize>> {
        let mut found = vec![Vec::new(); self.words.len()];
        self.analyzer.token_stream(text).process(&mut |token| {
            if let Some(at) = self.by_stem.get(token.text.as_str()) {
                found[*at].push(token.position);
            }
        });
        found
    }
}

/// The share of neighbours in the query that are near each other in the passage.
fn nearness(body: &[Vec<usize>]) -> f32 {
    let pairs = body.windows(2);
    let count = pairs.len();
    if count == 0 {
        return 0.0;
    }
    let near =
        pairs.filter(|pair| pair[0].iter().any(|a| pair[1].iter().any(|b| a.abs_diff(*b) <= NEAR_WORDS))).count();
    near as f32 / count as f32
}

/// A passage as the index keeps it.
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) start: usize,
    title: String,
    heading: String,
    digest: Digest,
    quote: String,
}

impl Stored {
    /// `None` for what is no passage.
    pub(super) fn read(state: &State, searcher: &Searcher, address: DocAddress) -> Result<Option<Self>, TantivyError> {
        let document: TantivyDocument = searcher.doc(address)?;
        let text = |field| document.get_first(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let fields = &state.fields;
        let digest =
            document.get_first(fields.digest).and_then(|value| value.as_bytes()).and_then(|b| b.try_into().ok());
        let start = document.get_first(fields.start).and_then(|value| value.as_u64());
        let (Some(digest), Some(start)) = (digest, start) else { return Ok(None) };
        Ok(Some(Self {
            name: text(fields.name),
            start: usize::try_from(start).unwrap_or(usize::MAX),
            title: text(fields.title),
            heading: text(fields.heading),
            digest: Digest::new(digest),
            quote: text(fields.body),
        }))
    }

    fn span(&self, corpus: &CorpusName) -> Arc<Span> {
        let range = self.start..self.start + self.quote.len();
        span(self.digest, &range, &self.quote, source(corpus, &self.name, &self.title, &self.heading))
    }
}

/// What a reader is told of where a passage is from.
pub(super) fn source(corpus: &CorpusName, name: &str, title: &str, heading: &str) -> Arc<Source> {
    let title = if heading.is_empty() { title.to_owned() } else { format!("{title}{HEADING_SEPARATOR}{heading}") };
    Arc::new(Source { uri: format!("corpus:{corpus}/{name}"), title })
}
