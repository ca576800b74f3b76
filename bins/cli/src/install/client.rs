//! The MCP clients: what each calls its file, where that is, and which words it has for a server. As their vendors document
//! it; knows no file's content.

use std::path::{Path, PathBuf};

use super::InstallError;
use crate::args::Scope;

/// An MCP client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    ClaudeCode,
    ClaudeDesktop,
    Codex,
    Cursor,
    VsCode,
    GeminiCli,
    Goose,
}

/// How a client's file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json {
        /// Whether it may hold comments and trailing commas.
        comments: bool,
    },
    Toml,
    Yaml,
}

/// Where a client's file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is changed there.
    File(PathBuf),
    /// It is there, and its format is not changed by us.
    PrintOnly(PathBuf),
    /// The vendor names none for this system.
    Unknown,
}

impl Place {
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::PrintOnly(path) => Some(path),
            Self::Unknown => None,
        }
    }
}

impl Client {
    /// Every client, as `--help` lists them.
    pub(super) const ALL: [Self; 7] =
        [Self::ClaudeCode, Self::ClaudeDesktop, Self::Codex, Self::Cursor, Self::VsCode, Self::GeminiCli, Self::Goose];

    pub(super) fn named(name: &str) -> Result<Self, InstallError> {
        Self::ALL.into_iter().find(|client| client.name() == name).ok_or_else(|| InstallError::UnknownClient {
            name: name.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Codex => "codex",
            Self::Cursor => "cursor",
            Self::VsCode => "vscode",
            Self::GeminiCli => "gemini-cli",
            Self::Goose => "goose",
        }
    }

    /// What people call it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Codex => "Codex",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::GeminiCli => "Gemini CLI",
            Self::Goose => "goose",
        }
    }

    pub(super) const fn format(self) -> Format {
        match self {
            Self::ClaudeCode | Self::ClaudeDesktop => Format::Json { comments: false },
            Self::Cursor | Self::VsCode | Self::GeminiCli => Format::Json { comments: true },
            Self::Codex => Format::Toml,
            Self::Goose => Format::Yaml,
        }
    }

    /// Under which key of its file servers are.
    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::ClaudeCode | Self::ClaudeDesktop | Self::Cursor | Self::GeminiCli => "mcpServers",
            Self::Codex => "mcp_servers",
            Self::VsCode => "servers",
            Self::Goose => "extensions",
        }
    }

    /// What is still to be done before it is seen.
    pub(super) const fn next(self) -> Option<&'static str> {
        match self {
            Self::ClaudeDesktop => Some("quit Claude Desktop and open it again"),
            Self::ClaudeCode | Self::Codex | Self::GeminiCli => Some("sessions that are open already do not see it"),
            Self::Cursor | Self::VsCode | Self::Goose => None,
        }
    }

    /// Where its file is on this system.
    pub(super) fn place(self, scope: Scope) -> Result<Place, InstallError> {
        match scope {
            Scope::User => self.of_user(),
            Scope::Project => self.of_project(),
        }
    }

    fn of_user(self) -> Result<Place, InstallError> {
        let home = home()?;
        let under = |variable: &str, default: PathBuf| {
            std::env::var_os(variable).filter(|folder| !folder.is_empty()).map_or(default, PathBuf::from)
        };
        Ok(match self {
            Self::ClaudeCode => Place::File(under("CLAUDE_CONFIG_DIR", home).join(".claude.json")),
            Self::ClaudeDesktop => match application_data(&home) {
                Some(folder) if !cfg!(target_os = "linux") => {
                    Place::File(folder.join("Claude").join("claude_desktop_config.json"))
                }
                _ => Place::Unknown,
            },
            Self::Codex => Place::File(under("CODEX_HOME", home.join(".codex")).join("config.toml")),
            Self::Cursor => Place::File(home.join(".cursor").join("mcp.json")),
            Self::VsCode => match application_data(&home) {
                Some(folder) => Place::File(folder.join("Code").join("User").join("mcp.json")),
                None => Place::Unknown,
            },
            Self::GeminiCli => Place::File(home.join(".gemini").join("settings.json")),
            Self::Goose if cfg!(windows) => match application_data(&home) {
                Some(folder) => Place::PrintOnly(folder.join("Block").join("goose").join("config").join("config.yaml")),
                None => Place::Unknown,
            },
            Self::Goose => Place::PrintOnly(home.join(".config").join("goose").join("config.yaml")),
        })
    }

    fn of_project(self) -> Result<Place, InstallError> {
        let inside = match self {
            Self::ClaudeCode => Path::new(".mcp.json"),
            Self::Codex => Path::new(".codex/config.toml"),
            Self::Cursor => Path::new(".cursor/mcp.json"),
            Self::VsCode => Path::new(".vscode/mcp.json"),
            Self::GeminiCli => Path::new(".gemini/settings.json"),
            Self::ClaudeDesktop | Self::Goose => return Err(InstallError::NoProject(self.title())),
        };
        Ok(Place::File(inside.to_owned()))
    }
}

fn home() -> Result<PathBuf, InstallError> {
    std::env::home_dir().filter(|home| home.is_absolute()).ok_or(InstallError::NoHome)
}

/// Where this system keeps what applications remember.
fn application_data(home: &Path) -> Option<PathBuf> {
    let named = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|folder| folder.is_absolute());
    if cfg!(target_os = "macos") {
        Some(home.join("Library").join("Application Support"))
    } else if cfg!(windows) {
        named("APPDATA").or_else(|| Some(home.join("AppData").join("Roaming")))
    } else {
        named("XDG_CONFIG_HOME").or_else(|| Some(home.join(".config")))
    }
}
