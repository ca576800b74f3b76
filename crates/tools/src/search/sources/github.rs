//! GitHub: public repositories by name, description and subject.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, day, json};

/// Ten searches a minute without a key, thirty with one.
pub(super) const SOURCE: SearchSource = SearchSource {
    name: "github",
    title: "GitHub",
    holds: "public code repositories by name, description and topic",
    types: &[AgentType::Technical],
    base_url: "https://api.github.com",
    needs: SourceNeeds::Nothing,
    per_minute: 9,
    at_once: 1,
    terms: "https://docs.github.com/en/site-policy/github-terms/github-terms-of-service#h-api-terms",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let request = Request::get(base, "/search/repositories")
        .with_query("q", ask.key_words(6).join(" "))
        .with_query("per_page", ask.limit.to_string())
        .with_header("accept", "application/vnd.github+json")
        .with_header("x-github-api-version", "2022-11-28");
    match ask.key {
        Some(key) => request.with_secret_header("authorization", format!("Bearer {key}")),
        None => request,
    }
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
    html_url: String,
    description: Option<String>,
    pushed_at: Option<String>,
    stargazers_count: Option<u64>,
    language: Option<String>,
    topics: Option<Vec<String>>,
    license: Option<License>,
    owner: Option<Owner>,
}

#[derive(Deserialize)]
struct License {
    spdx_id: Option<String>,
}

#[derive(Deserialize)]
struct Owner {
    login: String,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    Ok(answer.items.into_iter().map(Repository::record).collect::<Vec<_>>().into())
}

impl Repository {
    fn record(self) -> Record {
        let mut facts = Vec::new();
        facts.extend(self.language.map(|language| format!("Language: {language}.")));
        facts.extend(self.license.and_then(|license| license.spdx_id).map(|id| format!("Licence: {id}.")));
        facts.extend(self.stargazers_count.map(|stars| format!("Stars: {stars}.")));
        facts.extend(self.topics.filter(|topics| !topics.is_empty()).map(|t| format!("Topics: {}.", t.join(", "))));
        // A description is plain text, and may well speak of `Vec<T>`.
        let description = self.description.unwrap_or_default().replace('&', "&amp;").replace('<', "&lt;");
        Record {
            title: self.full_name,
            url: self.html_url,
            text: format!("{description}<p>{}", facts.join(" ")),
            date: day(self.pushed_at).map(|date| format!("{date} (last change)")),
            authors: self.owner.map(|owner| owner.login).into_iter().collect(),
            id: None,
        }
    }
}
