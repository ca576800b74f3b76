//! Wikipedia: the introductions of articles, by the API of MediaWiki. Another language is another address, for example
//! `https://de.wikipedia.org`.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, WikiError, day, json};

/// Wikimedia asks for a contact in the user agent, and counts those who give none as one.
pub(super) const SOURCE: SearchSource = SearchSource {
    name: "wikipedia",
    title: "Wikipedia",
    holds: "encyclopedia articles on any subject",
    types: &[AgentType::Text, AgentType::General, AgentType::Product, AgentType::Technical],
    base_url: "https://en.wikipedia.org",
    needs: SourceNeeds::Contact,
    per_minute: 150,
    at_once: 1,
    terms: "https://foundation.wikimedia.org/wiki/Policy:User-Agent_policy",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    Request::get(base, "/w/api.php")
        .with_query("action", "query")
        .with_query("format", "json")
        .with_query("formatversion", "2")
        .with_query("generator", "search")
        .with_query("gsrsearch", ask.key_words(12).join(" "))
        .with_query("gsrlimit", ask.limit.to_string())
        .with_query("gsrnamespace", "0")
        .with_query("prop", "extracts|info")
        .with_query("inprop", "url")
        .with_query("exintro", "1")
        .with_query("explaintext", "1")
        .with_query("exlimit", "20")
        .with_query("maxlag", "5")
}

#[derive(Deserialize)]
struct Answer {
    /// Said of every answer, an empty one included.
    batchcomplete: Option<bool>,
    query: Option<Query>,
    error: Option<WikiError>,
}

#[derive(Deserialize)]
struct Query {
    pages: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    title: String,
    index: Option<i64>,
    extract: Option<String>,
    canonicalurl: Option<String>,
    fullurl: Option<String>,
    touched: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    if let Some(error) = answer.error {
        return Err(error.unread());
    }
    let mut pages = match (answer.query, answer.batchcomplete) {
        (Some(query), _) => query.pages,
        (None, Some(_)) => Vec::new(),
        (None, None) => return Err(Unread::Malformed("neither results nor an end are in it".to_owned())),
    };
    pages.sort_by_key(|article| article.index.unwrap_or(i64::MAX));
    let records = pages.into_iter().map(|article| Record {
        title: article.title,
        url: article.canonicalurl.or(article.fullurl).unwrap_or_default(),
        text: article.extract.unwrap_or_default(),
        date: day(article.touched),
        ..Record::default()
    });
    Ok(records.collect::<Vec<_>>().into())
}
