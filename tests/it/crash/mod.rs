//! A crash at every event: for each story and each place of its log, an engine that dies there and one that goes on. Owns the
//! list of stories and stores; how a crash is made is in `point`, and what is right is decided by the history checker.
//!
//! The whole product runs with `cargo xtask torture`; here each store that keeps files tries one moment of each place.

mod golden;
mod killer;
mod life;
mod place;
mod point;
mod spending;
mod story;

use killer::Moment;
use place::{Memory, Place, Redis, Sqlite};
use story::Story;

/// With this variable set, every moment of every place is tried on every store.
const EVERYTHING: &str = "ORCHESTRATOR_TORTURE";

/// One test of each story for each store. A further adapter is a further line.
macro_rules! crash_tests {
    ($($store:ident = $open:ident;)*) => {
        $(mod $store {
            use super::{crash_everywhere, story};

            crash_tests!(@each super::$open;
                beltalowda swarm sequential a_function_called_once conditional iterative custom_with_a_question hedged cancelled_meanwhile);
        })*
    };
    (@each $open:path; $($story:ident)*) => {
        $(#[test]
        fn $story() {
            crash_everywhere::<$open>(&story::$story());
        })*
    };
}

crash_tests! {
    memory = Memory;
    sqlite = Sqlite;
    redis = Redis;
}

/// Kills an engine at every place of a story's log, and holds what comes of it against an undisturbed run.
fn crash_everywhere<P: Place>(story: &Story) {
    let undisturbed = point::undisturbed(story, &P::fresh());
    let everything = std::env::var_os(EVERYTHING).is_some() || P::IS_QUICK;
    let mut died = 0;
    for at in 0..undisturbed.writes {
        let moments = Moment::ALL.into_iter().enumerate();
        for (_, moment) in moments.filter(|(number, _)| everything || at % Moment::ALL.len() == *number) {
            died += usize::from(point::crash(story, &P::fresh(), at, moment, &undisturbed));
        }
    }
    let tried = if everything { undisturbed.writes * Moment::ALL.len() } else { undisturbed.writes };
    // Calls that end together are written together, so that some run may have fewer places; kills after the end prove nothing.
    assert!(died * 2 > tried, "{}: only {died} of {tried} runs died", story.name);
}
