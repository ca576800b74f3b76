//! The record both benchmarks of stores append.

use std::sync::Arc;

use mcp_orchestrator_domain::{CallCompleted, CallNo, Cost, Event, Payload, Progress, Record, Timestamp, Usage};

/// Bytes of a record's text, more or less.
pub(crate) const RECORD: usize = 1000;

/// An answer of about [`RECORD`] bytes.
pub(crate) fn record() -> Arc<Record> {
    let event = Event::CallCompleted(Box::new(CallCompleted {
        call: CallNo::new(0),
        step: "belter_0".parse().expect("a valid name"),
        output: Payload::Inline("x".repeat(RECORD - 500).into()),
        is_error: false,
        usage: Usage::default(),
        cost: Cost::FREE,
        evidence: Vec::new(),
        parked_ms: 0,
        run_ms: 0,
    }));
    Arc::new(Record { at: Timestamp::from_millis(1), progress: Progress::default(), event })
}
