//! `completions` and `man`: made from the command line's own definition. Needs no settings.

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::{args::Cli, error::CliError, terminal::Terminal};

pub(crate) fn completions(shell: clap_complete::Shell, terminal: Terminal) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mcp-orchestrator", &mut script);
    terminal.out_bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// One page: the command, then each of its commands with their flags.
pub(crate) fn man(terminal: Terminal) -> Result<ExitCode, CliError> {
    let mut command = Cli::command();
    command.build();
    let mut page = rendered(&command);
    for inner in command.get_subcommands() {
        page.extend(rendered(inner));
    }
    terminal.out_bytes(&page)?;
    Ok(ExitCode::SUCCESS)
}

fn rendered(command: &clap::Command) -> Vec<u8> {
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _written = clap_mangen::Man::new(command.clone()).render(&mut page);
    page
}
