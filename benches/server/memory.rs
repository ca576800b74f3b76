//! Memory of the server for what is open and idle: readers of events, and sessions of older MCP clients.

use std::net::SocketAddr;

use serde_json::json;

use crate::{
    child::Child,
    client::{Client, IdleReader, post},
    idle,
    role::{Kind, Role, raise_open_files},
};

/// Readers between which memory is compared, and the same of sessions.
const FULL: ([usize; 2], [usize; 2]) = ([1_000, 10_000], [100, 1_000]);
/// The same for a run that only has to work.
const QUICK: ([usize; 2], [usize; 2]) = ([10, 100], [10, 100]);
/// Open files beside the readers' connections.
const FILES_BESIDE: usize = 500;

/// Prints the table.
pub(crate) fn print(quick: bool) -> anyhow::Result<()> {
    let files = usize::try_from(raise_open_files()?).unwrap_or(usize::MAX);
    let (readers, sessions) = if quick { QUICK } else { FULL };
    let runtime = crate::runtime()?;
    println!("memory of the server's process (RSS), by what is open and idle");
    println!("{:<32} {:>10} {:>12} {:>12} {:>10}", "what", "from, to", "kB at first", "kB at last", "kB each");
    if readers[1] + FILES_BESIDE > files {
        println!("readers: left out, this process may have {files} open files");
    } else {
        let server = Child::start(&Role::Server { store: Kind::Memory, idle: readers[1], logs: false })?;
        let address = server.address()?;
        let mut open = Vec::with_capacity(readers[1]);
        row("SSE reader of its own workflow", readers, &server, |number| {
            runtime.block_on(async {
                open.push(IdleReader::open(address, &idle::id(number)?).await?);
                Ok(())
            })
        })?;
        drop(open);
        server.end()?;
    }
    let server = Child::start(&Role::Server { store: Kind::Memory, idle: 0, logs: false })?;
    let address = server.address()?;
    let mut client = runtime.block_on(Client::connect(address))?;
    row("MCP session of 2025-11-25", sessions, &server, |_| runtime.block_on(session(address, &mut client)))?;
    server.end()
}

/// Opens as many as the second number says, and compares what the server holds then with what it held at the first.
fn row(
    what: &str,
    [from, to]: [usize; 2],
    server: &Child,
    mut open: impl FnMut(usize) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    (0..from).try_for_each(&mut open)?;
    let first = server.rss_kb()?;
    (from..to).try_for_each(&mut open)?;
    let last = server.rss_kb()?;
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let each = (last - first) / (to - from) as f64;
    println!("{what:<32} {:>10} {first:>12.0} {last:>12.0} {each:>10.1}", format!("{from}, {to}"));
    Ok(())
}

/// Opens a session as clients of older versions do. It stays when the connection serves the next one.
async fn session(address: SocketAddr, client: &mut Client) -> anyhow::Result<()> {
    let accept = "Accept: application/json, text/event-stream\r\n";
    let message = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "bench", "version": "1" },
        },
    });
    let answer = client.ask(&post(address, "/mcp", accept, &message.to_string())).await?;
    let id = answer.header("mcp-session-id").map(str::to_owned);
    let Some(id) = id.filter(|_| answer.status == 200) else { anyhow::bail!("no session: {answer:?}") };
    let headers = format!("{accept}Mcp-Session-Id: {id}\r\nMCP-Protocol-Version: 2025-11-25\r\n");
    let message = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let answer = client.ask(&post(address, "/mcp", &headers, &message.to_string())).await?;
    anyhow::ensure!(answer.status == 202, "{answer:?}");
    Ok(())
}
