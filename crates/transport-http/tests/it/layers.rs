//! What every request passes: ids, hosts, origins, sizes, rates.

use std::time::Duration;

use mcp_orchestrator_domain::Principal;
use mcp_orchestrator_testkit::ScriptedProvider;
use mcp_orchestrator_transport_http::{Authenticate, Authentication, Identity, Rate, Refused, Settings};

use crate::{
    client::{ask, exchange, raw},
    setting::{research, site, site_with, start},
};

#[tokio::test]
async fn a_request_id_is_taken_over_or_made() {
    let site = site().await;
    let answer = site.get_with("/nowhere", &[("X-Request-ID", "my-id.1")]).await;
    assert_eq!(answer.problem(404)["request_id"], "my-id.1");
    for refused in ["", "two words", &"x".repeat(65)] {
        let answer = site.get_with("/livez", &[("X-Request-ID", refused)]).await;
        let made = answer.header("x-request-id").unwrap();
        assert!(made.starts_with("req_") && made.len() == 36, "{made}");
    }
    site.stop().await;
}

#[tokio::test]
async fn only_known_hosts_are_answered() {
    let site = site_with(Settings { hosts: vec!["Research.Example".to_owned()], ..Settings::default() }).await;
    let port = site.address.port();
    for host in ["localhost", "LOCALHOST.", "127.0.0.1", "[::1]", "research.example"] {
        assert_eq!(site.get_with("/livez", &[("Host", &format!("{host}:{port}"))]).await.status, 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1"] {
        let problem = site.get_with("/v1/patterns", &[("Host", host)]).await.problem(403);
        assert_eq!(problem["code"], "host_not_allowed", "{host}");
    }
    raw(site.address, b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n").await.problem(400);
    let two = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    raw(site.address, two).await.problem(400);
    site.stop().await;
}

#[tokio::test]
async fn only_pages_of_known_origins_may_call() {
    let site = site_with(Settings { origins: vec!["https://app.example/".to_owned()], ..Settings::default() }).await;
    for origin in ["https://app.example", "http://localhost:3000", "http://127.0.0.1:8080"] {
        let answer = site.get_with("/v1/patterns", &[("Origin", origin)]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(origin)));
        assert!(answer.headers.iter().any(|(name, value)| name == "vary" && value == "origin"));
    }
    for origin in ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"] {
        let answer = site.get_with("/v1/patterns", &[("Origin", origin)]).await;
        assert_eq!(answer.problem(403)["code"], "origin_not_allowed", "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert_eq!(site.get("/v1/patterns").await.header("access-control-allow-origin"), None);
    site.stop().await;
}

#[tokio::test]
async fn a_preflight_is_answered_for_known_origins_alone() {
    let site = site().await;
    let asks = |origin| [("Origin", origin), ("Access-Control-Request-Method", "POST")];
    let answer = ask(site.address, "OPTIONS", "/v1/workflows", &asks("http://localhost:3000"), b"").await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("idempotency-key"));
    let mut asks_mcp = asks("http://localhost:3000").to_vec();
    asks_mcp.push(("Access-Control-Request-Headers", "mcp-method, Mcp-Param-Region, x-else, mcp-param-a b"));
    let allowed = async |path: &str| {
        let answer = ask(site.address, "OPTIONS", path, &asks_mcp, b"").await;
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("mcp-session-id") && exposed.contains("x-request-id"));
        answer.header("access-control-allow-headers").unwrap().split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    let (mcp, others) = (allowed("/mcp").await, allowed("/v1/workflows").await);
    for name in ["mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id", "mcp-param-region"] {
        assert!(mcp.iter().any(|known| known == name), "{name} in {mcp:?}");
    }
    assert!(!mcp.iter().any(|name| name == "x-else" || name.contains(' ')), "{mcp:?}");
    assert!(!others.iter().any(|name| name.starts_with("mcp-param-")), "{others:?}");
    ask(site.address, "OPTIONS", "/v1/workflows", &asks("https://evil.example"), b"").await.problem(403);
    site.stop().await;
}

#[tokio::test]
async fn answers_forbid_guessing_framing_and_running() {
    let site = site().await;
    for path in ["/v1/patterns", "/nowhere"] {
        let answer = site.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
    }
    site.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_it_is_sent() {
    let site = site_with(Settings { body_bytes_max: 1_000, ..Settings::default() }).await;
    let json = [("Content-Type", "application/json")];
    let large = vec![b' '; 3_000];
    let problem = ask(site.address, "POST", "/v1/workflows", &json, &large).await.problem(413);
    assert_eq!(problem["code"], "body_too_large");
    let head = format!(
        "POST /v1/workflows HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        site.address
    );
    let chunked = [head.as_bytes(), b"bb8\r\n", &large, b"\r\n0\r\n\r\n"].concat();
    raw(site.address, &chunked).await.problem(413);
    let expects = format!(
        "POST /v1/workflows HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n",
        site.address
    );
    raw(site.address, expects.as_bytes()).await.problem(413);
    site.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let settings = Settings { body_deadline: Duration::from_millis(50), ..Settings::default() };
    let site = site_with(settings).await;
    let slow = format!("POST /v1/workflows HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\n{{", site.address);
    assert_eq!(raw(site.address, slow.as_bytes()).await.problem(408)["code"], "request_timeout");
    site.stop().await;
}

#[tokio::test]
async fn what_is_refused_before_its_body_is_read_says_that_the_connection_closes() {
    let site = site().await;
    let post = |origin: &str| {
        format!(
            "POST /v1/workflows HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\n\r\n{{}}"
        )
    };
    let refused = exchange(site.address, post("https://evil.example").as_bytes()).await;
    let refused = String::from_utf8(refused).unwrap().to_lowercase();
    assert!(refused.starts_with("http/1.1 403") && refused.contains("connection: close"), "{refused}");
    // Two on one connection: an answer to a body that was read leaves it open.
    let two =
        format!("{}GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", post("http://localhost"));
    let both = String::from_utf8(exchange(site.address, two.as_bytes()).await).unwrap();
    assert!(both.contains("HTTP/1.1 422") && both.contains("HTTP/1.1 200"), "{both}");
    site.stop().await;
}

#[tokio::test]
async fn a_flood_is_told_when_to_come_again_and_health_still_answers() {
    let writes = Some(Rate { per_second: 1, burst: 5 });
    let site = site_with(Settings { writes, ..Settings::default() }).await;
    let mut limited = 0;
    for _ in 0..20 {
        let answer = site.post("/v1/workflows", &research()).await;
        if answer.status == 202 {
            continue;
        }
        assert_eq!(answer.problem(429)["code"], "too_many_requests");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.header("ratelimit-policy"), Some("\"writes\";q=5;w=5"));
        limited += 1;
    }
    assert!(limited >= 10, "{limited}");
    for path in ["/livez", "/readyz", "/health", "/metrics", "/v1/workflows"] {
        assert_eq!(site.get(path).await.status, 200, "{path}");
    }
    let metrics = site.get("/metrics").await.text();
    assert!(
        metrics.contains(&format!("orchestrator_http_rate_limited_total{{kind=\"writes\"}} {limited}")),
        "{metrics}"
    );
    site.stop().await;
}

/// Believes whoever says a name.
#[derive(Debug)]
struct ByName;

impl Authenticate for ByName {
    fn authenticate<'a>(&'a self, head: &'a http::request::Parts) -> Authentication<'a> {
        Box::pin(async move {
            let name = head.headers.get("x-name").and_then(|name| name.to_str().ok());
            name.map(|name| Identity::proved(Principal::named(name))).ok_or(Refused::new("say your name"))
        })
    }
}

#[tokio::test]
async fn what_is_anothers_is_unknown_and_who_is_nobody_is_refused() {
    let site = start(Settings::default(), ScriptedProvider::obliging(2), |http| http.with_authentication(ByName)).await;
    assert_eq!(site.get("/v1/workflows").await.problem(401)["detail"], "say your name");
    let answer = site.post_with("/v1/workflows", &research(), &[("X-Name", "ann")]).await;
    let id = answer.json()["task_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/workflows/{id}");
    assert_eq!(site.get_with(&path, &[("X-Name", "ann")]).await.status, 200);
    for path in [path.clone(), format!("{path}/events"), format!("{path}/results"), format!("/stream/{id}")] {
        site.get_with(&path, &[("X-Name", "bob")]).await.problem(404);
    }
    site.stop().await;
}

#[tokio::test]
async fn who_is_refused_too_often_is_turned_away_before_it_is_looked_at_and_probes_need_no_name() {
    let writes = Some(Rate { per_second: 1, burst: 3 });
    let settings = Settings { writes, ..Settings::default() };
    let site = start(settings, ScriptedProvider::obliging(2), |http| http.with_authentication(ByName)).await;
    for path in ["/livez", "/readyz", "/health"] {
        assert_eq!(site.get(path).await.status, 200, "{path}");
    }
    for _ in 0..50 {
        assert_eq!(
            site.get_with("/v1/workflows", &[("X-Name", "ann")]).await.status,
            200,
            "who is known is not counted"
        );
    }
    let mut statuses = Vec::new();
    for path in ["/metrics", "/v1/workflows"].iter().cycle().take(20) {
        statuses.push(site.get(path).await.status);
    }
    assert_eq!(statuses[..3], [401; 3]);
    assert!(statuses.contains(&429), "{statuses:?}");
    let turned_away = loop {
        // Each is refused, or turned away: as soon as one is, the next is not even looked at.
        site.get("/v1/workflows").await;
        let answer = site.get_with("/v1/workflows", &[("X-Name", "guessed")]).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert!(turned_away.problem(429)["code"] == "too_many_requests" && turned_away.header("retry-after").is_some());
    for path in ["/livez", "/readyz", "/health"] {
        assert_eq!(site.get(path).await.status, 200, "{path}");
    }
    site.stop().await;
}
