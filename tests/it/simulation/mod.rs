//! Several engines on one store, in virtual time, while everything around them fails as a seed says: store calls that are
//! late, that fail before or after they were done, hints that are lost, a clock that jumps, models that
//! limit and break, engines that die, freeze and come back. Whatever the seed, the history checker must agree in the end, and the
//! same seed is the same history.
//!
//! A failure names its seed; `ORCHESTRATOR_SEED=7 cargo test -p mcp-orchestrator-tests simulation` runs that one alone, and
//! `ORCHESTRATOR_SEEDS=1000` as many as that. `cargo xtask torture --seeds 1000` does the same.

mod client;
mod engine;
mod faults;
mod work;
mod world;

use world::World;

/// Runs only this seed.
const ONE: &str = "ORCHESTRATOR_SEED";
/// Runs so many seeds.
const MANY: &str = "ORCHESTRATOR_SEEDS";
/// So many when nobody says.
const FEW: u64 = 30;

#[test]
fn whatever_fails_every_workflow_ends_once_and_everybody_was_told_the_truth() {
    let number = |variable| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match (number(ONE), number(MANY)) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(many)) => 0..many,
        (None, None) => 0..FEW,
    };
    let (mut runs, mut kills, mut paid_again) = (0_usize, 0, 0);
    for seed in seeds {
        let run = format!("{ONE}={seed}");
        let ended = World::run(seed);
        let verdict = ended.history.check();
        verdict.assert_clean(&run);
        ended.assert_not_poisoned(&run);
        runs += 1;
        kills += ended.kills;
        paid_again += verdict.paid_again;
    }
    // A simulation in which nothing happens proves nothing.
    if u64::try_from(runs).unwrap() >= FEW {
        assert!(kills > runs && paid_again > runs, "{kills} kills and {paid_again} calls paid again in {runs} runs");
    }
}

#[test]
fn the_same_seed_is_the_same_history() {
    for seed in [3, 12, 19] {
        let (one, other) = (World::run(seed), World::run(seed));
        assert_eq!(one.story(), other.story(), "seed {seed}");
        assert_ne!(one.story(), World::run(seed + 1).story());
    }
}
