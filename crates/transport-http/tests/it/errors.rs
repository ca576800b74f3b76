//! Every error is a problem document, whoever made it.

use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use mcp_orchestrator_testkit::ScriptedProvider;
use mcp_orchestrator_transport_http::Settings;
use serde_json::json;
use tower::service_fn;

use crate::{
    client::{ask, raw},
    setting::{research, site, start},
};

type Body = axum::body::Body;

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let site = site().await;
    let problem = site.get("/nowhere").await.problem(404);
    assert_eq!(problem["code"], "not_found");
    assert_eq!(problem["instance"], "/nowhere");
    let problem = site.get("/v1/workflows/research_0123456789abcdef").await.problem(404);
    assert!(problem["detail"].as_str().unwrap().contains("research_0123456789abcdef"), "{problem}");
    let problem = site.get("/v1/workflows/not%20an%20id").await.problem(404);
    assert_eq!(problem["code"], "not_found");
    site.stop().await;
}

#[tokio::test]
async fn an_unknown_version_is_answered_with_those_there_are() {
    let site = site().await;
    let problem = site.get("/v2/workflows").await.problem(404);
    assert_eq!(problem["code"], "unknown_version");
    assert!(problem["detail"].as_str().unwrap().contains("v1"));
    site.stop().await;
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let site = site().await;
    let answer = ask(site.address, "DELETE", "/v1/workflows", &[], b"").await;
    assert_eq!(answer.problem(405)["code"], "method_not_allowed");
    let allow = answer.header("allow").unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    site.stop().await;
}

#[tokio::test]
async fn head_has_the_head_of_get_and_options_says_what_is_allowed() {
    let site = site().await;
    let head = ask(site.address, "HEAD", "/v1/patterns", &[], b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-type"), Some("application/json"));
    let missing = ask(site.address, "HEAD", "/nowhere", &[], b"").await;
    assert_eq!((missing.status, missing.body.len()), (404, 0));
    let options = ask(site.address, "OPTIONS", "/v1/workflows", &[], b"").await;
    assert_eq!(options.status, 204);
    assert!(options.header("allow").unwrap().contains("POST"));
    site.stop().await;
}

#[tokio::test]
async fn malformed_json_is_told_where_it_breaks() {
    let site = site().await;
    let json = [("Content-Type", "application/json")];
    for (body, at) in [
        (&b"{\"pattern\": \n  oops}"[..], "line 2 column"),
        (b"{\"pattern\":", "breaks off"),
        (b"{\"task\": \"\xff\xfe\"}", "line 1"),
    ] {
        let problem = ask(site.address, "POST", "/v1/workflows", &json, body).await.problem(400);
        assert_eq!(problem["code"], "malformed_json");
        assert!(problem["detail"].as_str().unwrap().contains(at), "{problem}");
    }
    site.stop().await;
}

#[tokio::test]
async fn json_that_is_too_deep_is_refused_and_costs_nothing() {
    let site = site().await;
    let deep = [&b"{\"context\":"[..], &[b'['; 100_000], &[b']'; 100_000], b"}"].concat();
    let problem = ask(site.address, "POST", "/v1/workflows", &[("Content-Type", "application/json")], &deep).await;
    assert!(problem.problem(400)["detail"].as_str().unwrap().contains("recursion limit"));
    assert_eq!(site.get("/livez").await.status, 200);
    site.stop().await;
}

#[tokio::test]
async fn a_body_that_is_no_object_of_json_is_refused() {
    let site = site().await;
    for body in ["null", "[1]", "7", "\"text\""] {
        let headers = [("Content-Type", "application/json")];
        let problem = ask(site.address, "POST", "/v1/workflows", &headers, body.as_bytes()).await.problem(422);
        assert!(problem["detail"].as_str().unwrap().contains("expected an object"), "{problem}");
    }
    let problem =
        ask(site.address, "POST", "/v1/workflows", &[("Content-Type", "text/plain")], b"{}").await.problem(415);
    assert_eq!(problem["code"], "unsupported_media_type");
    ask(site.address, "POST", "/v1/workflows", &[], b"{}").await.problem(415);
    site.stop().await;
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let site = site().await;
    let body = json!({ "pattern": "beltalowda", "task": 7, "num_agents": "8", "priority": [], "provider_nam": "x" });
    let problem = site.post("/v1/workflows", &body).await.problem(422);
    let mut pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/num_agents", "/priority", "/provider_nam", "/task"]);
    let hint = problem["errors"].as_array().unwrap().iter().find(|error| error["pointer"] == "/provider_nam").unwrap();
    assert!(hint["detail"].as_str().unwrap().contains("did you mean provider_name?"), "{hint}");

    let body = json!({ "pattern": "beltalowda", "task": "short", "num_agents": 0, "priority": 12 });
    let problem = site.post("/v1/workflows", &body).await.problem(422);
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3, "{problem}");
    let listed = site.get("/v1/workflows").await.json();
    assert_eq!(listed["workflows"].as_array().unwrap().len(), 0, "nothing was started");
    site.stop().await;
}

#[tokio::test]
async fn a_wrong_query_is_named() {
    let site = site().await;
    for (path, field) in [
        ("/v1/workflows?limit=0", "limit"),
        ("/v1/workflows?limit=501", "limit"),
        ("/v1/workflows?limit=many", "limit"),
        ("/v1/workflows?status=done", "status"),
        ("/v1/workflows?cursor=nonsense", "cursor"),
        ("/v1/workflows?stauts=failed", "stauts"),
        ("/v1/webhooks?limit=0", "limit"),
    ] {
        let problem = site.get(path).await.problem(422);
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap().trim_start_matches('/').to_owned();
        assert_eq!(pointer, field, "{path}: {problem}");
    }
    site.stop().await;
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let site = site().await;
    let long = "x".repeat(20_000);
    assert_eq!(site.get_with("/livez", &[("X-Long", &long)]).await.problem(431)["code"], "headers_too_large");
    let many: Vec<(String, String)> = (0..80).map(|n| (format!("X-Many-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    site.get_with("/livez", &many).await.problem(431);
    site.get(&format!("/livez?{}", "y".repeat(9_000))).await.problem(414);
    let crowd: String = (0..150).map(|n| format!("X-Many-{n}: 1\r\n")).collect();
    let crowd = format!("GET /livez HTTP/1.1\r\nHost: {}\r\n{crowd}\r\n", site.address);
    assert_eq!(raw(site.address, crowd.as_bytes()).await.status, 431);
    // Far beyond the limit the connection ends without a document.
    let endless = format!("GET /livez HTTP/1.1\r\nHost: {}\r\nX-Long: {}\r\n\r\n", site.address, "z".repeat(200_000));
    assert_eq!(raw(site.address, endless.as_bytes()).await.status, 431);
    site.stop().await;
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_server_goes_on() {
    let broken = service_fn(|request: Request<Body>| async move {
        assert!(request.uri().query().is_none(), "a query");
        Ok::<_, Infallible>(
            Response::builder().status(StatusCode::NOT_ACCEPTABLE).body(Body::from("plain words")).unwrap(),
        )
    });
    let site = start(Settings::default(), ScriptedProvider::obliging(2), |http| http.with_mcp(broken)).await;
    let problem = site.get("/mcp?now").await.problem(500);
    assert_eq!(problem["code"], "internal");
    assert!(!problem.to_string().contains("a query"), "what a panic said stays inside");
    assert_eq!(site.get("/mcp").await.problem(406)["code"], "not_acceptable");
    assert_eq!(site.get("/livez").await.status, 200);
    site.stop().await;
}

#[tokio::test]
async fn after_shutdown_of_the_engine_submissions_are_told_to_come_later() {
    let site = site().await;
    site.handle.shutdown(std::time::Duration::ZERO).await.unwrap();
    let answer = site.post("/v1/workflows", &research()).await;
    assert_eq!(answer.problem(503)["code"], "draining");
    assert!(answer.header("retry-after").is_some());
    site.stop().await;
}
