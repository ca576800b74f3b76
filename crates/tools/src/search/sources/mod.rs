//! The services there are, one file each: its data, its question, its answer. Owns the list and shapes several share.

mod arxiv;
mod brave;
mod commons;
mod crossref;
mod europe_pmc;
mod exa;
mod gdelt;
mod github;
mod hacker_news;
mod internet_archive;
mod open_library;
mod openalex;
mod openverse;
mod perplexity;
mod searxng;
mod semantic_scholar;
mod serper;
mod stack_overflow;
mod tavily;
mod wikidata;
mod wikipedia;

use serde::Deserialize;

use super::{
    record::{Record, date_of, date_of_seconds, day},
    source::{Ask, Page, SearchSource, SourceNeeds, Unread, json},
};

/// Every search service there is, in the order they are listed.
pub const SEARCH_SOURCES: &[&SearchSource] = &[
    &wikipedia::SOURCE,
    &arxiv::SOURCE,
    &crossref::SOURCE,
    &stack_overflow::SOURCE,
    &github::SOURCE,
    &hacker_news::SOURCE,
    &openalex::SOURCE,
    &europe_pmc::SOURCE,
    &semantic_scholar::SOURCE,
    &open_library::SOURCE,
    &internet_archive::SOURCE,
    &openverse::SOURCE,
    &wikidata::SOURCE,
    &commons::SOURCE,
    &gdelt::SOURCE,
    &searxng::SOURCE,
    &brave::SOURCE,
    &tavily::SOURCE,
    &exa::SOURCE,
    &serper::SOURCE,
    &perplexity::SOURCE,
];

/// A field that is one text in some records and several in others.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn all(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// What MediaWiki says instead of an answer, with status 200.
#[derive(Debug, Deserialize)]
struct WikiError {
    code: String,
}

impl WikiError {
    fn unread(&self) -> Unread {
        match self.code.as_str() {
            "maxlag" | "ratelimited" | "readonly" => Unread::Throttled(None),
            _ => Unread::Question,
        }
    }
}

fn texts(texts: Option<Vec<String>>) -> Vec<String> {
    texts.unwrap_or_default()
}
