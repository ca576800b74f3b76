//! Serper: what Google finds. Takes a key; each question costs.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, json};

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "serper",
    title: "Serper",
    holds: "pages of the whole web",
    types: &[
        AgentType::Text,
        AgentType::News,
        AgentType::Social,
        AgentType::Product,
        AgentType::Video,
        AgentType::General,
    ],
    base_url: "https://google.serper.dev",
    needs: SourceNeeds::Key,
    per_minute: 240,
    at_once: 4,
    terms: "https://serper.dev/terms",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let body = serde_json::json!({ "q": ask.query, "num": ask.limit });
    Request::post_json(base, "/search", body.to_string()).with_secret_header("x-api-key", ask.key.unwrap_or_default())
}

#[derive(Deserialize)]
struct Answer {
    organic: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    link: String,
    title: Option<String>,
    snippet: Option<String>,
    date: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let records = answer.organic.into_iter().map(|hit| Record {
        title: hit.title.unwrap_or_default(),
        url: hit.link,
        text: hit.snippet.unwrap_or_default(),
        date: hit.date,
        ..Record::default()
    });
    Ok(records.collect::<Vec<_>>().into())
}
