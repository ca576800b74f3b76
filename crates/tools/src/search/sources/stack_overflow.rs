//! Stack Overflow: questions and answers, by the API of Stack Exchange. Its words are licensed CC BY-SA: a citation names
//! the page.

use std::time::Duration;

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, date_of_seconds, json};

/// 300 questions a day from one address without a key. What is left is told by each answer.
pub(super) const SOURCE: SearchSource = SearchSource {
    name: "stack_overflow",
    title: "Stack Overflow",
    holds: "questions and answers about programming",
    types: &[AgentType::Technical, AgentType::Social],
    base_url: "https://api.stackexchange.com/2.3",
    needs: SourceNeeds::Nothing,
    per_minute: 30,
    at_once: 1,
    terms: "https://stackoverflow.com/legal/api-terms-of-use",
    ask,
    read,
};

/// How long a quota that is used up is left alone.
const USED_UP: Duration = Duration::from_hours(1);

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let request = Request::get(base, "/search/excerpts")
        .with_query("site", "stackoverflow")
        .with_query("order", "desc")
        .with_query("sort", "relevance")
        .with_query("q", ask.key_words(8).join(" "))
        .with_query("pagesize", ask.limit.to_string())
        .with_query("filter", "withbody");
    // Stack Exchange says that these keys are no secrets: they only tell programs apart.
    match ask.key {
        Some(key) => request.with_query("key", key),
        None => request,
    }
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Post>,
    backoff: Option<u64>,
    quota_remaining: Option<i64>,
}

#[derive(Deserialize)]
struct Post {
    title: Option<String>,
    excerpt: Option<String>,
    body: Option<String>,
    question_id: Option<u64>,
    answer_id: Option<u64>,
    creation_date: Option<i64>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let asked = answer.backoff.map(Duration::from_secs);
    let used_up = answer.quota_remaining.filter(|left| *left <= 0).map(|_| USED_UP);
    let records = answer.items.into_iter().map(|post| Record {
        title: post.title.unwrap_or_default(),
        url: match (post.answer_id, post.question_id) {
            (Some(id), _) => format!("https://stackoverflow.com/a/{id}"),
            (None, Some(id)) => format!("https://stackoverflow.com/q/{id}"),
            (None, None) => String::new(),
        },
        text: post.body.or(post.excerpt).unwrap_or_default(),
        date: post.creation_date.and_then(date_of_seconds),
        ..Record::default()
    });
    Ok(Page { records: records.collect(), pause: asked.max(used_up) })
}
