//! What it starts with and what it refuses to start with.

use serde_json::json;

use crate::{client::Client, process::Home};

fn refused(home: &Home, arguments: &[&str]) -> (i32, String) {
    let output = home.command(arguments).output().unwrap();
    assert!(output.stdout.is_empty());
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_cannot_be_served_is_refused_with_a_reason() {
    let home = Home::new();
    std::fs::write(home.path("wide.toml"), "egress.allow = [\"*\"]\n").unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--listen", "0.0.0.0:0", "--corpus", "docs=docs"], 78, "--insecure-listen"),
        (&["--listen", "nowhere", "--corpus", "docs=docs"], 78, "server.listen"),
        (&["--listen", "127.0.0.1:0", "--corpus", "docs=docs", "--config", "wide.toml"], 78, "egress.allow"),
        (&["--listen", "127.0.0.1:0"], 78, "no provider can answer"),
        (&["--listen", "127.0.0.1:0", "--corpus", "docs=absent"], 69, "absent"),
        (&["--listen", "127.0.0.1:0", "--corpus", "docs"], 2, "NAME=DIR"),
        (&["--listen", "127.0.0.1:0", "--corpus", "docs=docs", "--store", "oracle:"], 78, "oracle:"),
        (&["--max-running", "0", "--corpus", "docs=docs"], 78, "server.running_max"),
        (&["--config", "absent.toml"], 78, "absent.toml"),
        (&["--nonsense"], 2, "--nonsense"),
    ];
    for (arguments, code, word) in cases {
        let (found, told) = refused(&home, arguments);
        assert_eq!(found, *code, "{arguments:?}: {told}");
        assert!(told.contains(word), "{arguments:?}: {told}");
    }
}

#[test]
fn a_port_of_the_environment_that_is_none_is_named() {
    let mut home = Home::new();
    home.variables.push(("PORT", "many".to_owned()));
    let (code, told) = refused(&home, &["--corpus", "docs=docs"]);
    assert_eq!(code, 78);
    assert!(told.contains("PORT is \"many\""), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_taken_is_named() {
    let home = Home::new();
    let server = home.serve(&[]);
    let (code, told) = refused(&Home::new(), &["--listen", &server.address, "--corpus", "docs=docs"]);
    assert_eq!(code, 69, "{told}");
    assert!(told.contains(&server.address), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_health_is_asked_from_the_command_line() {
    let home = Home::new();
    let server = home.serve(&[]);
    let ask = |address: &str| home.command(&["healthcheck", "--listen", address]).output().unwrap().status.code();
    assert_eq!(ask(&server.address), Some(0));
    let address = server.address.clone();
    server.kill();
    assert_eq!(ask(&address), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_without_a_key_is_told_apart_from_one_nobody_knows() {
    let home = Home::new();
    let server = home.serve(&[]);
    let client = Client::of(&server);
    let asked =
        |provider: &str| json!({ "pattern": "search", "task": "How does it survive?", "provider_name": provider });
    let (status, problem) = client.post("/v1/workflows", &asked("openai")).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/provider_name")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("OPENAI_API_KEY"), "{problem}");
    let (status, problem) = client.post("/v1/workflows", &asked("nobody")).await;
    assert_eq!(status, 422, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("no provider is named"), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_changes_is_found_while_it_serves() {
    let home = Home::new();
    let server = home.serve(&[]);
    let client = Client::of(&server);
    let ask = json!({ "tool_name": "corpus_search", "tool_arguments": { "query": "lighthouse keeper" } });
    let found = async || client.post("/v1/tools/execute_registered_tool", &ask).await.1.to_string();
    assert!(!found().await.contains("Adeline"));
    std::fs::write(home.path("docs/keeper.md"), "# Keeper\n\nThe lighthouse keeper is called Adeline.\n").unwrap();
    let until = tokio::time::Instant::now() + crate::process::PATIENCE;
    while !found().await.contains("Adeline") {
        assert!(tokio::time::Instant::now() < until);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_others_reach_is_asked_for_its_health_here() {
    let home = Home::new();
    let server = home.serve(&[]);
    let port = server.address.rsplit(':').next().unwrap();
    let everywhere = format!("0.0.0.0:{port}");
    let asked = home.command(&["healthcheck", "--listen", &everywhere]).output().unwrap();
    assert_eq!(asked.status.code(), Some(0), "{}", String::from_utf8_lossy(&asked.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_settings_hold_for_requests_that_do_not_say() {
    let mut home = Home::new();
    home.variables.push(("ORCHESTRATOR_GATE__MODE", "mark".to_owned()));
    home.variables.push(("ORCHESTRATOR_TIMEOUTS__AGENT", "7s".to_owned()));
    home.variables.push(("ORCHESTRATOR_REPORT__FORMATS", "md,json".to_owned()));
    let server = home.serve(&[]);
    let body = json!({ "pattern": "search", "task": "How does a workflow survive a crash?", "num_agents": 1 });
    let (_, started) = Client::of(&server).post("/v1/workflows", &body).await;
    assert_eq!(started["config"]["citation_gate"], "mark", "{started}");
    assert_eq!(started["config"]["timeout_seconds"], 7.0);
    assert_eq!(started["config"]["document_formats"], json!(["markdown", "json"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_before_the_retention_is_taken_away() {
    let mut home = Home::new();
    let server = home.serve(&[]);
    let client = Client::of(&server);
    let id = client.start(1).await;
    assert_eq!(client.ended(&id).await["status"], "completed");
    server.kill();
    home.variables.push(("ORCHESTRATOR_STORE__RETENTION", "1ms".to_owned()));
    let server = home.serve(&[]);
    let client = Client::of(&server);
    let until = tokio::time::Instant::now() + crate::process::PATIENCE;
    while client.get(&format!("/v1/workflows/{id}")).await.0 != 404 {
        assert!(tokio::time::Instant::now() < until);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    while !client.text("/metrics").await.contains("\norchestrator_purged_workflows_total 1\n") {
        assert!(tokio::time::Instant::now() < until);
    }
}

/// Of two workflows that end the first is taken away, and the second stays.
async fn keeps_the_last(client: &Client) {
    let first = client.start(1).await;
    assert_eq!(client.ended(&first).await["status"], "completed");
    let second = client.start(1).await;
    assert_eq!(client.ended(&second).await["status"], "completed");
    let until = tokio::time::Instant::now() + crate::process::PATIENCE;
    while client.get(&format!("/v1/workflows/{first}")).await.0 != 404 {
        assert!(tokio::time::Instant::now() < until);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(client.get(&format!("/v1/workflows/{second}")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_that_have_ended_only_so_many_are_kept() {
    let mut home = Home::new();
    home.variables.push(("ORCHESTRATOR_STORE__ENDED_MAX", "1".to_owned()));
    let server = home.serve(&[]);
    let client = Client::of(&server);
    keeps_the_last(&client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_in_another_process_is_not_kept_longer() {
    let mut home = Home::new();
    let keeps_all = home.serve(&[]);
    home.variables.push(("ORCHESTRATOR_STORE__ENDED_MAX", "1".to_owned()));
    // It has looked for what to take away before anything ends, and does so by itself only every ten minutes.
    let _keeps_one = home.serve(&[]);
    let client = Client::of(&keeps_all);
    keeps_the_last(&client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_gone_is_told_what_to_do() {
    let server = Home::new().serve(&[]);
    let client = Client::of(&server);
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let (status, said) = client.post("/mcp", &list).await;
    assert_eq!(status, 406);
    assert!(said["error"]["message"].as_str().unwrap().contains("text/event-stream"), "{said}");
    let (status, said) = client.mcp_in("no-such-session", &list).await;
    assert_eq!(status, 404);
    assert!(said["error"]["message"].as_str().unwrap().contains("initialize"), "{said}");
}
