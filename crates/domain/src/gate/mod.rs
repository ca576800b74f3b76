//! The citation gate: pure checks of a report against its evidence. No model takes part.
//!
//! [`check`] finds, [`settle`] drops or marks. A sentence's number, date, name and quotation must occur in the quotes it
//! cites, it must not deny what they affirm, and it must speak of the same thing. A sentence taken over whole from a
//! quote always passes. Where a check cannot be sure it lets pass: what it says is wrong should be wrong.

mod around;
mod bounds;
mod check;
mod currency;
mod dates;
mod decimal;
mod facts;
mod finding;
mod foreign;
mod fractions;
mod names;
mod negation;
mod numbers;
mod quotation;
mod scan;
mod settle;
mod spelled;
mod spellings;
mod support;
#[cfg(test)]
mod tests;
mod text;
mod turns;
mod units;
mod words;

pub use check::check;
pub use finding::{Finding, GateMode, Problem};
pub use settle::{Settled, settle};
