//! The citation gate: pure checks of a report against its evidence. No model takes part.

mod finding;

pub use finding::{Finding, GateMode, Problem};
