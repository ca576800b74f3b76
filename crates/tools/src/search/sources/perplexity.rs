//! Perplexity: the web, by its search interface, not its models. Takes a key; each question costs.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, json};

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "perplexity",
    title: "Perplexity Search",
    holds: "pages of the whole web",
    types: &[AgentType::Text, AgentType::News, AgentType::Social, AgentType::Product, AgentType::General],
    base_url: "https://api.perplexity.ai",
    needs: SourceNeeds::Key,
    per_minute: 60,
    at_once: 2,
    terms: "https://www.perplexity.ai/hub/legal/perplexity-api-terms-of-service",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let body = serde_json::json!({ "query": ask.query, "max_results": ask.limit });
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
    snippet: Option<String>,
    date: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let records = answer.results.into_iter().map(|hit| Record {
        title: hit.title.unwrap_or_default(),
        url: hit.url,
        text: hit.snippet.unwrap_or_default(),
        date: hit.date,
        ..Record::default()
    });
    Ok(records.collect::<Vec<_>>().into())
}
