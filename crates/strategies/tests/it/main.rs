//! What the strategies plan and say, driven through a folded log without I/O.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod beltalowda;
mod checking;
mod conditional;
mod custom;
mod fence;
mod iterative;
mod plan;
mod play;
mod prompts;
mod properties;
mod reading;
mod sequential;
mod swarm;
