//! A web application with the engine inside: submit over HTTP, ask how it goes, shut both down in order. To have
//! something to show, the program is also its own client.
//!
//! `cargo run --example axum_app`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use mcp_orchestrator::{Error, ExtractiveProvider, Handle, MemoryStore, Orchestrator, RequestDraft, WorkflowId};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

type Answer = Result<Json<Value>, (StatusCode, String)>;

async fn submit(State(handle): State<Handle>, Json(draft): Json<RequestDraft>) -> Answer {
    let id = handle.submit(draft).await.map_err(|error| refused(&error))?;
    Ok(Json(json!({ "id": id.as_str() })))
}

async fn report(State(handle): State<Handle>, Path(id): Path<String>) -> Answer {
    let id: WorkflowId = id.parse().map_err(|_| (StatusCode::NOT_FOUND, "no such workflow".to_owned()))?;
    // A client that hangs up drops this future: its wait ends, the workflow goes on.
    let results = handle.wait(&id).await.map_err(|error| refused(&error))?;
    let report = results.report().map_err(|error| refused(&error))?;
    Ok(Json(json!({ "sentences": report.sentences().map(|sentence| &sentence.text).collect::<Vec<_>>() })))
}

fn refused(error: &Error) -> (StatusCode, String) {
    let status = match error {
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Invalid(_) | Error::UnknownPattern { .. } | Error::UnknownProvider { .. } => StatusCode::BAD_REQUEST,
        Error::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, error.to_string())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    let builder = Orchestrator::builder(MemoryStore::new()).with_provider(ExtractiveProvider::new());
    let handle = builder.with_corpus("docs", docs).build()?.start();
    let routes = Router::new().route("/questions", post(submit)).route("/questions/{id}", get(report));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server =
        axum::serve(listener, routes.with_state(handle.clone())).with_graceful_shutdown(async { drop(stopped.await) });
    let server = tokio::spawn(server.into_future());

    let draft = serde_json::to_string(&RequestDraft::research("How does a workflow survive a crash?"))?;
    let id = ask(address, "POST /questions", &draft).await?["id"].as_str().unwrap_or_default().to_owned();
    println!("submitted {id}\n{:#}", ask(address, &format!("GET /questions/{id}"), "").await?);

    drop(stop);
    server.await??;
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}

async fn ask(address: SocketAddr, line: &str, body: &str) -> anyhow::Result<Value> {
    let mut stream = TcpStream::connect(address).await?;
    let head = "Host: here\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length:";
    stream.write_all(format!("{line} HTTP/1.1\r\n{head} {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(serde_json::from_str(answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default())?)
}
