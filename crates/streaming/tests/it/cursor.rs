//! Positions as text.

use mcp_orchestrator_domain::Seq;
use mcp_orchestrator_streaming::Cursor;
use proptest::prelude::*;

#[test]
fn prints_epoch_record_and_event() {
    assert_eq!(Cursor::START.to_string(), "0-0-0");
    assert_eq!(Cursor::after(Seq::new(12)).to_string(), "0-12-0");
    let within: Cursor = "0-6-1".parse().unwrap();
    assert_eq!((within.seq(), within.seen_of_next()), (Seq::new(6), 1));
}

#[test]
fn refuses_what_it_would_not_print() {
    for text in ["", "1", "1-2", "1-2-3-4", "+1-2-3", "01-2-3", "1-2-", "1- 2-3", "a-b-c", "0-1-4294967296", "-1-2-3"] {
        assert!(text.parse::<Cursor>().is_err(), "{text:?} was accepted");
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(epoch: u64, seq: u64, n: u32) {
        let text = format!("{epoch}-{seq}-{n}");
        let cursor: Cursor = text.parse().unwrap();
        prop_assert_eq!(cursor.to_string(), text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        if let Ok(cursor) = text.parse::<Cursor>() {
            prop_assert_eq!(cursor.to_string(), text);
        }
    }
}
