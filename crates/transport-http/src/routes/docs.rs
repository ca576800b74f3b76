//! The page that shows the OpenAPI document. Owns its files, which are part of the program: it asks nobody else for anything.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{Operation, Table};
use crate::{answer::cached, extract::Named, http::Shared, problem::Problem};

const TAG: &str = "server";

const PAGE: &[u8] = include_bytes!("../../assets/swagger-ui/index.html");
const START: &[u8] = include_bytes!("../../assets/swagger-ui/start.js");
const BUNDLE: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.gz");
const STYLE: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui.css.gz");

/// Nothing but this server; the page's own library writes styles and shows icons as data.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub(super) fn add(table: &mut Table) {
    table.add(
        Operation::get("/docs", TAG, "The OpenAPI document for people")
            .gives("text/html", "A page that needs no network"),
        page,
    );
    table.add(
        Operation::get("/docs/{file}", TAG, "A file of that page")
            .gives("*/*", "The file, in its own media type")
            .gives_nothing(StatusCode::NOT_MODIFIED, "It has not changed")
            .fails([StatusCode::NOT_FOUND, StatusCode::NOT_ACCEPTABLE]),
        file,
    );
}

async fn page(State(_shared): State<Shared>, headers: HeaderMap) -> Response {
    let mut response = cached(Bytes::from_static(PAGE), "text/html; charset=utf-8", "no-cache", &headers);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

async fn file(State(_shared): State<Shared>, Named(file): Named<String>, headers: HeaderMap) -> Response {
    let (bytes, media_type, is_packed) = match file.as_str() {
        "swagger-ui-bundle.js" => (BUNDLE, "text/javascript; charset=utf-8", true),
        "swagger-ui.css" => (STYLE, "text/css; charset=utf-8", true),
        "start.js" => (START, "text/javascript; charset=utf-8", false),
        _ => return Problem::not_found("the page has no such file").into_response(),
    };
    let takes_packed = headers.get(header::ACCEPT_ENCODING).and_then(|takes| takes.to_str().ok());
    if is_packed && !takes_packed.is_some_and(|takes| takes.contains("gzip")) {
        return Problem::new(StatusCode::NOT_ACCEPTABLE, "this file is only there as gzip").into_response();
    }
    let mut response = cached(Bytes::from_static(bytes), media_type, "public, max-age=3600", &headers);
    if is_packed && response.status() == StatusCode::OK {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}
