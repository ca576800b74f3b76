//! What the server is to be: settings, address, documents. Reads files and the environment; opens nothing.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use anyhow::{Context as _, anyhow};
use mcp_orchestrator_app::{CorpusFolders, Folders, Settings, Sources, readable};
use mcp_orchestrator_domain::CorpusName;

use crate::{
    args::{self, Args},
    stop::Stop,
};

/// Where it listens when nobody says.
const LISTEN: &str = "127.0.0.1:5060";

/// Everything that is decided before anything is opened.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    pub(crate) folders: Folders,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) corpora: CorpusFolders,
    pub(crate) stdio: bool,
    /// `None` when only stdio is served.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) running_max: usize,
}

impl Setup {
    pub(crate) fn read(args: &Args) -> Result<Self, Stop> {
        let folders = Folders::of_this_process().map_err(Stop::setting)?;
        // A variable that is not UTF-8 can name no setting and hold no key.
        let environment: BTreeMap<String, String> =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
        let flag = |key, flag, value: Option<&String>| value.map(|value| (key, flag, value.clone()));
        let running = args.max_running.map(|number| number.to_string());
        let cluster = args.cluster_max_running.map(|number| number.to_string());
        let queued = args.max_queued.map(|number| number.to_string());
        let flags = [
            flag("store.url", "--store", args.store.as_ref()),
            flag("server.listen", "--listen", args.listen.as_ref()),
            flag("server.running_max", "--max-running", running.as_ref()),
            flag("server.cluster_running_max", "--cluster-max-running", cluster.as_ref()),
            flag("server.queue_max", "--max-queued", queued.as_ref()),
        ];
        let sources =
            Sources { folders, file: args.config.clone(), environment, flags: flags.into_iter().flatten().collect() };
        let settings = Settings::load(&sources).map_err(Stop::setting)?;
        let Sources { folders, environment, .. } = sources;
        let is_asked = args.command.is_some();
        let is_served = !args.stdio || args.listen.is_some();
        let listen = is_served.then(|| listen(&settings, &environment)).transpose().map_err(Stop::Setting)?;
        if let Some(address) =
            listen.filter(|address| !is_asked && !address.ip().is_loopback() && !args.insecure_listen)
        {
            return Err(Stop::Setting(anyhow!(
                "{address} can be reached by others, and nobody is asked who they are: listen on 127.0.0.1 behind a proxy \
                 that asks, or say --insecure-listen"
            )));
        }
        let corpora = corpora(args, &settings)?;
        let running_max = settings.server.running_max.unwrap_or(5);
        Ok(Self { settings, folders, environment, corpora, stdio: args.stdio, listen, running_max })
    }
}

/// The address of the settings; else the default one, whose port `PORT` changes as it did for the original.
fn listen(settings: &Settings, environment: &BTreeMap<String, String>) -> anyhow::Result<SocketAddr> {
    if let Some(text) = settings.server.listen.as_deref() {
        let plain = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let parsed = plain.as_deref().unwrap_or(text).parse();
        return parsed.with_context(|| format!("setting `server.listen` is {text:?}, expected an address as {LISTEN}"));
    }
    let mut address: SocketAddr = LISTEN.parse().context("the default address")?;
    if let Some(port) = environment.get("PORT") {
        let parsed = port.trim().parse();
        address.set_port(parsed.with_context(|| format!("PORT is {port:?}, expected a port number"))?);
    }
    Ok(address)
}

/// Documents by flags and settings; beside an editor, without either, those of the working folder.
fn corpora(args: &Args, settings: &Settings) -> Result<CorpusFolders, Stop> {
    let mut corpora = settings.corpora.clone();
    corpora.extend(args::folders(&args.corpus));
    if corpora.is_empty() && args.stdio {
        let here = std::env::current_dir().context("the working folder").map_err(Stop::Unavailable)?;
        if let Ok(name) = CorpusName::new("project") {
            corpora.insert(name, vec![here]);
        }
    }
    for folders in corpora.values_mut() {
        let full: Result<Vec<PathBuf>, _> = folders.iter().map(|folder| readable(folder)).collect();
        *folders = full.map_err(Stop::unavailable)?;
    }
    Ok(corpora)
}
