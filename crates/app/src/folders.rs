//! Where a person's settings, data and caches live. Owns the names below the machine's base folders; creates nothing.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

/// The folder of the operator's own settings, shared by all people of the machine.
pub const MACHINE_CONFIG: &str = "/etc/mcp-orchestrator/config.toml";

const NAME: &str = "mcp-orchestrator";

/// Where a person's files live: on Unix the XDG folders.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Folders {
    /// The home folder: what `~` means in settings.
    pub home: PathBuf,
    /// Settings.
    pub config: PathBuf,
    /// The workflow store.
    pub data: PathBuf,
    /// What can be made again: indexes of corpora.
    pub cache: PathBuf,
}

/// Nobody could say where the home folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot tell the home folder; set HOME")]
#[non_exhaustive]
pub struct NoHome;

impl Folders {
    /// The folders of whoever runs this process, from `HOME` and the `XDG_*_HOME` variables.
    ///
    /// # Errors
    /// [`NoHome`] when the process has no home folder.
    pub fn of_this_process() -> Result<Self, NoHome> {
        let base = etcetera::choose_base_strategy().map_err(|_| NoHome)?;
        Ok(Self {
            home: base.home_dir().to_owned(),
            config: base.config_dir().join(NAME),
            data: base.data_dir().join(NAME),
            cache: base.cache_dir().join(NAME),
        })
    }

    /// All of them below one folder: for tests and for programs that keep everything together.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self { home: root.to_owned(), config: root.join("config"), data: root.join("data"), cache: root.join("cache") }
    }

    /// The person's own settings file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The default workflow store.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("orchestrator.db")
    }

    /// A path of a setting: `~/` is the home folder, a relative path starts at `base`.
    pub(crate) fn resolve(&self, text: &str, base: Option<&Path>) -> PathBuf {
        if let Some(rest) = text.strip_prefix("~/") {
            return self.home.join(rest);
        }
        match base {
            Some(base) => base.join(text),
            None => PathBuf::from(text),
        }
    }
}
