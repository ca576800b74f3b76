//! The routes under a router of an embedder, with layers of its own around them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use http_body_util::BodyExt as _;
use mcp_orchestrator::{Handle, MemoryStore, Orchestrator, Store};
use mcp_orchestrator_api::Api;
use mcp_orchestrator_egress::{ClientSettings, HttpClient};
use mcp_orchestrator_testkit::ScriptedProvider;
use mcp_orchestrator_transport_http::{Http, Settings};
use mcp_orchestrator_webhooks::{WebhookSettings, Webhooks};
use serde_json::Value;
use tower::{ServiceExt as _, service_fn};

use crate::setting::research;

const SPOKEN: &str = "spoken by a protocol of its own";

/// A surface that no server of this crate serves.
fn surface() -> (Http, Handle) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let provider = ScriptedProvider::obliging(2);
    let handle = Orchestrator::builder_shared(Arc::clone(&store)).with_provider(provider).build().unwrap().start();
    let webhooks = Webhooks::new(store, HttpClient::new(ClientSettings::default()), WebhookSettings::default());
    let mcp = service_fn(|_: Request| async { Ok::<_, Infallible>(SPOKEN) });
    (Http::new(Api::new(handle.clone(), webhooks), Settings::default()).with_mcp(mcp), handle)
}

async fn asked(router: &Router, method: &str, path: &str, body: String) -> (StatusCode, Vec<u8>) {
    let request = Request::builder().method(method).uri(path).header("Host", "localhost");
    let request = request.header("Content-Type", "application/json").body(Body::from(body)).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    assert!(status == StatusCode::IM_A_TEAPOT || response.headers().contains_key("x-request-id"), "{method} {path}");
    (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

async fn refuse(_: Request, _: Next) -> Response {
    StatusCode::IM_A_TEAPOT.into_response()
}

#[tokio::test]
async fn a_layer_around_the_routes_covers_every_one() {
    let (http, handle) = surface();
    let router = http.router().route_layer(from_fn(refuse));
    for (method, path) in [
        ("GET", "/v1/workflows"),
        ("POST", "/v1/workflows"),
        ("DELETE", "/v1/workflows"),
        ("GET", "/v1/workflows/wf_0/events"),
        ("GET", "/mcp"),
        ("POST", "/mcp"),
        ("GET", "/metrics"),
        ("GET", "/health"),
        ("GET", "/openapi.json"),
    ] {
        let (status, _) = asked(&router, method, path, String::new()).await;
        assert_eq!(status, StatusCode::IM_A_TEAPOT, "{method} {path}");
    }
    let (status, _) = asked(&router, "GET", "/nowhere", String::new()).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "what is no route is no secret");
    handle.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn routes_answer_under_a_path_of_the_embedder() {
    let (http, handle) = surface();
    for (router, under) in [(http.router(), ""), (Router::new().nest("/research", http.router()), "/research")] {
        let json = |(status, body): (StatusCode, Vec<u8>)| (status, serde_json::from_slice::<Value>(&body).unwrap());
        let started = asked(&router, "POST", &format!("{under}/v1/workflows"), research().to_string()).await;
        let (status, started) = json(started);
        assert_eq!(status, StatusCode::ACCEPTED, "{started}");
        let id = started["task_id"].as_str().unwrap();
        let (status, told) = json(asked(&router, "GET", &format!("{under}/v1/workflows/{id}"), String::new()).await);
        assert_eq!((status, &told["task_id"]), (StatusCode::OK, &started["task_id"]));
        let (status, spoken) = asked(&router, "POST", &format!("{under}/mcp"), String::new()).await;
        assert_eq!((status, spoken.as_slice()), (StatusCode::OK, SPOKEN.as_bytes()));
        let (status, problem) = json(asked(&router, "GET", &format!("{under}/v1/nowhere"), String::new()).await);
        assert_eq!((status, &problem["status"]), (StatusCode::NOT_FOUND, &Value::from(404)));
    }
    handle.shutdown(Duration::ZERO).await.unwrap();
}
