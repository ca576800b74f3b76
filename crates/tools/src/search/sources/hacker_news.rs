//! Hacker News: stories and comments, by the search of Algolia.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, day, json};

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "hacker_news",
    title: "Hacker News",
    holds: "stories and comments about technology and companies",
    types: &[AgentType::Social, AgentType::News, AgentType::Technical, AgentType::Product],
    base_url: "https://hn.algolia.com/api/v1",
    needs: SourceNeeds::Nothing,
    per_minute: 120,
    at_once: 2,
    terms: "https://hn.algolia.com/api",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    Request::get(base, "/search")
        .with_query("query", ask.key_words(8).join(" "))
        .with_query("tags", "(story,comment)")
        .with_query("hitsPerPage", ask.limit.to_string())
}

#[derive(Deserialize)]
struct Answer {
    hits: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "objectID")]
    id: String,
    title: Option<String>,
    story_title: Option<String>,
    url: Option<String>,
    author: Option<String>,
    created_at: Option<String>,
    story_text: Option<String>,
    comment_text: Option<String>,
    points: Option<i64>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let records = answer.hits.into_iter().map(|item| {
        let points = item.points.map(|points| format!("<p>Points: {points}."));
        let link = item.url.filter(|_| item.comment_text.is_none()).map(|url| format!("<p>Links to {url}"));
        let text = item.comment_text.or(item.story_text).unwrap_or_default();
        Record {
            title: item.title.or(item.story_title).unwrap_or_default(),
            url: format!("https://news.ycombinator.com/item?id={}", item.id),
            text: [Some(text), points, link].into_iter().flatten().collect(),
            date: day(item.created_at),
            authors: item.author.into_iter().collect(),
            id: None,
        }
    });
    Ok(records.collect::<Vec<_>>().into())
}
