//! Openverse: pictures under open licences, by their titles and tags.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, json};

/// Tags that are told of one picture.
const TAGS_MAX: usize = 15;

/// 20 in a minute and 200 a day without a key.
pub(super) const SOURCE: SearchSource = SearchSource {
    name: "openverse",
    title: "Openverse",
    holds: "openly licensed pictures by title and tags, with their licences",
    types: &[AgentType::Image],
    base_url: "https://api.openverse.org/v1",
    needs: SourceNeeds::Nothing,
    per_minute: 15,
    at_once: 1,
    terms: "https://docs.openverse.org/terms_of_service.html",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let request = Request::get(base, "/images/")
        .with_query("q", ask.key_words(8).join(" "))
        .with_query("page_size", ask.limit.to_string());
    match ask.key {
        Some(key) => request.with_secret_header("authorization", format!("Bearer {key}")),
        None => request,
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Picture>,
}

#[derive(Deserialize)]
struct Picture {
    id: String,
    title: Option<String>,
    foreign_landing_url: Option<String>,
    creator: Option<String>,
    license: Option<String>,
    license_version: Option<String>,
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let records = answer.results.into_iter().map(|picture| {
        let mut parts = Vec::new();
        let licence = [picture.license, picture.license_version].into_iter().flatten().collect::<Vec<_>>().join(" ");
        if !licence.is_empty() {
            parts.push(format!("A picture under the licence {licence}."));
        }
        let tags: Vec<String> =
            picture.tags.unwrap_or_default().into_iter().take(TAGS_MAX).map(|tag| tag.name).collect();
        if !tags.is_empty() {
            parts.push(format!("Tags: {}.", tags.join(", ")));
        }
        let here = format!("https://openverse.org/image/{}", picture.id);
        Record {
            title: picture.title.unwrap_or_default(),
            url: picture.foreign_landing_url.unwrap_or(here),
            text: parts.join("<p>"),
            authors: picture.creator.into_iter().collect(),
            ..Record::default()
        }
    });
    Ok(records.collect::<Vec<_>>().into())
}
