//! One server in a TOML text. Everything else of it stays as it was written, comments too.

use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::entry::{Entry, WORDS};

/// The text with the server under `table`. What an older entry says beside how to reach the server stays.
///
/// # Errors
/// Why the text cannot be added to.
pub(super) fn with(text: &str, table: &str, name: &str, entry: &Entry) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let line =
            error.span().map_or(1, |span| 1 + text.as_bytes()[..span.start].iter().filter(|b| **b == b'\n').count());
        format!("line {line}: {}", error.message())
    })?;
    let servers = document.entry(table).or_insert_with(|| {
        let mut servers = Table::new();
        // Only the server's own head is written.
        servers.set_implicit(true);
        Item::Table(servers)
    });
    let servers = servers.as_table_like_mut().ok_or_else(|| format!("{table} is no table"))?;
    let server = servers.entry(name).or_insert_with(|| Item::Table(Table::new()));
    let server = server.as_table_like_mut().ok_or_else(|| format!("{table}.{name} is no table"))?;
    let new = words(entry);
    for word in WORDS.iter().filter(|word| !new.iter().any(|(known, _)| known == *word)) {
        server.remove(word);
    }
    for (word, new) in new {
        let is_there = server.get(word).is_some_and(|old| is_same(old, &new));
        if !is_there {
            server.insert(word, new);
        }
    }
    Ok(document.to_string())
}

fn words(entry: &Entry) -> Vec<(&'static str, Item)> {
    let args = entry.args.as_ref().map(|args| value(args.iter().map(String::as_str).collect::<Array>()));
    let all = [("command", entry.command.as_ref().map(value)), ("args", args), ("url", entry.url.as_ref().map(value))];
    all.into_iter().filter_map(|(word, item)| Some((word, item?))).collect()
}

/// Whether two say the same, however they are written.
fn is_same(one: &Item, other: &Item) -> bool {
    match (one.as_array(), other.as_array()) {
        (Some(one), Some(other)) => {
            let texts = |array: &Array| array.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Vec<_>>();
            texts(one) == texts(other)
        }
        _ => one.as_str().is_some() && one.as_str() == other.as_str(),
    }
}
