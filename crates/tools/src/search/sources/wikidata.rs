//! Wikidata: what things are called and what they are, in one line each.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, WikiError, json};

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "wikidata",
    title: "Wikidata",
    holds: "people, places, organisations, works and ideas by name, each with a line that says what it is",
    types: &[AgentType::General],
    base_url: "https://www.wikidata.org",
    needs: SourceNeeds::Contact,
    per_minute: 60,
    at_once: 1,
    terms: "https://foundation.wikimedia.org/wiki/Policy:User-Agent_policy",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    Request::get(base, "/w/api.php")
        .with_query("action", "wbsearchentities")
        .with_query("format", "json")
        .with_query("language", "en")
        .with_query("uselang", "en")
        .with_query("type", "item")
        .with_query("search", ask.key_words(6).join(" "))
        .with_query("limit", ask.limit.to_string())
        .with_query("maxlag", "5")
}

#[derive(Deserialize)]
struct Answer {
    search: Option<Vec<Item>>,
    error: Option<WikiError>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    label: Option<String>,
    description: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    if let Some(error) = answer.error {
        return Err(error.unread());
    }
    let found = answer.search.ok_or_else(|| Unread::Malformed("no list of results is in it".to_owned()))?;
    let records = found.into_iter().map(|item| Record {
        title: item.label.unwrap_or_else(|| item.id.clone()),
        url: format!("https://www.wikidata.org/wiki/{}", item.id),
        text: item.description.unwrap_or_default(),
        id: Some(format!("wikidata:{}", item.id)),
        ..Record::default()
    });
    Ok(records.collect::<Vec<_>>().into())
}
