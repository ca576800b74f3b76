//! `healthcheck`: asks a running server whether it is ready. For containers without a shell.

use std::{net::IpAddr, process::ExitCode, time::Duration};

use mcp_orchestrator_egress::{BaseUrl, HttpClient, Request};

use crate::{setup::Setup, stop::Stop};

/// How long the server may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

pub(crate) async fn ask(setup: &Setup) -> Result<ExitCode, Stop> {
    let Some(mut address) = setup.listen else { return Ok(ExitCode::FAILURE) };
    // A server that listens everywhere is asked here.
    if address.ip().is_unspecified() {
        let local: IpAddr =
            if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(local);
    }
    let base: BaseUrl = format!("http://{address}").parse().map_err(Stop::failed)?;
    let request = Request::get(&base, "/readyz").with_head_timeout(LIMIT);
    let answer = HttpClient::default().send(request).await.map_err(Stop::failed)?;
    if (200..300).contains(&answer.status()) {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Stop::Failed(anyhow::anyhow!("the server at {address} answers {}", answer.status())))
}
