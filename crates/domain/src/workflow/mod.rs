//! A workflow as the fold of its log.

mod status;

pub use status::Status;
