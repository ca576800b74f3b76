//! Semantic Scholar: papers of all fields with abstracts. Takes a key, which is free: without one all the world shares one
//! small rate, and most questions are refused.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, json};

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "semantic_scholar",
    title: "Semantic Scholar",
    holds: "papers of all fields with abstracts",
    types: &[AgentType::Academic],
    base_url: "https://api.semanticscholar.org/graph/v1",
    needs: SourceNeeds::Key,
    per_minute: 55,
    at_once: 1,
    terms: "https://www.semanticscholar.org/product/api/license",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let request = Request::get(base, "/paper/search")
        .with_query("query", ask.key_words(10).join(" "))
        .with_query("limit", ask.limit.to_string())
        .with_query("fields", "title,abstract,authors,year,publicationDate,externalIds,url");
    match ask.key {
        Some(key) => request.with_secret_header("x-api-key", key),
        None => request,
    }
}

#[derive(Deserialize)]
struct Answer {
    total: u64,
    /// Left out when there is nothing.
    data: Option<Vec<Paper>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paper {
    title: Option<String>,
    url: Option<String>,
    r#abstract: Option<String>,
    authors: Option<Vec<Author>>,
    year: Option<u32>,
    publication_date: Option<String>,
    external_ids: Option<Ids>,
}

#[derive(Deserialize)]
struct Author {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Ids {
    #[serde(rename = "DOI")]
    doi: Option<String>,
    #[serde(rename = "ArXiv")]
    arxiv: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    if answer.total > 0 && answer.data.is_none() {
        return Err(Unread::Malformed("it counts papers and lists none".to_owned()));
    }
    let records = answer.data.unwrap_or_default().into_iter().map(|paper| Record {
        title: paper.title.unwrap_or_default(),
        url: paper.url.unwrap_or_default(),
        text: paper.r#abstract.unwrap_or_default(),
        date: paper.publication_date.or_else(|| paper.year.map(|year| year.to_string())),
        authors: paper.authors.unwrap_or_default().into_iter().filter_map(|author| author.name).collect(),
        id: paper.external_ids.and_then(|ids| {
            ids.doi.map(|doi| format!("doi:{doi}")).or_else(|| ids.arxiv.map(|id| format!("arXiv:{id}")))
        }),
    });
    Ok(records.collect::<Vec<_>>().into())
}
