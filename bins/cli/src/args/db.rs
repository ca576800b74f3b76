//! The commands that look after a store. Owns syntax only.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Subcommand, ValueHint};
use mcp_orchestrator_app::parse_size;

use super::duration;

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Show what kind of store it is, how durable, how large, and what to know of it
    Info,
    /// Look at everything in the store; exits with 1 if something is wrong
    Check,
    /// Copy the store to a new file while others go on writing
    Backup(BackupArgs),
    /// Delete workflows that have ended; those that ended first go first
    Purge(PurgeArgs),
    /// List unfinished workflows that nobody works on, why, and what to do
    Stuck,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to make; one that is there is never written over
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true).args(["finished_before", "keep", "max_bytes"])))]
pub(crate) struct PurgeArgs {
    /// Those that ended longer ago than this, for example 30d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) finished_before: Option<Duration>,
    /// All but the N that ended last
    #[arg(long, value_name = "N")]
    pub(crate) keep: Option<u64>,
    /// Until the logs of those that have ended take no more than this, for example 2GB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_bytes: Option<u64>,
    /// Only list what would go
    #[arg(long, conflicts_with = "max_bytes")]
    pub(crate) dry_run: bool,
}
