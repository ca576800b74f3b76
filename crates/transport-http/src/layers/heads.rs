//! How large the head of a request may be. Below the hard limits of the connection, which close it without an answer.

use axum::extract::Request;
use http::StatusCode;

use crate::{Settings, problem::Problem};

/// The longest path and query, in bytes.
const URI_MAX: usize = 8 * 1024;
/// What a field takes beside name and value: colon, space, line end.
const FIELD_OVERHEAD: usize = 4;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    fields: usize,
    bytes: usize,
}

impl Limit {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { fields: settings.connections.headers, bytes: settings.connections.header_bytes }
    }

    /// Refuses a request whose head is too large.
    pub(super) fn check(self, request: &Request) -> Result<(), Problem> {
        let uri = request.uri().path_and_query().map_or(0, |uri| uri.as_str().len());
        if uri > URI_MAX {
            let detail = format!("the address has {uri} bytes, expected at most {URI_MAX}");
            return Err(Problem::new(StatusCode::URI_TOO_LONG, detail));
        }
        let headers = request.headers();
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD).sum();
        if headers.len() > self.fields || bytes > self.bytes {
            let detail = format!(
                "{} header fields of {bytes} bytes, expected at most {} of {} bytes",
                headers.len(),
                self.fields,
                self.bytes
            );
            return Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail));
        }
        Ok(())
    }
}
