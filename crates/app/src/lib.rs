//! Assembly of `mcp-orchestrator` for its binaries: layered settings, the choice of a provider, the store, the corpora.
//!
//! Nothing here parses a command line or prints. A binary reads [`Settings`], chooses a provider, opens a store and
//! hands all of it to the engine's builder.

mod corpora;
mod folders;
mod settings;
mod span;

pub use corpora::{CorpusError, CorpusFolders, name_folders, readable};
pub use folders::{Folders, MACHINE_CONFIG, NoHome};
pub use settings::{Origin, ProviderSettings, Settings, SettingsError, ShownSetting, Sources};
pub use span::{NoDuration, parse_duration};
