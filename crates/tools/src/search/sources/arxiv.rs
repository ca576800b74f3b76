//! arXiv: preprints with their abstracts, by its Atom interface. Owns the reading of the feed; nothing else here is XML.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use quick_xml::{Reader, events::Event};

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, day};

/// Words that all must occur; with more, nothing is found.
const WORDS_MAX: usize = 8;
/// How deep elements may lie in each other.
const DEPTH_MAX: usize = 32;

/// One request in three seconds over one connection, whatever is asked.
pub(super) const SOURCE: SearchSource = SearchSource {
    name: "arxiv",
    title: "arXiv",
    holds: "preprints in physics, mathematics, computer science and neighbouring fields, with abstracts",
    types: &[AgentType::Academic],
    base_url: "https://export.arxiv.org",
    needs: SourceNeeds::Nothing,
    per_minute: 20,
    at_once: 1,
    terms: "https://info.arxiv.org/help/api/tou.html",
    ask,
    read,
};

fn ask(base: &BaseUrl, ask: &Ask<'_>) -> Request {
    let words =
        ask.key_words(WORDS_MAX).into_iter().map(|word| format!("all:{}", word.replace(['-', '_'], " ").trim()));
    // A word of several parts is looked for as one phrase.
    let words = words.map(|word| match word.strip_prefix("all:") {
        Some(parts) if parts.contains(' ') => format!("all:\"{parts}\""),
        _ => word,
    });
    Request::get(base, "/api/query")
        .with_query("search_query", words.collect::<Vec<_>>().join(" AND "))
        .with_query("start", "0")
        .with_query("max_results", ask.limit.to_string())
        .with_query("sortBy", "relevance")
}

#[derive(Default)]
struct Entry {
    id: String,
    title: String,
    summary: String,
    published: String,
    doi: String,
    authors: Vec<String>,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let broken = |detail: &str| Unread::Malformed(detail.to_owned());
    let mut reader = Reader::from_str(std::str::from_utf8(body).map_err(|_| broken("it is no UTF-8"))?);
    let (mut path, mut entry, mut entries): (Vec<String>, Entry, Vec<Entry>) =
        (Vec::new(), Entry::default(), Vec::new());
    let mut is_feed = false;
    loop {
        match reader.read_event().map_err(|_| broken("it is no XML"))? {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                if path.len() >= DEPTH_MAX {
                    return Err(broken("its elements lie too deep in each other"));
                }
                is_feed |= path.is_empty() && name == "feed";
                path.push(name);
                if is_author(&path) {
                    entry.authors.push(String::new());
                }
            }
            Event::End(_) => {
                if path.len() == 2 && path.last().is_some_and(|name| name == "entry") {
                    entries.push(std::mem::take(&mut entry));
                }
                path.pop();
            }
            Event::Text(text) => entry.take(&path, &text),
            Event::CData(text) => entry.take(&path, &text),
            // A record's texts are read as HTML later: the entity stays as it is.
            Event::GeneralRef(reference) => entry.take(&path, &format!("&{};", &*reference)),
            Event::DocType(_) => return Err(broken("it declares entities of its own")),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if !is_feed || !path.is_empty() {
        return Err(broken(if is_feed { "it ends early" } else { "it is no Atom feed" }));
    }
    if entries.iter().any(|entry| entry.id.contains("arxiv.org/api/errors")) {
        return Err(Unread::Question);
    }
    Ok(entries.into_iter().map(Entry::record).collect::<Vec<_>>().into())
}

fn is_author(path: &[String]) -> bool {
    matches!(path, [feed, entry, author, name] if feed == "feed" && entry == "entry" && author == "author" && name == "name")
}

impl Entry {
    fn take(&mut self, path: &[String], text: &str) {
        if is_author(path) {
            if let Some(author) = self.authors.last_mut() {
                author.push_str(text);
            }
            return;
        }
        let [_, entry, field] = path else { return };
        let field = match (entry.as_str(), field.as_str()) {
            ("entry", "id") => &mut self.id,
            ("entry", "title") => &mut self.title,
            ("entry", "summary") => &mut self.summary,
            ("entry", "published") => &mut self.published,
            ("entry", "arxiv:doi") => &mut self.doi,
            _ => return,
        };
        field.push_str(text);
    }

    fn record(self) -> Record {
        let url = self.id.trim().replacen("http://", "https://", 1);
        let id = url.rsplit_once("/abs/").map(|(_, id)| format!("arXiv:{id}"));
        let doi = self.doi.trim();
        let id = match id {
            Some(id) if !doi.is_empty() => Some(format!("{id}, doi:{doi}")),
            id => id,
        };
        Record {
            title: self.title,
            url,
            text: self.summary,
            date: day(Some(self.published.trim().to_owned())),
            authors: self.authors,
            id,
        }
    }
}
