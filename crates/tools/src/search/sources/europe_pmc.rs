//! Europe PMC: life sciences, with abstracts; holds what PubMed holds, and preprints.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, json};

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "europe_pmc",
    title: "Europe PMC",
    holds: "articles and preprints of medicine and the life sciences with abstracts, all of PubMed included",
    types: &[AgentType::Academic],
    base_url: "https://www.ebi.ac.uk/europepmc/webservices/rest",
    needs: SourceNeeds::Nothing,
    per_minute: 120,
    at_once: 2,
    terms: "https://europepmc.org/Copyright",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    Request::get(base, "/search")
        .with_query("query", ask.key_words(10).join(" "))
        .with_query("format", "json")
        .with_query("resultType", "core")
        .with_query("pageSize", ask.limit.to_string())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    result_list: List,
}

#[derive(Deserialize)]
struct List {
    result: Vec<Article>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Article {
    id: String,
    source: String,
    doi: Option<String>,
    pmid: Option<String>,
    title: Option<String>,
    author_string: Option<String>,
    abstract_text: Option<String>,
    first_publication_date: Option<String>,
    pub_year: Option<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let records = answer.result_list.result.into_iter().map(|article| Record {
        title: article.title.unwrap_or_default(),
        url: format!("https://europepmc.org/article/{}/{}", article.source, article.id),
        text: article.abstract_text.unwrap_or_default(),
        date: article.first_publication_date.or(article.pub_year),
        authors: article
            .author_string
            .iter()
            .flat_map(|names| names.trim_end_matches('.').split(", ").map(str::to_owned))
            .collect(),
        id: article.doi.map(|doi| format!("doi:{doi}")).or_else(|| article.pmid.map(|id| format!("PMID:{id}"))),
    });
    Ok(records.collect::<Vec<_>>().into())
}
