//! Exa: the web by meaning, with the text of the pages. Takes a key; each question costs.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, day, json};

/// Characters of each page's text.
const TEXT_CHARS_MAX: u32 = 2_400;

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "exa",
    title: "Exa",
    holds: "pages of the whole web, found by meaning, with the beginning of their text",
    types: &[
        AgentType::Text,
        AgentType::News,
        AgentType::Academic,
        AgentType::Product,
        AgentType::Technical,
        AgentType::General,
    ],
    base_url: "https://api.exa.ai",
    needs: SourceNeeds::Key,
    per_minute: 240,
    at_once: 4,
    terms: "https://exa.ai/assets/Exa_Labs_Terms_of_Service.pdf",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let contents = serde_json::json!({ "text": { "maxCharacters": TEXT_CHARS_MAX } });
    let body = serde_json::json!({ "query": ask.query, "numResults": ask.limit, "contents": contents });
    Request::post_json(base, "/search", body.to_string()).with_secret_header("x-api-key", ask.key.unwrap_or_default())
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Hit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hit {
    url: String,
    title: Option<String>,
    text: Option<String>,
    author: Option<String>,
    published_date: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let records = answer.results.into_iter().map(|hit| Record {
        title: hit.title.unwrap_or_default(),
        url: hit.url,
        text: hit.text.unwrap_or_default(),
        date: day(hit.published_date),
        authors: hit.author.into_iter().collect(),
        id: None,
    });
    Ok(records.collect::<Vec<_>>().into())
}
