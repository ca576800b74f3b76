//! Tavily: the web, with pieces of the pages. Takes a key; each question costs.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, day, json};

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "tavily",
    title: "Tavily",
    holds: "pages of the whole web",
    types: &[
        AgentType::Text,
        AgentType::News,
        AgentType::Social,
        AgentType::Product,
        AgentType::Video,
        AgentType::General,
    ],
    base_url: "https://api.tavily.com",
    needs: SourceNeeds::Key,
    per_minute: 90,
    at_once: 2,
    terms: "https://www.tavily.com/terms",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let body = serde_json::json!({ "query": ask.query, "max_results": ask.limit, "search_depth": "basic" });
    Request::post_json(base, "/search", body.to_string())
        .with_secret_header("authorization", format!("Bearer {}", ask.key.unwrap_or_default()))
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    url: String,
    title: Option<String>,
    content: Option<String>,
    published_date: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let records = answer.results.into_iter().map(|hit| Record {
        title: hit.title.unwrap_or_default(),
        url: hit.url,
        text: hit.content.unwrap_or_default(),
        date: day(hit.published_date),
        ..Record::default()
    });
    Ok(records.collect::<Vec<_>>().into())
}
