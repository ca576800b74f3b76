//! Internet Archive: films, recordings, pictures, books and programs that were archived.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, OneOrMany, Page, Record, SearchSource, SourceNeeds, Unread, day, json};

/// No limit is published; one at a time is asked.
pub(super) const SOURCE: SearchSource = SearchSource {
    name: "internet_archive",
    title: "Internet Archive",
    holds: "archived films, recordings, pictures, books and software by their descriptions",
    types: &[AgentType::Video, AgentType::Image, AgentType::General],
    base_url: "https://archive.org",
    needs: SourceNeeds::Nothing,
    per_minute: 30,
    at_once: 1,
    terms: "https://archive.org/about/terms.php",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let request = Request::get(base, "/advancedsearch.php").with_query("q", ask.key_words(8).join(" "));
    let fields = ["identifier", "title", "description", "creator", "date", "mediatype"];
    fields
        .into_iter()
        .fold(request, |request, field| request.with_query("fl[]", field))
        .with_query("rows", ask.limit.to_string())
        .with_query("page", "1")
        .with_query("output", "json")
}

#[derive(Deserialize)]
struct Answer {
    response: Found,
}

#[derive(Deserialize)]
struct Found {
    docs: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    identifier: String,
    title: Option<OneOrMany>,
    description: Option<OneOrMany>,
    creator: Option<OneOrMany>,
    date: Option<String>,
    mediatype: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let all = |field: Option<OneOrMany>| field.map(OneOrMany::all).unwrap_or_default();
    let records = answer.response.docs.into_iter().map(|item| {
        let mut parts = all(item.description);
        parts.extend(item.mediatype.map(|kind| format!("Kind: {kind}.")));
        Record {
            title: all(item.title).join(": "),
            url: format!("https://archive.org/details/{}", item.identifier),
            text: parts.join("<p>"),
            date: day(item.date),
            authors: all(item.creator),
            id: None,
        }
    });
    Ok(records.collect::<Vec<_>>().into())
}
