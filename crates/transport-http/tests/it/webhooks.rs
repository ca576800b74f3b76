//! Webhooks over `/v1` and over the original's routes. What deliveries are, the webhooks themselves are tested for.

use serde_json::json;

use crate::{client::ask, setting::site};

#[tokio::test]
async fn an_endpoint_is_created_listed_rotated_and_deleted() {
    let site = site().await;
    let body = json!({ "url": "https://hooks.example/a", "events": ["workflow_complete"], "description": "ours" });
    let answer = site.post("/v1/webhooks", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let created = answer.json();
    let id = created["id"].as_str().unwrap();
    let path = format!("/v1/webhooks/{id}");
    assert_eq!(answer.header("location"), Some(path.as_str()));
    let secret = created["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    let listed = site.get("/v1/webhooks").await;
    assert_eq!(listed.json()["endpoints"][0]["id"], id);
    assert!(!listed.text().contains(secret), "a secret is shown once");
    let rotated = site.post(&format!("{path}/rotate"), &json!({})).await.json();
    assert_ne!(rotated["secret"], secret);
    let deliveries = site.get(&format!("{path}/deliveries")).await.json();
    assert_eq!(deliveries["deliveries"], json!([]));
    site.post(&format!("{path}/deliveries/msg_{}/replay", "0".repeat(32)), &json!({})).await.problem(404);
    assert_eq!(site.get("/v1/stats").await.json()["webhooks"]["registered_webhooks"], 1);
    assert_eq!(ask(site.address, "DELETE", &path, &[], b"").await.status, 204);
    site.get(&path).await.problem(404);
    ask(site.address, "DELETE", &path, &[], b"").await.problem(404);
    site.stop().await;
}

#[tokio::test]
async fn addresses_inside_are_refused_by_field() {
    let site = site().await;
    for url in ["http://127.0.0.1/", "https://169.254.169.254/latest", "file:///etc/passwd", "nonsense"] {
        let problem = site.post("/v1/webhooks", &json!({ "url": url })).await.problem(422);
        assert_eq!(problem["errors"][0]["pointer"], "/url", "{url}: {problem}");
    }
    let problem =
        site.post("/v1/webhooks", &json!({ "url": "https://hooks.example/", "event": [] })).await.problem(422);
    assert_eq!(problem["errors"][0]["pointer"], "/event");
    let id = site.completed().await;
    let body = json!({ "task_id": id, "webhook_url": "https://10.0.0.1/" });
    let problem = site.post("/webhook/register", &body).await.problem(422);
    assert_eq!((&problem["success"], &problem["errors"][0]["pointer"]), (&json!(false), &json!("/webhook_url")));
    site.stop().await;
}

#[tokio::test]
async fn the_original_registers_replaces_and_unregisters() {
    let site = site().await;
    let id = site.completed().await;
    for url in ["https://hooks.example/a", "https://hooks.example/b"] {
        let answer = site.post("/webhook/register", &json!({ "task_id": id, "webhook_url": url })).await;
        assert_eq!(answer.json(), json!({ "success": true, "task_id": id, "webhook_url": url }));
    }
    assert_eq!(site.get("/stats").await.json()["webhooks"]["registered_webhooks"], 1);
    for known in [id.as_str(), "research_000000000000"] {
        let answer = site.post("/webhook/unregister", &json!({ "task_id": known })).await;
        assert_eq!(answer.json(), json!({ "success": true, "task_id": known }));
    }
    site.stop().await;
}
