//! How answers are written: JSON, and files that are fetched again only when they changed.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mcp_orchestrator_api::Download;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use tracing::error;

use crate::problem::Problem;

/// A view as JSON.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(json) => {
                let kind = HeaderValue::from_static("application/json");
                ([(header::CONTENT_TYPE, kind)], Body::from(json)).into_response()
            }
            Err(error) => {
                error!(%error, "an answer has no JSON form");
                Problem::of(StatusCode::INTERNAL_SERVER_ERROR).into_response()
            }
        }
    }
}

/// A file of a workflow.
pub(crate) fn download(file: Download, asked: &HeaderMap) -> Response {
    let mut response = cached(file.bytes, file.media_type, "private, no-cache", asked);
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename*=UTF-8''{}", encoded(&file.name))) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// Bytes with a tag of their content; nothing when the client has them.
pub(crate) fn cached(bytes: Bytes, media_type: &'static str, caching: &'static str, asked: &HeaderMap) -> Response {
    let digest = Sha256::digest(&bytes);
    let tag: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let has_it = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).is_some_and(|tags| {
        tags.split(',').map(|known| known.trim().trim_start_matches("W/")).any(|known| known == tag || known == "*")
    });
    let mut response = if has_it {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], Body::from(bytes)).into_response()
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

/// A name as RFC 8187 writes it.
fn encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
