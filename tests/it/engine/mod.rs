//! The engine, driven through its handle with a scripted provider and a clock that moves by hand.

mod asking;
mod budgets;
mod cancel;
mod failover;
mod failures;
mod fallback;
mod fork_rules;
mod forking;
mod harness;
mod leases;
mod left_alone;
mod limits;
mod outages;
mod patterns;
mod poison;
mod queue;
mod request_id;
mod resume;
mod serving;
mod store;
mod storm;
mod strategies;
mod structured;
mod submit;
mod waiting;
