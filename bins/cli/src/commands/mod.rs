//! Which command does what. Owns the order: settings are read only for commands that need them.

mod answer;
mod catalogue;
mod config;
mod db;
mod doctor;
mod drive;
mod follow;
mod fork;
mod list;
mod providers;
mod results;
mod resume;
mod shell;
mod verify;
mod work;

use std::process::ExitCode;

pub(crate) use verify::BadReport;

use crate::{
    args::{Cli, Command, ConfigCommand},
    error::CliError,
    install,
    session::Session,
    terminal::Terminal,
};

/// Runs one command to its end.
pub(crate) fn run(cli: Cli, terminal: Terminal) -> Result<ExitCode, CliError> {
    let session = || Session::new(&cli.common, terminal);
    match cli.command {
        Command::Completions(args) => shell::completions(args.shell, terminal),
        Command::Man => shell::man(terminal),
        Command::Install(args) => install::install(&cli.common, &args, terminal),
        Command::Verify(args) => verify::verify(&args.report, terminal),
        Command::Doctor(args) => doctor::doctor(&cli.common, &args.corpus, terminal),
        Command::Config(ConfigCommand::Show) => config::show(&session()?),
        Command::Db(command) => db::db(&session()?, command),
        Command::Patterns => catalogue::patterns(&session()?),
        Command::Tools => catalogue::tools(&session()?),
        Command::Providers(args) => providers::providers(&session()?, &args),
        Command::List(args) => list::list(&session()?, &args),
        Command::Status(args) => list::status(&session()?, &args.id),
        Command::Events(args) => follow::events(&session()?, &args),
        Command::Watch(args) => follow::watch(&session()?, &args.id),
        Command::Cancel(args) => follow::cancel(&session()?, &args),
        Command::Results(args) => results::results(&session()?, &args),
        Command::Research(args) => work::research(&session()?, *args),
        Command::Search(args) => work::search(&session()?, *args),
        Command::Run(args) => work::run(&session()?, *args),
        Command::Answer(args) => answer::answer(&session()?, &args),
        Command::Fork(args) => fork::fork(&session()?, *args),
        Command::Resume(args) => resume::resume(&session()?, args),
    }
}
