//! Search services of the network as tools: each is a [`SearchSource`], data and two functions, called through one
//! [`SearchTool`]. Owns what is public of it; a service's own words are in `sources`, politeness in `pace`.

mod asking;
mod contact;
mod error;
mod pace;
mod plain;
mod record;
mod refusal;
mod source;
mod sources;
mod tool;

pub use asking::SearchOptions;
pub use contact::{Contact, InvalidContact};
pub use error::SearchError;
pub use pace::SharedPace;
pub use source::{SearchSource, SourceNeeds};
pub use sources::SEARCH_SOURCES;
pub use tool::SearchTool;
