//! Crossref: what publishers register of articles and books, with abstracts where they give them.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, date_of, json, texts};

/// Lists are answered once a second without a contact; with one it is polite to stay there too.
pub(super) const SOURCE: SearchSource = SearchSource {
    name: "crossref",
    title: "Crossref",
    holds: "articles, books and conference papers of all publishers by title, author and subject, with DOIs",
    types: &[AgentType::Academic],
    base_url: "https://api.crossref.org",
    needs: SourceNeeds::Nothing,
    per_minute: 50,
    at_once: 1,
    terms: "https://www.crossref.org/documentation/retrieve-metadata/rest-api/",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let request = Request::get(base, "/works")
        .with_query("query", ask.query)
        .with_query("rows", ask.limit.to_string())
        .with_query("select", "DOI,title,abstract,author,issued,container-title,URL");
    match ask.mail {
        Some(mail) => request.with_query("mailto", mail),
        None => request,
    }
}

#[derive(Deserialize)]
struct Answer {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    items: Vec<Work>,
}

#[derive(Deserialize)]
struct Work {
    #[serde(rename = "DOI")]
    doi: Option<String>,
    #[serde(rename = "URL")]
    url: Option<String>,
    title: Option<Vec<String>>,
    r#abstract: Option<String>,
    author: Option<Vec<Author>>,
    issued: Option<Issued>,
    #[serde(rename = "container-title")]
    journal: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Author {
    given: Option<String>,
    family: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Issued {
    #[serde(rename = "date-parts", default)]
    parts: Vec<Vec<Option<u32>>>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    Ok(answer.message.items.into_iter().map(Work::record).collect::<Vec<_>>().into())
}

impl Work {
    fn record(self) -> Record {
        let authors = self.author.unwrap_or_default().into_iter().map(|author| {
            let whole = [author.given, author.family].into_iter().flatten().collect::<Vec<_>>().join(" ");
            if whole.is_empty() { author.name.unwrap_or_default() } else { whole }
        });
        let journal = texts(self.journal).into_iter().next().map(|journal| format!("Published in {journal}."));
        let text = self.r#abstract.or(journal).unwrap_or_default();
        Record {
            title: texts(self.title).join(": "),
            url: self.doi.as_ref().map(|doi| format!("https://doi.org/{doi}")).or(self.url).unwrap_or_default(),
            text,
            date: self.issued.and_then(|issued| date_of(issued.parts.first()?)),
            authors: authors.collect(),
            id: self.doi.map(|doi| format!("doi:{doi}")),
        }
    }
}
