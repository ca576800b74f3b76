//! Signals: what is running is given back, streams end with a final event, and the process ends well.

use std::time::{Duration, Instant};

use mcp_orchestrator_testkit::ModelServer;
use rustix::process::Signal;
use serde_json::json;

use crate::{
    client::{Client, Told},
    process::Home,
};

/// A model too slow for the workflow to end within the grace time of these tests.
const SLOW: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_is_given_back_and_goes_on_at_the_next_start() {
    for signal in [Signal::TERM, Signal::INT] {
        let model = ModelServer::thinking(SLOW);
        let mut home = Home::with_model(model.base_url());
        home.variables.push(("ORCHESTRATOR_SERVER__GRACE", "100ms".to_owned()));
        let server = home.serve(&[]);
        let client = Client::of(&server);
        let id = client.start(2).await;
        let mut stream = client.events(&id, None).await;
        let mut seen = vec![stream.next().await.unwrap()];
        while !seen.iter().any(|told| told.name == "decomposition_complete") {
            seen.push(stream.next().await.unwrap());
        }
        server.signal(signal);
        seen.extend(stream.rest().await);
        let last = seen.last().unwrap();
        assert_eq!(
            (last.name.as_str(), &last.data["data"]["reason"]),
            ("stream_closed", &json!("shutdown")),
            "{last:?}"
        );
        let log = server.log();
        assert_eq!(server.ended().code(), Some(0), "{log}");

        let server = home.serve(&[]);
        let client = Client::of(&server);
        assert_eq!(client.ended(&id).await["status"], "completed");
        seen.extend(client.events(&id, Some(&last.id.clone())).await.rest().await);
        let whole = client.events(&id, None).await.rest().await;
        let is_told = |told: &&Told| told.name != "stream_closed" || told.data["data"]["reason"] == "ended";
        let names = |told: &Told| (told.id.clone(), told.name.clone());
        let both: Vec<_> = seen.iter().filter(is_told).map(names).collect();
        assert_eq!(both, whole.iter().map(names).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_within_the_grace_time_ends_here() {
    let model = ModelServer::thinking(Duration::from_millis(50));
    let home = Home::with_model(model.base_url());
    let server = home.serve(&[]);
    let id = Client::of(&server).start(2).await;
    while model.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.signal(Signal::TERM);
    assert_eq!(server.ended().code(), Some(0));
    let calls = model.requests().len();
    let server = home.serve(&[]);
    let (_, view) = Client::of(&server).get(&format!("/v1/workflows/{id}")).await;
    assert_eq!(view["status"], "completed", "{view}");
    assert_eq!(model.requests().len(), calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_drains_new_work_is_refused_and_old_work_is_shown() {
    let model = ModelServer::thinking(SLOW);
    let home = Home::with_model(model.base_url());
    let server = home.serve(&[]);
    let client = Client::of(&server);
    let id = client.start(2).await;
    while model.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.signal(Signal::TERM);
    while client.get("/readyz").await.0 == 200 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let body = json!({ "pattern": "search", "task": "How does a workflow survive a crash?" });
    let (status, problem) = client.post("/v1/workflows", &body).await;
    assert_eq!((status, &problem["code"]), (503, &json!("draining")), "{problem}");
    let (status, view) = client.get(&format!("/v1/workflows/{id}")).await;
    assert_eq!((status, &view["status"]), (200, &json!("running")));
    // Asked a second time, it does not wait for the grace time.
    let asked = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.ended().code(), Some(130));
    println!("ended {} ms after the second signal", asked.elapsed().as_millis());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_hears_of_the_end_within_the_grace_time() {
    let model = ModelServer::thinking(Duration::from_millis(60));
    let home = Home::with_model(model.base_url());
    let server = home.serve(&[]);
    let client = Client::of(&server);
    let id = client.start(2).await;
    while model.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let waiting = tokio::spawn({
        let (client, wait) = (client.clone(), json!({ "task_id": id, "wait_seconds": 60 }));
        async move { client.post("/v1/tools/wait_for_orchestration", &wait).await }
    });
    // It has begun to wait before the server is asked to stop.
    while !client.get("/metrics").await.1.is_null() {}
    tokio::time::sleep(Duration::from_millis(20)).await;
    server.signal(Signal::TERM);
    let (status, view) = waiting.await.unwrap();
    assert_eq!((status, &view["status"]), (200, &json!("completed")), "{view}");
    assert_eq!(server.ended().code(), Some(0));
}

/// What a service manager is told, in order.
#[cfg(target_os = "linux")]
#[test]
fn the_service_manager_hears_when_it_is_ready_and_when_it_stops() {
    let mut home = Home::new();
    let socket = std::os::unix::net::UnixDatagram::bind(home.path("notify")).unwrap();
    socket.set_read_timeout(Some(crate::process::PATIENCE)).unwrap();
    home.variables.push(("NOTIFY_SOCKET", home.path("notify").display().to_string()));
    let server = home.serve(&[]);
    let told = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert!(told().contains("READY=1"));
    server.signal(Signal::TERM);
    assert!(told().contains("STOPPING=1"));
    assert_eq!(server.ended().code(), Some(0));
}
