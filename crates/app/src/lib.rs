//! Assembly of `mcp-orchestrator` for its binaries: layered settings, the choice of a provider, the store, the corpora.
//!
//! Nothing here parses a command line or prints. A binary reads [`Settings`], names its folders of documents with
//! [`name_folders`], asks [`Providers`] who answers, opens the store with [`StoreUrl`], makes the documents searchable
//! with [`open_corpora`], and puts all of it together with [`engine`].
//!
//! ```
//! use mcp_orchestrator_app::{StoreUrl, parse_duration};
//!
//! assert!(matches!(StoreUrl::parse("memory:"), Ok(StoreUrl::Memory)));
//! assert_eq!(parse_duration("10m")?, std::time::Duration::from_secs(600));
//! # Ok::<(), mcp_orchestrator_app::NoDuration>(())
//! ```
//!
//! It has no features: a binary that needs other parts is another binary. Start at [`engine`]; to embed the library in a
//! program of your own, start at the crate `mcp-orchestrator` instead.

mod corpora;
mod definition;
mod documents;
mod engine;
mod folders;
mod known;
mod layers;
mod live;
mod provider;
mod settings;
mod size;
mod span;
mod store;
mod web;

pub use corpora::{CorpusFolders, DocumentsError, name_folders, readable};
pub use definition::{DefinitionError, read_definition};
pub use documents::{corpus_tools, open_corpora};
pub use engine::engine;
pub use folders::{Folders, MACHINE_CONFIG, NoHome};
pub use known::{KeyState, KnownProvider};
pub use layers::layered;
pub use live::LiveCorpora;
pub use provider::{Choice, EXTRACTIVE, ProviderChoiceError, Providers, Reason};
pub use settings::{
    EgressSettings, KeptSettings, Origin, ProviderSettings, ServerSettings, Settings, SettingsError, ShownSetting,
    SourceSettings, Sources, WebSettings,
};
pub use size::{NoSize, parse_size};
pub use span::{NoDuration, parse_duration};
pub use store::{BackupError, OpenStoreError, StoreAddress, StoreUrl};
pub use web::{KnownSource, SourceState, Web};
