//! GDELT: headlines of the world's news. It sheds load and often refuses; best effort.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, json};
use crate::search::refusal::throttled;

/// One request in five seconds.
pub(super) const SOURCE: SearchSource = SearchSource {
    name: "gdelt",
    title: "GDELT",
    holds: "headlines of news of the last three months from all over the world",
    types: &[AgentType::News],
    base_url: "https://api.gdeltproject.org/api/v2",
    needs: SourceNeeds::Nothing,
    per_minute: 11,
    at_once: 1,
    terms: "https://www.gdeltproject.org/about.html#termsofuse",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    // Words of one or two letters make the whole question invalid.
    let words: Vec<String> = ask.key_words(6).into_iter().filter(|word| word.chars().count() > 2).collect();
    Request::get(base, "/doc/doc")
        .with_query("query", words.join(" "))
        .with_query("mode", "artlist")
        .with_query("format", "json")
        .with_query("sort", "hybridrel")
        .with_query("maxrecords", ask.limit.to_string())
}

#[derive(Deserialize)]
struct Answer {
    /// Left out when there is nothing.
    articles: Option<Vec<Article>>,
}

#[derive(Deserialize)]
struct Article {
    url: String,
    title: Option<String>,
    seendate: Option<String>,
    domain: Option<String>,
    sourcecountry: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = match json(body) {
        Ok(answer) => answer,
        // Refusals are plain text with status 200.
        Err(unread) => return Err(throttled(body).map_or(unread, Unread::Throttled)),
    };
    let records = answer.articles.unwrap_or_default().into_iter().map(|article| {
        let place = [article.domain, article.sourcecountry].into_iter().flatten().collect::<Vec<_>>().join(", ");
        Record {
            title: article.title.unwrap_or_default(),
            url: article.url,
            text: if place.is_empty() { place } else { format!("A headline of {place}.") },
            date: article.seendate.and_then(|date| seen(&date)),
            ..Record::default()
        }
    });
    Ok(records.collect::<Vec<_>>().into())
}

/// `20240131T120000Z` as a day.
fn seen(date: &str) -> Option<String> {
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..8)?);
    Some(format!("{year}-{month}-{day}"))
}
