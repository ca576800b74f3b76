//! The document says what the router does.

use serde_json::Value;

use crate::{client::ask, setting::site};

#[tokio::test]
async fn every_route_of_the_document_is_served() {
    let site = site().await;
    let document = site.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut count = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let filled = path
                .replace("{id}", "research_0123456789abcdef")
                .replace("{task_id}", "research_0123456789abcdef")
                .replace("{name}", "list_orchestrator_patterns")
                .replace("{file}", "start.js")
                .replace("{delivery}", "msg_0123456789abcdef0123456789abcdef");
            let answer = ask(site.address, &method.to_ascii_uppercase(), &filled, &[], b"").await;
            assert_ne!(answer.status, 405, "{method} {path}");
            if answer.status == 404 {
                let detail = answer.json()["detail"].as_str().unwrap().to_owned();
                assert!(!detail.starts_with("nothing is served at"), "{method} {path}");
            }
            count += 1;
        }
    }
    assert!(count > 35, "{count}");
    site.stop().await;
}

#[tokio::test]
async fn every_route_of_the_surface_is_in_the_document() {
    let site = site().await;
    let document = site.get("/openapi.json").await.json();
    for (method, path) in [
        ("post", "/v1/workflows"),
        ("get", "/v1/workflows"),
        ("get", "/v1/workflows/{id}"),
        ("get", "/v1/workflows/{id}/results"),
        ("get", "/v1/workflows/{id}/documents"),
        ("get", "/v1/workflows/{id}/documents/{name}"),
        ("get", "/v1/workflows/{id}/log"),
        ("post", "/v1/workflows/{id}/cancel"),
        ("post", "/v1/workflows/{id}/fork"),
        ("post", "/v1/workflows/{id}/answer"),
        ("get", "/v1/workflows/{id}/events"),
        ("get", "/v1/events"),
        ("get", "/v1/patterns"),
        ("get", "/v1/tools"),
        ("post", "/v1/tools/{name}"),
        ("get", "/v1/providers"),
        ("get", "/v1/providers/{name}"),
        ("get", "/v1/resources"),
        ("get", "/v1/stats"),
        ("post", "/v1/webhooks"),
        ("get", "/v1/webhooks"),
        ("delete", "/v1/webhooks/{id}"),
        ("post", "/v1/webhooks/{id}/rotate"),
        ("get", "/v1/webhooks/{id}/deliveries"),
        ("post", "/v1/webhooks/{id}/deliveries/{delivery}/replay"),
        ("get", "/livez"),
        ("get", "/readyz"),
        ("get", "/health"),
        ("get", "/metrics"),
        ("get", "/openapi.json"),
        ("get", "/docs"),
        ("get", "/"),
        ("get", "/tools"),
        ("post", "/tools/{name}"),
        ("get", "/tools/{name}"),
        ("get", "/resources"),
        ("get", "/stream/{task_id}"),
        ("post", "/webhook/register"),
        ("post", "/webhook/unregister"),
        ("get", "/stats"),
    ] {
        assert!(document["paths"][path][method].is_object(), "{method} {path}");
    }
    site.stop().await;
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    let site = site().await;
    let document = site.get("/openapi.json").await.json();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let mut ids: Vec<_> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    site.stop().await;
}

#[tokio::test]
async fn the_page_of_the_document_asks_nobody_else() {
    let site = site().await;
    let page = site.get("/docs").await;
    assert!(page.header("content-security-policy").unwrap().contains("script-src 'self';"));
    let page = page.text();
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    for file in page.split('"').filter(|part| part.starts_with("/docs/")) {
        let answer = site.get_with(file, &[("Accept-Encoding", "gzip")]).await;
        assert_eq!(answer.status, 200, "{file}");
        let tag = answer.header("etag").unwrap();
        let again = site.get_with(file, &[("Accept-Encoding", "gzip"), ("If-None-Match", tag)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0));
    }
    site.get("/docs/swagger-ui.css").await.problem(406);
    site.get("/docs/other.js").await.problem(404);
    site.stop().await;
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(reference) if name == "$ref" => references.push(reference.clone()),
                    _ => collect(member, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[tokio::test]
async fn an_answer_that_has_several_media_types_names_each() {
    let site = site().await;
    let document = site.get("/openapi.json").await.json();
    let content = &document["paths"]["/v1/resources"]["get"]["responses"]["200"]["content"];
    let named: Vec<&String> = content.as_object().unwrap().keys().collect();
    assert_eq!(named, ["application/json", "text/markdown"]);
    site.stop().await;
}
