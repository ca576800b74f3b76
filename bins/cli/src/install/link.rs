//! Links that open a client and ask it to add the server. Owns their escaping; the clients say what they hold.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Client, entry::Entry};

/// The link of a client that has some.
pub(super) fn of(client: Client, name: &str, entry: &Entry) -> Option<String> {
    match client {
        Client::Cursor => {
            let config = STANDARD.encode(json!(entry).to_string());
            Some(format!(
                "cursor://anysphere.cursor-deeplink/mcp/install?name={}&config={}",
                escaped(name),
                escaped(&config)
            ))
        }
        Client::VsCode => {
            let mut config = json!(entry);
            config.as_object_mut()?.insert("name".to_owned(), Value::String(name.to_owned()));
            Some(format!("vscode:mcp/install?{}", escaped(&config.to_string())))
        }
        Client::ClaudeCode | Client::ClaudeDesktop | Client::Codex | Client::GeminiCli | Client::Goose => None,
    }
}

/// A text as a part of a query.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
