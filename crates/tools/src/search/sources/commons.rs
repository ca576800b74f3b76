//! Wikimedia Commons: pictures, films and sounds by their descriptions, with their licences.

use mcp_orchestrator_domain::AgentType;
use mcp_orchestrator_egress::{BaseUrl, Request};
use serde::Deserialize;

use super::{Ask, Page, Record, SearchSource, SourceNeeds, Unread, WikiError, day, json};

pub(super) const SOURCE: SearchSource = SearchSource {
    name: "commons",
    title: "Wikimedia Commons",
    holds: "freely licensed pictures, films and sounds by their descriptions",
    types: &[AgentType::Image, AgentType::Video],
    base_url: "https://commons.wikimedia.org",
    needs: SourceNeeds::Contact,
    per_minute: 60,
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
        .with_query("gsrsearch", ask.key_words(8).join(" "))
        .with_query("gsrlimit", ask.limit.to_string())
        .with_query("gsrnamespace", "6")
        .with_query("prop", "imageinfo")
        .with_query("iiprop", "url|extmetadata|timestamp")
        .with_query("iiextmetadatafilter", "ImageDescription|Artist|LicenseShortName")
        .with_query("maxlag", "5")
}

#[derive(Deserialize)]
struct Answer {
    batchcomplete: Option<bool>,
    query: Option<Query>,
    error: Option<WikiError>,
}

#[derive(Deserialize)]
struct Query {
    pages: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    title: String,
    index: Option<i64>,
    imageinfo: Option<Vec<Info>>,
}

#[derive(Deserialize)]
struct Info {
    timestamp: Option<String>,
    descriptionurl: Option<String>,
    extmetadata: Option<Metadata>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    image_description: Option<Field>,
    artist: Option<Field>,
    license_short_name: Option<Field>,
}

#[derive(Deserialize)]
struct Field {
    value: String,
}

fn read(body: &[u8]) -> Result<Page, Unread> {
    let answer: Answer = json(body)?;
    if let Some(error) = answer.error {
        return Err(error.unread());
    }
    let mut files = match (answer.query, answer.batchcomplete) {
        (Some(query), _) => query.pages,
        (None, Some(_)) => Vec::new(),
        (None, None) => return Err(Unread::Malformed("neither results nor an end are in it".to_owned())),
    };
    files.sort_by_key(|file| file.index.unwrap_or(i64::MAX));
    Ok(files.into_iter().filter_map(File::record).collect::<Vec<_>>().into())
}

impl File {
    fn record(self) -> Option<Record> {
        let info = self.imageinfo?.into_iter().next()?;
        let metadata = info.extmetadata.unwrap_or_default();
        let licence = metadata.license_short_name.map(|field| format!("Licence: {}.", field.value));
        let parts: Vec<String> =
            metadata.image_description.map(|field| field.value).into_iter().chain(licence).collect();
        Some(Record {
            title: self.title.strip_prefix("File:").map(str::to_owned).unwrap_or(self.title),
            url: info.descriptionurl.unwrap_or_default(),
            text: parts.join("<p>"),
            date: day(info.timestamp),
            authors: metadata.artist.map(|field| field.value).into_iter().collect(),
            id: None,
        })
    }
}
