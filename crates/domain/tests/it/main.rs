//! The domain from outside: the fold, the agent loop, requests.

mod agent;
mod fork;
mod model;
mod request;
mod status;
mod workflow;
