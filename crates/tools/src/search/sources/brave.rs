//! Brave Search: the web. Takes a key; each question costs.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, day, json, texts};

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "brave",
    title: "Brave Search",
    holds: "pages of the whole web",
    types: &[
        AgentType::Text,
        AgentType::News,
        AgentType::Social,
        AgentType::Product,
        AgentType::Video,
        AgentType::General,
    ],
    base_url: "https://api.search.brave.com/res/v1",
    needs: SourceNeeds::Key,
    per_minute: 55,
    at_once: 1,
    terms: "https://api-dashboard.search.brave.com/terms-of-service",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    Request::get(base, "/web/search")
        .with_query("q", ask.query)
        .with_query("count", ask.limit.to_string())
        .with_query("text_decorations", "false")
        .with_header("accept", "application/json")
        .with_secret_header("x-subscription-token", ask.key.unwrap_or_default())
}

#[derive(Deserialize)]
struct Answer {
    r#type: String,
    /// Left out when there is nothing.
    web: Option<Web>,
}

#[derive(Deserialize)]
struct Web {
    results: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    url: String,
    title: Option<String>,
    description: Option<String>,
    extra_snippets: Option<Vec<String>>,
    page_age: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    if answer.r#type != "search" {
        return Err(Unread::Malformed("it is no answer to a search".to_owned()));
    }
    let hits = answer.web.map(|web| web.results).unwrap_or_default();
    let records = hits.into_iter().map(|hit| Record {
        title: hit.title.unwrap_or_default(),
        url: hit.url,
        text: hit.description.into_iter().chain(texts(hit.extra_snippets)).collect::<Vec<_>>().join("<p>"),
        date: day(hit.page_age),
        ..Record::default()
    });
    Ok(records.collect::<Vec<_>>().into())
}
