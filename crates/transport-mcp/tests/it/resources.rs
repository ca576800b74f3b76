//! Resources: listed, read, followed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    wire::{Http, LEGACY, Pipes, no_capabilities, request},
    world::{World, holding, quick, research},
};

#[tokio::test]
async fn patterns_and_ones_own_workflows_are_listed_and_read() {
    let world = World::new();
    let http = Http::new(&world.server);
    let id = http.tool("orchestrate_research", research()).await.task_id();
    let listed = http.call("resources/list", json!({})).await;
    let uris: Vec<&str> = listed.result()["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| resource["uri"].as_str().unwrap())
        .collect();
    for uri in [
        "orchestrator://beltalowda/info".to_owned(),
        format!("orchestrator://{id}/status"),
        format!("orchestrator://{id}/report"),
    ] {
        assert!(uris.contains(&uri.as_str()), "{uri} in {uris:?}");
        let read = http.call("resources/read", json!({ "uri": uri })).await;
        let contents = &read.result()["contents"][0];
        assert_eq!(contents["uri"], uri);
        assert!(!contents["text"].as_str().unwrap().is_empty());
    }
    let others = http.named("anna").call("resources/list", json!({})).await;
    assert!(!others.text.contains(&id));
    let templates = http.call("resources/templates/list", json!({})).await;
    let templates: Vec<&Value> = templates.result()["resourceTemplates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|template| &template["uriTemplate"])
        .collect();
    assert!(templates.contains(&&json!("orchestrator://{task_id}/events{?after}")), "{templates:?}");
}

#[tokio::test]
async fn what_is_unknown_is_invalid_parameters_and_in_older_versions_not_found() {
    let world = World::held();
    let http = Http::new(&world.server);
    let id = http.named("anna").tool("orchestrate_research", research()).await.task_id();
    let session = http.open(LEGACY, no_capabilities()).await.0;
    for uri in [
        format!("orchestrator://{id}/status"),
        "orchestrator://nothing/info".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        assert_eq!(http.call("resources/read", json!({ "uri": uri })).await.code(), -32602, "{uri}");
        assert_eq!(session.call("resources/read", json!({ "uri": uri })).await.code(), -32002, "{uri}");
    }
}

#[tokio::test]
async fn a_listener_hears_that_its_workflow_has_changed_until_it_has_ended() {
    let world = World::with(holding(), quick());
    let http = Http::new(&world.server);
    let id = http.tool("orchestrate_research", research()).await.task_id();
    let uri = format!("orchestrator://{id}/status");
    let wanted = json!({ "notifications": {
        "resourceSubscriptions": [uri, "orchestrator://beltalowda/info", "file:///etc/passwd"], "toolsListChanged": true,
    } });
    let mut stream = http.stream("subscriptions/listen", wanted).await;
    let acknowledged = stream.next().await.unwrap();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(
        acknowledged["params"]["notifications"],
        json!({ "resourceSubscriptions": [uri] }),
        "what never changes is not followed"
    );
    world.release(&id).await;
    let told = stream.next().await.unwrap();
    assert_eq!(
        (told["method"].as_str(), told["params"]["uri"].as_str()),
        (Some("notifications/resources/updated"), Some(&*uri))
    );
    assert_eq!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 7);
    let mut heard = 1;
    let closing = tokio::spawn({
        let server = world.server.clone();
        async move { server.close().await }
    });
    let last = loop {
        let message = stream.next().await.expect("a listener is told of the end");
        if message.get("result").is_some() {
            break message;
        }
        heard += 1;
    };
    assert_eq!(last["result"]["resultType"], "complete");
    assert!(heard < 10, "changes that come together are told once, and were told {heard} times");
    closing.await.unwrap();
}

#[tokio::test]
async fn nobody_hears_of_another_principals_workflow() {
    let world = World::held();
    let http = Http::new(&world.server);
    let id = http.named("anna").tool("orchestrate_research", research()).await.task_id();
    let wanted = json!({ "notifications": { "resourceSubscriptions": [format!("orchestrator://{id}/status")] } });
    let mut stream = http.named("boris").stream("subscriptions/listen", wanted).await;
    stream.next().await.unwrap();
    world.release_of("anna", &id).await;
    let (next, ()) = tokio::join!(stream.next(), world.server.close());
    let next = next.unwrap();
    assert!(next.get("result").is_some(), "{next}");
}

#[tokio::test]
async fn a_session_subscribes_and_unsubscribes() {
    let world = World::with(holding(), quick().with_wait(Duration::ZERO));
    let mut pipes = Pipes::new(&world.server);
    pipes.initialize(LEGACY, no_capabilities()).await;
    pipes.send(&request(1, "tools/call", json!({ "name": "orchestrate_research", "arguments": research() }))).await;
    let id = pipes.answer(1).await["result"]["structuredContent"]["task_id"].as_str().unwrap().to_owned();
    let uri = format!("orchestrator://{id}/results");
    pipes.send(&request(2, "resources/subscribe", json!({ "uri": uri }))).await;
    assert_eq!(pipes.answer(2).await["result"], json!({}));
    pipes.send(&request(3, "resources/subscribe", json!({ "uri": "orchestrator://nothing/status" }))).await;
    assert_eq!(pipes.answer(3).await["error"]["code"], -32602);
    world.release(&id).await;
    let told = loop {
        let message = pipes.next().await.unwrap();
        if message["method"] == "notifications/resources/updated" {
            break message;
        }
    };
    assert_eq!(told["params"]["uri"], uri);
    pipes.send(&request(4, "resources/unsubscribe", json!({ "uri": uri }))).await;
    assert_eq!(pipes.answer(4).await["result"], json!({}));
    assert!(pipes.notified().iter().all(|message| message["method"] == "notifications/resources/updated"));
    pipes.close().await;
}

#[tokio::test]
async fn methods_of_one_era_are_unknown_in_the_other() {
    let world = World::new();
    let http = Http::new(&world.server);
    let session = http.open(LEGACY, no_capabilities()).await.0;
    for (method, params) in [
        ("resources/subscribe", json!({ "uri": "orchestrator://x/status" })),
        ("ping", json!({})),
        ("logging/setLevel", json!({ "level": "info" })),
    ] {
        assert_eq!(http.call(method, params).await.code(), -32601, "{method}");
    }
    let listened = session.call("subscriptions/listen", json!({ "notifications": {} })).await;
    assert_eq!(listened.code(), -32601);
}
