//! Open Library: books of all times and their editions.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, OneOrMany, Page, Record, SearchSource, SourceNeeds, Unread, json, texts};

/// Subjects that are told of one book.
const SUBJECTS_MAX: usize = 12;

/// Three requests a second for whoever says who they are, one otherwise.
pub(super) const SOURCE: SearchSource = SearchSource {
    name: "open_library",
    title: "Open Library",
    holds: "books by title, author and subject",
    types: &[AgentType::Product, AgentType::Text],
    base_url: "https://openlibrary.org",
    needs: SourceNeeds::Nothing,
    per_minute: 50,
    at_once: 1,
    terms: "https://openlibrary.org/developers/api",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    Request::get(base, "/search.json")
        .with_query("q", ask.key_words(8).join(" "))
        .with_query("limit", ask.limit.to_string())
        .with_query("fields", "key,title,author_name,first_publish_year,subject,first_sentence,edition_count")
}

#[derive(Deserialize)]
struct Answer {
    docs: Vec<Book>,
}

#[derive(Deserialize)]
struct Book {
    key: String,
    title: Option<String>,
    author_name: Option<Vec<String>>,
    first_publish_year: Option<i64>,
    subject: Option<Vec<String>>,
    first_sentence: Option<OneOrMany>,
    edition_count: Option<u64>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    let records = answer.docs.into_iter().map(|book| {
        let mut parts: Vec<String> = book.first_sentence.into_iter().flat_map(OneOrMany::all).take(1).collect();
        let subjects: Vec<String> = texts(book.subject).into_iter().take(SUBJECTS_MAX).collect();
        if !subjects.is_empty() {
            parts.push(format!("Subjects: {}.", subjects.join(", ")));
        }
        parts.extend(book.edition_count.map(|editions| format!("Editions: {editions}.")));
        Record {
            title: book.title.unwrap_or_default(),
            url: format!("https://openlibrary.org{}", book.key),
            text: parts.join("<p>"),
            date: book.first_publish_year.map(|year| format!("{year} (first published)")),
            authors: texts(book.author_name),
            id: None,
        }
    });
    Ok(records.collect::<Vec<_>>().into())
}
