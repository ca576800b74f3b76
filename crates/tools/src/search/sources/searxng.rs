//! SearXNG: an instance of the operator's own that asks other search engines. Its settings must list `json` as a format.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, day, json};

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "searxng",
    title: "SearXNG",
    holds: "pages of the whole web",
    types: &[
        AgentType::Text,
        AgentType::Image,
        AgentType::Video,
        AgentType::News,
        AgentType::Social,
        AgentType::Product,
        AgentType::General,
    ],
    base_url: "",
    needs: SourceNeeds::Address,
    per_minute: 60,
    at_once: 2,
    terms: "https://docs.searxng.org/dev/search_api.html",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    Request::get(base, "/search").with_query("q", ask.query).with_query("format", "json")
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    url: Option<String>,
    title: Option<String>,
    content: Option<String>,
    #[serde(rename = "publishedDate")]
    published: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let records = answer.results.into_iter().map(|hit| Record {
        title: hit.title.unwrap_or_default(),
        url: hit.url.unwrap_or_default(),
        text: hit.content.unwrap_or_default(),
        date: day(hit.published),
        ..Record::default()
    });
    Ok(records.collect::<Vec<_>>().into())
}
