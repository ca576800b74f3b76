//! Providers made on demand: made once, kept while they are used, over one pool of connections.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::{cell::Cell, sync::Arc, time::Duration};

use mcp_orchestrator_providers::{
    Provider,
    clients::Clients,
    http::{HttpProvider, InvalidHttpProvider},
};
use mcp_orchestrator_testkit::provider_suite::{
    Pieces, ask,
    server::{Server, json},
};

const WELL: &str = r#"{"choices":[{"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}]}"#;

fn made(clients: &Clients, name: &str, base: &str, count: &Cell<usize>) -> Arc<dyn Provider> {
    let made = clients.find_or_make(name, |pool| -> Result<Arc<dyn Provider>, InvalidHttpProvider> {
        count.set(count.get() + 1);
        let builder = HttpProvider::builder("lab", base).with_default_model("m1").with_key("k".into());
        Ok(Arc::new(builder.with_http(pool).build()?))
    });
    made.unwrap()
}

#[test]
fn thirty_two_are_kept_for_an_hour_and_made_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (clients, count) = (Clients::default(), Cell::new(0));
        for _ in 0..3 {
            made(&clients, "first", "http://127.0.0.1:1", &count);
        }
        assert_eq!(count.get(), 1);
        for number in 0..40 {
            made(&clients, "first", "http://127.0.0.1:1", &count);
            made(&clients, &number.to_string(), "http://127.0.0.1:1", &count);
        }
        assert_eq!((count.get(), clients.len()), (41, 32), "the one that is used stays");
        tokio::time::advance(Duration::from_hours(1) - Duration::from_millis(1)).await;
        made(&clients, "first", "http://127.0.0.1:1", &count);
        assert_eq!(count.get(), 41);
        tokio::time::advance(Duration::from_millis(1)).await;
        made(&clients, "first", "http://127.0.0.1:1", &count);
        assert_eq!(count.get(), 42);
    });
}

#[test]
fn different_ones_share_connections() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::saying(json(200, WELL)).await;
        let (clients, count) = (Clients::default(), Cell::new(0));
        for name in ["one", "two", "three"] {
            let provider = made(&clients, name, &server.base_url(), &count);
            ask(&*provider, &mut Pieces::default()).await.unwrap();
        }
        assert_eq!((count.get(), server.connections()), (3, 1));
    });
}
