//! Health, counters, and what the server says of itself.

use std::time::Duration;

use mcp_orchestrator::domain::{Cost, Money, Usage};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};
use mcp_orchestrator_transport_http::Settings;
use serde_json::{Value, json};

use crate::{
    setting::{held_site, site, start, start_over},
    sick_store::{Sickness, sick_store},
};

#[tokio::test]
async fn a_server_that_drains_lives_and_is_not_ready() {
    let site = site().await;
    assert_eq!(site.get("/livez").await.status, 200);
    assert_eq!(site.get("/readyz").await.status, 200);
    assert_eq!(site.get("/health").await.json()["status"], "ok");
    site.drain.begin();
    assert_eq!(site.get("/livez").await.status, 200);
    assert_eq!(site.get("/v1/workflows").await.status, 200);
    assert_eq!(site.get("/readyz").await.problem(503)["code"], "draining");
    assert_eq!(site.get("/health").await.json()["status"], "draining");
    site.stop().await;
}

#[tokio::test]
async fn health_says_what_the_store_promises() {
    let site = site().await;
    site.completed().await;
    let health = site.get("/health").await.json();
    assert_eq!(health["store"]["kind"], "memory");
    assert_eq!(health["store"]["workflows"], 1);
    assert!(health["store"]["durability"].as_str().is_some_and(|words| !words.is_empty()), "{health}");
    assert_eq!(health["active_streams"], 0);
    site.stop().await;
}

#[tokio::test]
async fn ends_are_counted_by_pattern_and_status() {
    let site = site().await;
    site.metrics.workflow_ended("beltalowda", "completed", Some(Duration::from_secs(400)));
    site.metrics.workflow_ended("beltalowda", "failed", None);
    site.metrics.workflow_ended("a name nobody registered", "cancelled", None);
    let text = site.get("/metrics").await.text();
    for line in [
        "# TYPE mcp_workflows_total counter",
        "mcp_workflows_total{orchestrator_type=\"beltalowda\",status=\"completed\"} 1",
        "mcp_workflows_total{orchestrator_type=\"beltalowda\",status=\"failed\"} 1",
        "mcp_workflows_total{orchestrator_type=\"other\",status=\"cancelled\"} 1",
        "# TYPE mcp_workflow_duration_seconds histogram",
        "mcp_workflow_duration_seconds_bucket{le=\"300.0\",orchestrator_type=\"beltalowda\"} 0",
        "mcp_workflow_duration_seconds_bucket{le=\"600.0\",orchestrator_type=\"beltalowda\"} 1",
        "mcp_active_workflows 0",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    }
    site.stop().await;
}

#[tokio::test]
async fn what_models_cost_is_counted_by_provider_model_and_kind() {
    let cent = Money::from_usd(0.01).unwrap();
    let provider = ScriptedProvider::new(move |asked| {
        let usage = Usage { input: 90, cached: 40, output: 10, ..Usage::default() };
        let cost = match asked.step() {
            "planner" => Cost::Reported(cent),
            "camina" => Cost::Unknown,
            _ => Cost::Estimated(cent),
        };
        Act::Bill(usage, cost, Box::new(Act::Say(obliging(asked, 2))))
    });
    let site = start(Settings::default(), provider, |http| http).await;
    let id = site.completed().await;
    let text = site.get("/metrics").await.text();
    let of = "provider=\"scripted\",model=\"scripted-1\"";
    for line in [
        format!("orchestrator_model_calls_total{{{of},outcome=\"answered\",reason=\"\"}} 4"),
        format!("orchestrator_model_tokens_total{{{of},kind=\"input\"}} 360"),
        format!("orchestrator_model_tokens_total{{{of},kind=\"cached\"}} 160"),
        format!("orchestrator_model_tokens_total{{{of},kind=\"output\"}} 40"),
        format!("orchestrator_model_cost_usd_total{{{of},basis=\"reported\"}} 0.01"),
        format!("orchestrator_model_cost_usd_total{{{of},basis=\"estimated\"}} 0.02"),
        format!("orchestrator_model_unknown_cost_calls_total{{{of}}} 1"),
        format!("orchestrator_model_parked_seconds_total{{{of}}} 0.0"),
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    }
    let status = site.get(&format!("/v1/workflows/{id}")).await.json();
    assert!(status["progress"]["cost_usd"].is_null() && status["result"]["total_cost"].is_null(), "{status}");
    let results = site.get(&format!("/v1/workflows/{id}/results")).await.json();
    let costs: Vec<_> = results["agent_results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (&step["cost"], &step["cost_is_estimate"]))
        .collect();
    assert_eq!(costs[0], (&json!(0.01), &Value::Null), "{results}");
    assert_eq!(costs[1], (&json!(0.01), &json!(true)), "{results}");
    site.stop().await;
}

#[tokio::test]
async fn what_is_taken_away_is_counted() {
    let site = site().await;
    let counted = async |workflows: u64, blobs: u64| {
        let text = site.get("/metrics").await.text();
        for line in [
            format!("orchestrator_purged_workflows_total {workflows}"),
            format!("orchestrator_purged_blobs_total {blobs}"),
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in {text}");
        }
    };
    counted(0, 0).await;
    site.metrics.purged(2, 0);
    site.metrics.purged(1, 5);
    counted(3, 5).await;
    site.stop().await;
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let site = held_site(Settings::default()).await;
    let id = site.started().await;
    site.get(&format!("/v1/workflows/{id}")).await;
    site.get("/v1/workflows/research_0123456789abcdef").await;
    site.get("/a/path/nobody/serves").await;
    let text = site.get("/metrics").await.text();
    let counted = |route: &str, status: &str| {
        format!("orchestrator_http_requests_total{{method=\"GET\",route=\"{route}\",status=\"{status}\"}} 1")
    };
    for line in
        [counted("/v1/workflows/{id}", "2xx"), counted("/v1/workflows/{id}", "4xx"), counted("unmatched", "4xx")]
    {
        assert!(text.contains(&line), "{line} in {text}");
    }
    assert!(!text.contains(&id) && !text.contains("nobody"), "{text}");
    site.stop().await;
}

#[tokio::test]
async fn every_counter_has_help_and_both_forms_are_well_formed() {
    let site = site().await;
    let classic = site.get("/metrics").await;
    assert_eq!(classic.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let classic = classic.text();
    assert!(!classic.contains("# EOF"));
    let open = site.get_with("/metrics", &[("Accept", "application/openmetrics-text; version=1.0.0")]).await;
    assert!(open.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(open.text().ends_with("# EOF\n"));
    for line in classic.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        for kind in ["HELP", "TYPE"] {
            let of_family = format!("# {kind} {family} ");
            assert!(classic.lines().any(|line| line.starts_with(&of_family)), "{of_family}");
        }
    }
    site.stop().await;
}

#[tokio::test]
async fn a_workflow_that_ends_is_counted_without_anybody_asking() {
    let site = site().await;
    let id = site.completed().await;
    let line = "mcp_workflows_total{orchestrator_type=\"beltalowda\",status=\"completed\"} 1";
    while !site.get("/metrics").await.text().contains(line) {}
    assert!(!id.is_empty());
    site.stop().await;
}

#[tokio::test]
async fn a_store_that_is_gone_is_told_as_what_it_is() {
    let store = sick_store();
    let settings = Settings { request_deadline: Duration::from_millis(50), ..Settings::default() };
    let site = start_over(store.clone(), settings, ScriptedProvider::obliging(2), |http| http).await;
    store.tap.fall(Sickness::Fails);
    let answer = site.get("/v1/workflows").await;
    assert_eq!(answer.problem(503)["code"], "unavailable");
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(site.get("/readyz").await.problem(503)["code"], "unavailable");
    assert_eq!(site.get("/livez").await.status, 200);
    store.tap.fall(Sickness::Hangs);
    assert_eq!(site.get("/v1/workflows").await.problem(504)["code"], "timeout");
    store.tap.fall(Sickness::None);
    assert_eq!(site.get("/v1/workflows").await.status, 200);
    site.stop().await;
}
