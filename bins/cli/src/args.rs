//! The command line: every command, flag and its help. Owns syntax only; ranges and names are judged where they are used.

mod db;

use std::{ffi::OsStr, path::PathBuf, time::Duration};

use clap::{
    Args, Parser, Subcommand, ValueEnum, ValueHint,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};
use mcp_orchestrator_app::parse_duration;
use mcp_orchestrator_domain::Seq;
use mcp_orchestrator_streaming::Cursor;

pub(crate) use db::{DbCommand, PurgeArgs};

/// Cited research reports from the command line, with or without a model.
///
/// A question and a folder of documents become a report in which every sentence is proved by a quote, or says that it
/// is not. Workflows are kept in a local store: they survive a crash, can be watched and cancelled from another
/// terminal, and read again later.
#[derive(Debug, Parser)]
#[command(name = "mcp-orchestrator", version, max_term_width = 110, disable_help_subcommand = true)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 the workflow or a verification failed, 2 the command line or \
a file cannot be read, 65 refused (a value out of range, an unknown type, an unreadable corpus), 69 unreachable, 75 try again later, \
78 a key or setting is missing or broken, 130 cancelled.";

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Read settings from this file instead of your own
    #[arg(long, value_name = "FILE", global = true, env = "ORCHESTRATOR_CONFIG", value_hint = ValueHint::FilePath)]
    #[arg(hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Let this server do it, for example http://127.0.0.1:5060, instead of this process
    #[arg(long, value_name = "URL", global = true, env = "ORCHESTRATOR_SERVER", hide_env_values = true)]
    pub(crate) server: Option<String>,
    /// The store: memory:, sqlite:PATH or redis://HOST
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) store: Option<String>,
    /// Machine-readable: JSON lines on stdout, errors as JSON on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub(crate) color: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Research a question with several agents and write a cited report
    Research(Box<ResearchArgs>),
    /// Search with specialised agents and write a cited report
    Search(Box<SearchArgs>),
    /// Run a workflow that is written down in a file, of any pattern
    Run(Box<RunArgs>),
    /// List workflows, newest first
    List(ListArgs),
    /// Show how far a workflow is
    Status(IdArgs),
    /// Follow a workflow until it ends
    Watch(IdArgs),
    /// Print the report of a workflow, or write its files again
    Results(ResultsArgs),
    /// Print the events of a workflow so far
    Events(EventsArgs),
    /// Answer a question that a workflow waits with
    Answer(AnswerArgs),
    /// Cancel a workflow; returns when nothing of it runs any more
    Cancel(CancelArgs),
    /// Go on with what is unfinished; a failed or cancelled workflow goes on as a new one
    Resume(ResumeArgs),
    /// Go on from a position of a workflow's log as a new workflow, with other settings if you like
    Fork(Box<ForkArgs>),
    /// Check every citation of a JSON report again, offline
    Verify(VerifyArgs),
    /// List the ways of working: what `research`, `search` and written workflows do
    Patterns,
    /// List the tools agents may call
    Tools,
    /// List model providers and which of them can be used, or the models of one
    Providers(ProvidersArgs),
    /// Show settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check that everything needed is there
    Doctor(CorpusArgs),
    /// Look after a store: its size, soundness, copies, old and stuck workflows
    #[command(subcommand)]
    Db(DbCommand),
    /// Make this project's server known to an MCP client
    Install(Box<InstallArgs>),
    /// Print a completion script
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct ProvidersArgs {
    /// Show what is known of this one's models: sizes, abilities, prices
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Ask those that can be used whether they are there and take their key; costs nothing
    #[arg(long)]
    pub(crate) health: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ResearchArgs {
    #[command(flatten)]
    pub(crate) work: WorkArgs,
    /// How many agents' results are merged at a time [default: 5]
    #[arg(long, value_name = "N", help_heading = HOW)]
    pub(crate) group_size: Option<u64>,
    /// Do not merge groups before the report is written
    #[arg(long, help_heading = HOW)]
    pub(crate) no_drummer: bool,
    /// Do not write one report over all results
    #[arg(long, help_heading = HOW)]
    pub(crate) no_camina: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) work: WorkArgs,
    /// Kinds of agents, separated by commas [default: all]
    #[arg(long, value_name = "TYPES", value_delimiter = ',', help_heading = HOW)]
    #[arg(value_parser = Names(&["text", "image", "video", "news", "academic", "social", "product", "technical", "general"]))]
    pub(crate) types: Option<Vec<String>>,
    /// How thoroughly each agent searches [default: standard]
    #[arg(long, value_name = "DEPTH", help_heading = HOW, value_parser = Names(&["quick", "standard", "deep"]))]
    pub(crate) depth: Option<String>,
}

const HOW: &str = "How agents work";
const WITH: &str = "What they work with";
const BOUNDS: &str = "Bounds";
const REPORT: &str = "The report";

#[derive(Debug, Args)]
pub(crate) struct WorkArgs {
    /// The task in 10 to 5000 characters; - reads it from stdin, @FILE from a file
    #[arg(value_name = "TASK", value_hint = ValueHint::Other)]
    pub(crate) task: String,
    /// How many agents [default: 8 for research, 5 for search]
    #[arg(long, value_name = "N", help_heading = HOW)]
    pub(crate) agents: Option<u64>,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The workflow as TOML, or as JSON when the name ends so; flags win over what it says
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

/// What every command that starts work takes.
#[derive(Debug, Args)]
pub(crate) struct SharedArgs {
    /// A further fact for every agent; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value, help_heading = HOW)]
    pub(crate) context: Vec<(String, String)>,
    /// An image that planning and the agents are shown: PNG, JPEG, WebP or GIF; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = WITH)]
    pub(crate) image: Vec<PathBuf>,
    /// 0 to 9; higher runs first [default: 5]
    #[arg(long, value_name = "N", help_heading = HOW)]
    pub(crate) priority: Option<u64>,
    /// Start the same work under the same key only once
    #[arg(long, value_name = "KEY", help_heading = HOW)]
    pub(crate) idempotency_key: Option<String>,
    /// Print the workflow's id and do not wait for its end; needs --server
    #[arg(long, help_heading = HOW, conflicts_with = "out")]
    pub(crate) detach: bool,

    /// A folder of documents, or the name of a configured corpus, with --server of one there; may be repeated [default: all
    /// configured]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = WITH)]
    pub(crate) corpus: Vec<PathBuf>,
    /// Ask every search service that is set up; agents' search words leave this machine [default: `sources.enabled`]
    #[arg(long, help_heading = WITH)]
    pub(crate) web: bool,
    /// Who answers; `extractive` writes without a model [default: configured, else the first with a key]
    #[arg(long, value_name = "NAME", help_heading = WITH)]
    pub(crate) provider: Option<String>,
    /// The model [default: the provider's]
    #[arg(long, value_name = "MODEL", help_heading = WITH)]
    pub(crate) model: Option<String>,
    /// The agents' model
    #[arg(long, value_name = "MODEL", help_heading = WITH)]
    pub(crate) worker_model: Option<String>,
    /// The model that writes the report
    #[arg(long, value_name = "MODEL", help_heading = WITH)]
    pub(crate) synthesis_model: Option<String>,

    /// US dollars that may be spent
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = BOUNDS)]
    pub(crate) budget_usd: Option<f64>,
    /// Tokens that may be used
    #[arg(long, value_name = "X", help_heading = BOUNDS)]
    pub(crate) budget_tokens: Option<u64>,
    /// Calls of models and tools that may be made
    #[arg(long, value_name = "N", help_heading = BOUNDS)]
    pub(crate) max_calls: Option<u64>,
    /// For the whole workflow, for example 10m [default: agent timeout × agents × 1.5]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = BOUNDS)]
    pub(crate) timeout: Option<Duration>,
    /// For each agent [default: 180s]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = BOUNDS)]
    pub(crate) agent_timeout: Option<Duration>,

    /// Its title [default: made from the task]
    #[arg(long, value_name = "TEXT", help_heading = REPORT)]
    pub(crate) title: Option<String>,
    /// Formats, separated by commas; json is what `verify` reads [default: md]
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', value_parser = Names(&["md", "json"]), help_heading = REPORT)]
    pub(crate) format: Option<Vec<String>>,
    /// The folder its files are written to [default: reports]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = REPORT)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only with this status; may be repeated
    #[arg(long, value_name = "STATUS")]
    #[arg(value_parser = Names(&["queued", "running", "waiting", "completed", "failed", "cancelled"]))]
    pub(crate) status: Vec<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Only older than this workflow
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct IdArgs {
    /// The workflow
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct ResultsArgs {
    /// The workflow
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// What was known at this position of its log: a number, or the id of an event as `events` prints it
    #[arg(long, value_name = "POSITION", value_parser = position)]
    pub(crate) at: Option<Seq>,
    /// Write its files to this folder too
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// The workflow
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Only after the event with this id
    #[arg(long, value_name = "EVENT")]
    pub(crate) after: Option<String>,
    /// Go on until the workflow ends
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// The workflow
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The answer, after the asking step where several ask; - reads it from stdin, @FILE from a file
    #[arg(value_name = "[STEP] TEXT", required = true, num_args = 1..=2, value_hint = ValueHint::Other)]
    pub(crate) words: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The workflow
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Why, for the log
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The workflow [default: all that are unfinished and that nobody runs]
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// The folder its files are written to [default: reports]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// US dollars a failed or cancelled workflow may cost from its beginning
    #[arg(long, value_name = "X", requires = "id")]
    pub(crate) budget_usd: Option<f64>,
    /// Tokens a failed or cancelled workflow may use from its beginning
    #[arg(long, value_name = "N", requires = "id", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) budget_tokens: Option<u64>,
    /// Calls of models and tools a failed or cancelled workflow may make from its beginning
    #[arg(long, value_name = "N", requires = "id", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_calls: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct ForkArgs {
    /// The workflow
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The last position of its log that is taken over: a number, or the id of an event as `events` prints it [default: the end of
    /// a failed or cancelled workflow]
    #[arg(long, value_name = "POSITION", value_parser = position)]
    pub(crate) at: Option<Seq>,
    /// A setting that changes, by its name in a workflow file: model=…, budget_tokens=…, timeout_seconds=…, context.KEY=…; may be
    /// repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
    /// Fork the same under the same key only once
    #[arg(long, value_name = "KEY", requires = "at")]
    pub(crate) idempotency_key: Option<String>,
    /// Print the new workflow's id and do not wait for its end; needs --server
    #[arg(long, conflicts_with = "out")]
    pub(crate) detach: bool,
    /// The folder its files are written to [default: reports]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The JSON report; its evidence folder lies beside it
    #[arg(value_name = "REPORT.json", value_hint = ValueHint::FilePath)]
    pub(crate) report: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CorpusArgs {
    /// A folder of documents, or the name of a configured corpus; may be repeated
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) corpus: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// The client
    #[arg(value_name = "CLIENT")]
    #[arg(value_parser = Names(&["claude-code", "claude-desktop", "codex", "cursor", "vscode", "gemini-cli", "goose"]))]
    pub(crate) client: String,
    /// Only print what belongs into the client's file; always so where its place is not known
    #[arg(long)]
    pub(crate) print: bool,
    /// For all your projects, or for the one in this folder
    #[arg(long, value_name = "SCOPE", default_value = "user")]
    pub(crate) scope: Scope,
    /// Reach a server that runs, for example http://127.0.0.1:5060/mcp [default: the client starts one]
    #[arg(long, value_name = "URL", conflicts_with_all = ["corpus", "store"])]
    pub(crate) url: Option<String>,
    /// A corpus of the server that is started; may be repeated [default: the folder it is started in]
    #[arg(long, value_name = "NAME=DIR")]
    pub(crate) corpus: Vec<String>,
    /// What the client calls it
    #[arg(long, value_name = "NAME", default_value = "mcp-orchestrator")]
    pub(crate) name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    User,
    Project,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting with where it is from; keys are never shown
    Show,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Offers names in help and completions but takes any text: an unknown name is refused later, with its own exit code.
#[derive(Clone, Copy, Debug)]
struct Names(&'static [&'static str]);

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(|name| PossibleValue::new(*name))))
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// A position as a number, or that of the record an event was told of.
fn position(text: &str) -> Result<Seq, String> {
    if let Ok(position) = text.parse() {
        return Ok(Seq::new(position));
    }
    let event: Cursor = text.parse().map_err(|_| "expected a number, or the id of an event".to_owned())?;
    let is_first_of_record = event.seen_of_next() > 0;
    Ok(if is_first_of_record { event.seq().plus(1) } else { event.seq() })
}

fn duration(text: &str) -> Result<Duration, mcp_orchestrator_app::NoDuration> {
    parse_duration(text)
}
