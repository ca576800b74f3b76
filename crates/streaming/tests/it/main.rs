//! What a reader of a stream sees: every record and event once, in order, to the end, whatever happens around it.
#![expect(clippy::unwrap_used, reason = "a fixture that is broken should panic")]

mod closing;
mod crowd;
mod cursor;
mod deltas;
mod driven;
mod events;
mod following;
mod rewritten;
mod scripted_store;
mod story;
mod table;
