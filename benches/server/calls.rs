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
        "tools/call of {TOOL}, 2026-07-28, {CONNECTIONS} connections, medians of {rounds} rounds of {calls} calls each"
    );
    let runtime = crate::runtime()?;
    let server = |logs| Role::Server { store: Kind::Memory, idle: 0, logs };
    let ours = Child::start(&server(false))?;
    let answer = runtime.block_on(once(ours.address()?))?;
    let mut servers = [
        ("rmcp alone", Child::start(&Role::Bare { answer: result(&answer)? })?, Vec::new()),
        ("our MCP service alone", Child::start(&Role::Mounted)?, Vec::new()),
        ("the server, without log lines", ours, Vec::new()),
        ("the server, as by default", Child::start(&server(true))?, Vec::new()),
    ];
    for (name, child, _) in &servers {
        let same = runtime.block_on(once(child.address()?))?;
        anyhow::ensure!(same.body == answer.body, "{name}: {same:?} is not {answer:?}");
    }
    // The first round is not counted.
    for round in 0..=rounds {
        for (_, child, costs) in &mut servers {
            let cost = runtime.block_on(measured(child, calls))?;
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    println!("{:<30} {:>12} {:>8} {:>8} {:>8}", "", "answer bytes", "CPU us", "x rmcp", "wall us");
    let alone: Vec<f64> = servers[0].2.iter().map(|(cpu, _)| *cpu).collect();
    for (name, child, costs) in servers {
        let ratio = median(costs.iter().zip(&alone).map(|((cpu, _), alone)| cpu / alone));
        let (cpu, wall) = (median(costs.iter().map(|(cpu, _)| *cpu)), median(costs.iter().map(|(_, wall)| *wall)));
        println!("{name:<30} {:>12} {cpu:>8.1} {ratio:>8.2} {wall:>8.1}", answer.body.len());
        child.end()?;
    }
    println!(
        "CPU of the server's process for a call, kernel included; wall: time by the number of calls, 16 under way."
    );
    println!("rmcp alone: the same version on a plain axum router, a tool that gives the same bytes from memory.");
    Ok(())
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
