//! The engine, driven through its handle with a scripted provider and a clock that moves by hand.

mod budgets;
mod cancel;
mod failures;
mod harness;
mod queue;
mod resume;
mod store;
mod strategies;
mod submit;
mod waiting;
