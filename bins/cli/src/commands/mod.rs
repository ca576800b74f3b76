//! Which command does what. Owns the order: settings are read only by commands that need them.

mod config;
mod shell;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use mcp_orchestrator_app::{Folders, Settings, Sources};

use crate::{
    args::{Cli, Command, Common, ConfigCommand},
    error::CliError,
    terminal::Terminal,
};

/// Runs one command to its end.
pub(crate) fn run(cli: Cli, terminal: Terminal) -> Result<ExitCode, CliError> {
    match cli.command {
        Command::Completions(args) => return shell::completions(args.shell, terminal),
        Command::Man => return shell::man(terminal),
        _ => {}
    }
    let session = Session::new(&cli.common, terminal)?;
    match cli.command {
        Command::Config(ConfigCommand::Show) => config::show(&session),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// What every command that works with workflows has.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) terminal: Terminal,
    pub(crate) folders: Folders,
    pub(crate) settings: Settings,
    pub(crate) environment: BTreeMap<String, String>,
    /// The person's own settings file, whether it is there or not.
    pub(crate) file: PathBuf,
}

impl Session {
    fn new(common: &Common, terminal: Terminal) -> Result<Self, CliError> {
        let folders = Folders::of_this_process()?;
        // A variable that is not UTF-8 can name no setting and hold no key.
        let environment: BTreeMap<String, String> =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
        let flags = common.store.iter().map(|url| ("store.url", "--store", url.clone())).collect();
        let sources = Sources {
            folders: folders.clone(),
            file: common.config.clone(),
            environment: environment.clone(),
            flags,
        };
        let file = common.config.clone().unwrap_or_else(|| folders.config_file());
        Ok(Self { terminal, folders, settings: Settings::load(&sources)?, environment, file })
    }
}
