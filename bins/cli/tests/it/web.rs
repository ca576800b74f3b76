//! Agents ask search services: only when the operator says so, each kind its own, and the report cites what they answered.

use crate::{
    canned::{Canned, problem},
    setup::{Home, read},
};

const QUESTION: &str = "How does a workflow survive a crash?";

const ARXIV: &str = r#"<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>http://arxiv.org/abs/2401.01234v1</id>
<published>2024-01-03T18:00:00Z</published><title>Workflows and their logs</title>
<summary>A workflow survives a crash because every event of it is appended to a durable log first.</summary>
<author><name>Ada Byron</name></author></entry></feed>"#;

const CROSSREF: &str = r#"{"status":"ok","message":{"items":[{"DOI":"10.5555/resume","title":["How a workflow survives a crash"],
"abstract":"<jats:p>After a crash the workflow survives as a log that another worker reads and continues.</jats:p>",
"author":[{"given":"Emmy","family":"Noether"}],"issued":{"date-parts":[[2023]]}}]}}"#;

const STACK: &str = r#"{"items":[{"title":"Does a workflow survive a crash?","question_id":7,"answer_id":9,
"body":"<p>A workflow survives a crash when each step is idempotent and its log is kept.</p>"}],"quota_remaining":200}"#;

const GITHUB: &str = r#"{"items":[{"full_name":"byron/logs","html_url":"https://github.com/byron/logs","description":"A workflow engine that lets a workflow survive a crash"}]}"#;

fn services() -> Canned {
    Canned::start(|head| {
        let path = head.split(' ').nth(1).unwrap_or("");
        let body = match path.split('?').next().unwrap_or("") {
            "/api/query" => ARXIV,
            "/works" => CROSSREF,
            "/search/excerpts" => STACK,
            "/search/repositories" => GITHUB,
            _ => return problem(404, "not_found", ""),
        };
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    })
}

/// Settings that lead every service that is on to the test's own.
fn settings(services: &Canned, enabled: &str, more: &str) -> String {
    let mut text = format!("[sources]\n{enabled}contact = \"ops@example.org\"\n{more}");
    for name in ["arxiv", "crossref", "stack_overflow", "github", "europe_pmc", "hacker_news", "wikipedia"] {
        text += &format!("[sources.{name}]\nbase_url = \"{}\"\nrequests_per_minute = 60000\n", services.url());
    }
    text
}

#[test]
fn a_search_cites_what_the_services_of_its_agents_answered() {
    let (home, services) = (Home::new(), services());
    let enabled = "enabled = [\"arxiv\", \"crossref\", \"stack_overflow\", \"github\"]\n";
    home.write("web.toml", &settings(&services, enabled, ""));
    let asked = [
        "search",
        QUESTION,
        "--types",
        "academic,technical",
        "--agents",
        "2",
        "--format",
        "md,json",
        "--config",
        "web.toml",
    ];
    let ran = home.run(&asked).ended(0);
    assert!(ran.err.contains("agents ask arXiv, Crossref, Stack Overflow, GitHub; their search words"), "{}", ran.err);
    for cited in ["https://arxiv.org/abs/2401.01234v1", "https://doi.org/10.5555/resume"] {
        assert!(ran.out.contains(cited), "{cited} is not in {}", ran.out);
    }
    assert!(ran.out.contains("appended to a durable log first"), "{}", ran.out);
    services.saw("/api/query?search_query=");
    services.saw("/search/excerpts?");
    let report = home.names("reports").into_iter().find(|name| name.ends_with(".json")).unwrap();
    home.run(&["verify", &format!("reports/{report}")]).ended(0);
    assert!(read(&home.path(&format!("reports/{report}"))).contains("https://arxiv.org/abs/2401.01234v1"));
}

#[test]
fn an_agent_asks_the_services_of_its_kind_and_no_others() {
    let (home, services) = (Home::new(), services());
    let enabled = "enabled = [\"arxiv\", \"crossref\", \"stack_overflow\", \"github\"]\n";
    home.write("web.toml", &settings(&services, enabled, ""));
    let academic = ["search", QUESTION, "--types", "academic", "--agents", "1", "--config", "web.toml"];
    home.run(&academic).ended(0);
    let asked = services.asked().join("\n");
    assert!(asked.contains("/api/query") && asked.contains("/works"), "{asked}");
    assert!(!asked.contains("/search/"), "{asked}");

    let services = self::services();
    home.write("web.toml", &settings(&services, enabled, "types.academic = [\"github\"]\n"));
    home.run(&academic).ended(0);
    let asked = services.asked().join("\n");
    assert!(asked.contains("/search/repositories") && !asked.contains("/works"), "the operator's table: {asked}");
}

#[test]
fn nothing_leaves_the_machine_until_the_operator_says_so() {
    let (home, services) = (Home::with_docs(), services());
    home.write("web.toml", &settings(&services, "", ""));
    let searched = ["search", QUESTION, "--agents", "2", "--corpus", "docs", "--config", "web.toml"];
    assert!(home.run(&searched).ended(0).out.contains("durable log"));
    assert!(services.asked().is_empty(), "{:?}", services.asked());
    let without = ["search", QUESTION, "--provider", "extractive", "--config", "web.toml"];
    assert!(home.run(&without).ended(65).err.contains("--web"));
}

#[test]
fn a_service_that_refuses_costs_its_results_and_not_the_report() {
    let home = Home::new();
    let services = Canned::start(|head| {
        if head.starts_with("GET /works") {
            return format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{CROSSREF}", CROSSREF.len());
        }
        problem(429, "busy", "retry-after: 3600\r\n")
    });
    home.write("web.toml", &settings(&services, "enabled = [\"arxiv\", \"crossref\"]\n", ""));
    let ran = home.run(&["research", QUESTION, "--agents", "2", "--config", "web.toml"]).ended(0);
    assert!(ran.out.contains("https://doi.org/10.5555/resume"), "{}", ran.out);
    let arxiv = services.asked().iter().filter(|line| line.contains("/api/query")).count();
    assert_eq!(arxiv, 1, "one refusal parks the service for all agents");
}

#[test]
fn tools_are_listed_with_what_they_need_and_who_has_them() {
    let home = Home::new();
    let state = |tools: &[serde_json::Value], name: &str| {
        let all = tools[0]["tools"].as_array().unwrap();
        all.iter().find(|tool| tool["name"] == name).unwrap()["state"].as_str().unwrap().to_owned()
    };
    let off = home.run(&["tools", "--json"]).ended(0).json_lines();
    assert_eq!(state(&off, "arxiv_search"), "off");
    assert_eq!(state(&off, "wikipedia_search"), "needs a contact");
    assert_eq!(state(&off, "brave_search"), "needs a key");
    assert_eq!(state(&off, "searxng_search"), "needs an address");
    let set = [("ORCHESTRATOR_SOURCES__ENABLED", "all"), ("ORCHESTRATOR_SOURCES__BRAVE__API_KEY", "very-secret")];
    let ran = home.run_with(&set, &["tools", "--json"]).ended(0);
    assert!(!ran.out.contains("very-secret"));
    let on = ran.json_lines();
    assert_eq!([state(&on, "arxiv_search"), state(&on, "brave_search")], ["on", "on"]);
    let arxiv = on[0]["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "arxiv_search").unwrap();
    assert_eq!(arxiv["types"], serde_json::json!(["academic"]));
}

#[test]
fn a_service_that_is_named_and_lacks_something_is_refused_by_its_setting() {
    let home = Home::new();
    let cases = [
        ("ORCHESTRATOR_SOURCES__ENABLED", "wikipedia", "`sources.contact` must be set"),
        ("ORCHESTRATOR_SOURCES__ENABLED", "brave", "`sources.brave.api_key` must be set"),
        ("ORCHESTRATOR_SOURCES__ENABLED", "arxvi", "\"arxvi\", which is no source"),
        ("ORCHESTRATOR_SOURCES__CONTACT", "nobody", "neither an e-mail address"),
        ("ORCHESTRATOR_SOURCES__NOBODY__BASE_URL", "http://127.0.0.1:1", "no source"),
        ("ORCHESTRATOR_SOURCES__TYPES__ACADEMICS", "arxiv", "no kind of agent"),
    ];
    for (variable, value, said) in cases {
        let ran = home.run_with(&[(variable, value)], &["tools"]).ended(78);
        assert!(ran.err.contains(said), "{variable}={value}: {}", ran.err);
    }
}
