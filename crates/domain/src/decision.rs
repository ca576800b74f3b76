//! Decisions of a strategy, as they are written down. Owns what is said of them; who decides is a strategy.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a strategy has decided. It is a step of its own, so that it stands in the log before anything follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// Which branch is taken.
    Branch {
        /// Its key.
        selected: String,
        /// Why, in words.
        reason: String,
    },
    /// Whether a pass was good enough.
    Pass {
        /// Which pass, from 1.
        number: u16,
        /// How many there may be.
        of: u16,
        /// Whether it was.
        done: bool,
        /// Why, in words.
        reason: String,
    },
}

impl Decision {
    /// What was decided about, in words.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Branch { .. } => "Which branch is taken".to_owned(),
            Self::Pass { number, of, .. } => format!("Whether pass {number} of {of} is enough"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch { selected, reason } => write!(f, "Branch {selected} was taken: {reason}."),
            Self::Pass { number, of, done: true, reason } => write!(f, "Converged in pass {number} of {of}: {reason}."),
            Self::Pass { number, of, done: false, reason } if number >= of => {
                write!(f, "Not converged after {number} of {of} passes: {reason}.")
            }
            Self::Pass { number, of, reason, .. } => write!(f, "Pass {number} of {of} is not enough: {reason}."),
        }
    }
}
