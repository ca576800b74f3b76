//! The routes. Owns which there are; each group is a file that says for each route what it takes and answers, once for
//! the router and the OpenAPI document.

mod catalogue;
mod docs;
mod events;
pub(crate) mod health;
mod info;
mod operation;
pub(crate) mod original;
mod table;
mod tools;
mod webhooks;
mod workflows;

use axum::extract::OriginalUri;

use crate::problem::Problem;

pub(crate) use operation::{Body, Operation};
pub(crate) use table::Table;

/// The versions of the interface, as paths begin.
const VERSIONS: &str = "v1";

/// Adds every route.
pub(crate) fn all(table: &mut Table) {
    workflows::add(table);
    events::add(table);
    catalogue::add(table);
    tools::add(table);
    webhooks::add(table);
    health::add(table);
    info::add(table);
    docs::add(table);
    original::add(table);
}

/// What is answered where no route is.
pub(crate) async fn fallback(OriginalUri(uri): OriginalUri) -> Problem {
    let path = uri.path();
    let version = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let is_version = version
        .strip_prefix('v')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    if is_version && version != VERSIONS {
        return Problem::not_found(format!("there is no version {version} of this interface; there is {VERSIONS}"))
            .with_code("unknown_version")
            .with_hint(format!("begin paths with /{VERSIONS}"));
    }
    Problem::not_found(format!("nothing is served at {path}")).with_hint("GET /openapi.json lists every route")
}
