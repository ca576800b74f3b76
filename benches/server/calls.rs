//! CPU time of one MCP call beside the same answer from rmcp alone.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    child::Child,
    client::{Answer, Client, post},
    median,
    role::{Kind, Role},
};

/// The tool that is called: it reads what is registered and touches no store.
pub(crate) const TOOL: &str = "list_registered_tools";
/// Connections that stay open.
const CONNECTIONS: usize = 16;
/// Rounds, and calls of each server in a round.
const ROUNDS: (usize, usize) = (7, 4_000);
/// The same for a run that only has to work.
const QUICK: (usize, usize) = (2, 160);

/// Prints the table.
pub(crate) fn print(quick: bool) -> anyhow::Result<()> {
    let (rounds, calls) = if quick { QUICK } else { ROUNDS };
    println!(
        "tools/call of {TOOL}, 2026-07-28, {CONNECTIONS} connections; medians of {rounds} rounds of {calls} calls a server"
    );
    println!(
        "{:<14} {:>12} {:>14} {:>14} {:>7} {:>14}",
        "log lines", "answer bytes", "CPU us, ours", "CPU us, rmcp", "ratio", "wall us, ours"
    );
    for logs in [false, true] {
        row(logs, rounds, calls)?;
    }
    println!(
        "rmcp: the same version on a plain axum router, a tool that gives the same bytes from memory. CPU of the server's process."
    );
    println!("log lines: those our server writes by default, into nothing; rmcp alone writes none.");
    Ok(())
}

fn row(logs: bool, rounds: usize, calls: usize) -> anyhow::Result<()> {
    let runtime = crate::runtime()?;
    let mut ours = Child::start(&Role::Server { store: Kind::Memory, idle: 0, logs })?;
    let our_answer = runtime.block_on(once(ours.address()?))?;
    let mut bare = Child::start(&Role::Bare { answer: result(&our_answer)? })?;
    let bare_answer = runtime.block_on(once(bare.address()?))?;
    anyhow::ensure!(our_answer.body == bare_answer.body, "{our_answer:?} is not {bare_answer:?}");

    let (mut our_costs, mut bare_costs, mut ratios, mut walls) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // The first round of each is not counted.
    for round in 0..=rounds {
        let (our_cpu, our_wall) = runtime.block_on(measured(&mut ours, calls))?;
        let (bare_cpu, _) = runtime.block_on(measured(&mut bare, calls))?;
        if round > 0 {
            our_costs.push(our_cpu);
            bare_costs.push(bare_cpu);
            ratios.push(our_cpu / bare_cpu);
            walls.push(our_wall);
        }
    }
    println!(
        "{:<14} {:>12} {:>14.1} {:>14.1} {:>7.2} {:>14.1}",
        if logs { "as by default" } else { "none" },
        our_answer.body.len(),
        median(our_costs),
        median(bare_costs),
        median(ratios),
        median(walls),
    );
    ours.end()?;
    bare.end()
}

/// CPU and wall time of one call, in microseconds.
async fn measured(server: &mut Child, calls: usize) -> anyhow::Result<(f64, f64)> {
    let address = server.address()?;
    let before = server.cost()?;
    ask(address, Arc::new(request(address)), calls, 200).await?;
    let after = server.cost()?;
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let calls = calls as f64;
    Ok(((after.cpu_us - before.cpu_us) / calls, (after.wall_us - before.wall_us) / calls))
}

/// Sends one request so often, over as many connections as are open, each with one request at a time. The bodies' last.
pub(crate) async fn ask(address: SocketAddr, request: Arc<Vec<u8>>, times: usize, status: u16) -> anyhow::Result<()> {
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let request = Arc::clone(&request);
        connections.spawn(async move {
            let mut client = Client::connect(address).await?;
            for _ in 0..times / CONNECTIONS {
                let answer = client.ask(&request).await?;
                anyhow::ensure!(answer.status == status, "{answer:?}");
            }
            Ok(())
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    Ok(())
}

async fn once(address: SocketAddr) -> anyhow::Result<Answer> {
    let answer = Client::connect(address).await?.ask(&request(address)).await?;
    anyhow::ensure!(answer.status == 200, "{answer:?}");
    Ok(answer)
}

fn result(answer: &Answer) -> anyhow::Result<String> {
    let message: Value = serde_json::from_slice(&answer.body)?;
    Ok(message.get("result").context("no result")?.to_string())
}

fn request(address: SocketAddr) -> Vec<u8> {
    let headers = format!(
        "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {TOOL}\r\n"
    );
    let message = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": TOOL,
            "arguments": {},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
            },
        },
    });
    post(address, "/mcp", &headers, &message.to_string())
}
