//! What the strategies plan and say, driven through a folded log without I/O.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod beltalowda;
mod checking;
mod fence;
mod plan;
mod play;
mod prompts;
mod properties;
mod reading;
mod swarm;
