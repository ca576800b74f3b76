//! How much of the results a writer reads.

use mcp_orchestrator_strategies::within_budget;
use proptest::prelude::*;

#[test]
fn what_fits_is_left_alone() {
    assert_eq!(within_budget(&["one", "two"], 6), ["one", "two"]);
    assert!(within_budget(&[], 0).is_empty());
}

#[test]
fn short_texts_leave_their_share_to_long_ones() {
    let long = "Some words. ".repeat(20);
    let shown = within_budget(&["short", &long], 105);
    assert_eq!(shown[0], "short");
    assert_eq!(shown[1], format!("{}\n(cut here: 145 more characters)", "Some words. ".repeat(8).trim_end()));
}

#[test]
fn a_text_ends_at_a_paragraph_where_one_is_near() {
    let text = "First paragraph, long enough.\n\nSecond paragraph that does not fit.";
    assert_eq!(within_budget(&[text], 40), ["First paragraph, long enough.\n(cut here: 37 more characters)"]);
}

proptest! {
    #[test]
    fn no_budget_is_exceeded_and_no_text_is_changed_before_its_cut(
        texts in proptest::collection::vec("[a-zäö \n.]{0,60}", 0..8),
        chars_max in 0_usize..200,
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let shown = within_budget(&texts, chars_max);
        prop_assert_eq!(shown.len(), texts.len());
        let mut chars = 0;
        for (shown, text) in shown.iter().zip(&texts) {
            let kept = shown.split("\n(cut here: ").next().unwrap_or_default();
            prop_assert!(text.starts_with(kept));
            prop_assert!(shown.as_ref() == *text || shown.contains("(cut here: "));
            chars += kept.chars().count();
        }
        prop_assert!(chars <= chars_max);
    }
}
