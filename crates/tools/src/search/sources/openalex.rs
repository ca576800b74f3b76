//! OpenAlex: works of all fields with abstracts. Searching takes a key, which is free.

use std::collections::BTreeMap;

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, json};

/// Words of an abstract that are put together; further ones are cut off anyway.
const WORDS_MAX: u32 = 2_000;

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "openalex",
    title: "OpenAlex",
    holds: "scholarly works of all fields with abstracts and DOIs",
    types: &[AgentType::Academic],
    base_url: "https://api.openalex.org",
    needs: SourceNeeds::Key,
    per_minute: 120,
    at_once: 2,
    terms: "https://help.openalex.org/hc/en-us/articles/24397762024087-Pricing",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let request = Request::get(base, "/works")
        .with_query("search", ask.key_words(12).join(" "))
        .with_query("per-page", ask.limit.to_string())
        .with_query("select", "id,doi,display_name,publication_date,authorships,abstract_inverted_index");
    // The service takes its key in the query alone; addresses are in no log and no error of ours.
    match ask.key {
        Some(key) => request.with_query("api_key", key),
        None => request,
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Work>,
}

#[derive(Deserialize)]
struct Work {
    id: String,
    doi: Option<String>,
    display_name: Option<String>,
    publication_date: Option<String>,
    authorships: Option<Vec<Authorship>>,
    abstract_inverted_index: Option<BTreeMap<String, Vec<u32>>>,
}

#[derive(Deserialize)]
struct Authorship {
    author: Author,
}

#[derive(Deserialize)]
struct Author {
    display_name: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let records = answer.results.into_iter().map(|work| Record {
        title: work.display_name.unwrap_or_default(),
        url: work.doi.clone().unwrap_or(work.id),
        text: work.abstract_inverted_index.as_ref().map(in_order).unwrap_or_default(),
        date: work.publication_date,
        authors: work.authorships.unwrap_or_default().into_iter().filter_map(|one| one.author.display_name).collect(),
        id: work.doi.as_deref().and_then(|doi| doi.strip_prefix("https://doi.org/")).map(|doi| format!("doi:{doi}")),
    });
    Ok(records.collect::<Vec<_>>().into())
}

/// An abstract out of its words and where each stands.
fn in_order(index: &BTreeMap<String, Vec<u32>>) -> String {
    let mut words: BTreeMap<u32, &str> = BTreeMap::new();
    for (word, places) in index {
        words.extend(places.iter().filter(|place| **place < WORDS_MAX).map(|place| (*place, word.as_str())));
    }
    words.into_values().collect::<Vec<_>>().join(" ")
}
