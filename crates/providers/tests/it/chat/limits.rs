//! Silence, endlessness and leaving: every wait and every buffer has its end.

use std::time::Duration;

use mcp_orchestrator_domain::{Cost, FailureClass as Class};
use mcp_orchestrator_egress::{ClientSettings, HttpClient};
use mcp_orchestrator_providers::{
    Provider as _,
    http::{HttpProvider, HttpTimeouts},
};

use super::{
    ask, provider, run,
    server::{Act, Server, piece, stream, stream_head},
};

const SHORT: Duration = Duration::from_millis(120);
const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_silent_server_ends_at_the_heads_time_limit() {
    run(async {
        let mut server = Server::start(vec![vec![Act::Hang]]).await;
        let timeouts = HttpTimeouts { head: SHORT, idle: LONG, probe: LONG };
        let error = ask(&provider(&server).with_timeouts(timeouts).build().unwrap()).await.unwrap_err();
        assert_eq!((error.class(), error.status, error.cost), (Class::Timeout, None, Cost::Unknown));
        assert!(error.to_string().contains("the head of the answer took longer than 120 ms"), "{error}");
        server.saw_a_client_leave().await;
    });
}

#[test]
fn a_stalled_stream_ends_at_the_idle_time_limit() {
    run(async {
        let begun = piece(b"data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n");
        let mut server = Server::start(vec![vec![Act::Send([stream_head(), begun].concat()), Act::Hang]]).await;
        let timeouts = HttpTimeouts { head: LONG, idle: SHORT, probe: LONG };
        let error = ask(&provider(&server).with_timeouts(timeouts).build().unwrap()).await.unwrap_err();
        assert_eq!((error.class(), error.status), (Class::Timeout, Some(200)));
        server.saw_a_client_leave().await;
    });
}

#[test]
fn a_connection_that_never_stands_ends_at_its_own_time_limit_and_is_free() {
    run(async {
        // The server waits for HTTP while the client waits for the server's part of the TLS handshake.
        let server = Server::start(vec![vec![Act::Hang]]).await;
        let mut settings = ClientSettings::default();
        settings.connect_timeout = SHORT;
        let provider = HttpProvider::builder("lab", server.base_url().replace("http:", "https:"))
            .with_default_model("m1")
            .with_http(HttpClient::new(settings))
            .build()
            .unwrap();
        let error = ask(&provider).await.unwrap_err();
        assert_eq!((error.class(), error.cost), (Class::Timeout, Cost::FREE), "{error}");
    });
}

#[test]
fn a_probe_ends_at_its_time_limit() {
    run(async {
        let server = Server::start(vec![vec![Act::Hang]]).await;
        let timeouts = HttpTimeouts { head: LONG, idle: LONG, probe: SHORT };
        let error = provider(&server).with_timeouts(timeouts).build().unwrap().check().await.unwrap_err();
        assert_eq!(error.class(), Class::Timeout);
    });
}

#[test]
fn dropping_a_chat_closes_its_connection() {
    run(async {
        let begun = piece(b"data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n");
        for script in [vec![Act::Hang], vec![Act::Send([stream_head(), begun].concat()), Act::Hang]] {
            let mut server = Server::start(vec![script]).await;
            let provider = provider(&server).build().unwrap();
            tokio::select! {
                answer = ask(&provider) => panic!("it answered: {answer:?}"),
                () = server.asked() => {}
            }
            server.saw_a_client_leave().await;
        }
    });
}

#[test]
fn endless_events_and_endless_calls_are_refused() {
    run(async {
        let mut endless = stream_head();
        endless.extend(piece(b"data: "));
        for _ in 0..9 {
            endless.extend(piece(&vec![b'x'; 1024 * 1024]));
        }
        let server = Server::start(vec![vec![Act::Send(endless), Act::Hang]]).await;
        let error = ask(&provider(&server).build().unwrap()).await.unwrap_err();
        assert_eq!(error.class(), Class::Decode);

        let calls = (0..200)
            .map(|n| {
                format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":{n},"function":{{"name":"t"}}}}]}}}}]}}"#)
            })
            .collect::<Vec<_>>();
        let server = Server::saying(stream(&calls.iter().map(String::as_str).collect::<Vec<_>>())).await;
        let error = ask(&provider(&server).build().unwrap()).await.unwrap_err();
        assert_eq!(error.class(), Class::Decode);
        assert!(error.to_string().contains("128 tool calls"), "{error}");
    });
}
