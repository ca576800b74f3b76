//! The citation gate from outside: pairs of a statement and what its quote says, each in the same sentence, so that only
//! what differs decides.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    Block, Digest, EvidenceId, EvidenceSet, GateMode, Mark, Outcome, Report, Sentence, Source, Span, gate::check,
};

/// Whether the gate lets `text` pass in `strict` where its only citation says `quote`.
fn proves(quote: &str, text: &str) -> bool {
    let id = EvidenceId::new("ev_000000").unwrap();
    let digest = Digest::new([1; 32]);
    let mut set = EvidenceSet::new();
    set.add_snapshot(digest, quote.into());
    set.add_span(Arc::new(Span {
        id: id.clone(),
        snapshot: digest,
        start: 0,
        end: quote.len() as u64,
        quote: quote.into(),
        source: Arc::new(Source { uri: "corpus:pump.md".into(), title: "Pump".into() }),
    }));
    let sentence = Sentence { text: text.into(), evidence: vec![id], mark: Mark::Unchecked };
    let report =
        Report { title: "T".into(), outcome: Outcome::Answered, blocks: vec![Block::Paragraph(vec![sentence])] };
    check(&report, &set, GateMode::Strict).is_empty()
}

/// Each pair is what a sentence says and what its quote says in the same place.
#[track_caller]
fn table(pairs: &[(&str, &str)], expected: bool) {
    for (ours, theirs) in pairs {
        let written = |part: &str| format!("The old pump of the harbour shows {part} on most days.");
        assert_eq!(proves(&written(theirs), &written(ours)), expected, "{ours:?} against {theirs:?}");
    }
}

#[test]
fn over_and_under_do_not_follow_from_the_other_side() {
    table(&[("over 50 ms", "under 50 ms"), ("under 50 ms", "over 50 ms"), ("over 50 ms", "at most 50 ms")], false);
    table(
        &[
            ("values averaged over 50 runs", "values averaged across 50 runs"),
            ("over 50 ms", "more than 50 ms"),
            ("under 50 ms", "less than 50 ms"),
        ],
        true,
    );
}

#[test]
fn the_case_of_an_abbreviation_is_part_of_the_unit() {
    table(
        &[
            ("100 MB/s", "100 Mb/s"),
            ("100 Mb/s", "100 MB/s"),
            ("5 Gb", "5 GB"),
            ("5 Mbps", "5 MBps"),
            ("5 MBps", "5 Mbps"),
            ("5 MW", "5 mW"),
            ("5 mW", "5 MW"),
            ("5 GB", "5 Tb"),
            ("5Mb", "5MB"),
        ],
        false,
    );
    table(
        &[
            ("5 KB", "5 kB"),
            ("5 Megabytes", "5 MB"),
            ("5 mb", "5 MB"),
            ("5 Mbps", "5 Mbit/s"),
            ("5 megabits per second", "5 Mb/s"),
            ("5 milliwatts", "5 mW"),
            ("5 KM", "5 km"),
            ("5 mL", "5 ml"),
            ("5 Hours", "5 h"),
        ],
        true,
    );
}

#[test]
fn three_decimals_are_no_thousands() {
    table(
        &[
            ("1234 s", "1.234 s"),
            ("2048 GB", "2.048 GB"),
            ("2,500 kg", "2.5 kg"),
            ("2.5 kg", "2,500 kg"),
            ("1.234 s", "1,234 s"),
        ],
        false,
    );
    table(
        &[
            ("1234 s", "1,234 s"),
            ("2.5 kg", "2.500 kg"),
            ("1234 kg", "1.234 kg of 2.345,5 kg"),
            ("2.5 kg", "2,5 kg"),
            ("1.234 s of 1,5 s", "1,234 s of 1.5 s"),
            ("1.234.567 kg", "1234567 kg"),
        ],
        true,
    );
}

#[test]
fn no_unit_stands_for_another_one_listed_or_not() {
    table(
        &[
            ("50 µg", "50 mg"),
            ("50 mcg", "50 mg"),
            ("5 A", "5 mA"),
            ("5 Mg", "5 mg"),
            ("₩5", "$5"),
            ("₩5", "₹5"),
            ("₹500", "$500"),
            ("C$5", "US$5"),
            ("A$5", "C$5"),
            ("C$5", "$5"),
            ("5 rupees", "5 dollars"),
            ("5 zorkmids", "5 dollars"),
            ("5 SEK", "5 NOK"),
            ("240 ships", "240 tonnes"),
            ("5 per mille", "5 per cent"),
        ],
        false,
    );
    table(
        &[
            ("$5", "5 dollars"),
            ("5 dollars", "C$5"),
            ("₹5", "5 rupees"),
            ("5 µg", "5 micrograms"),
            ("5 ‰", "5 per mille"),
            ("5 mA", "5 milliamperes"),
            ("€5", "EUR 5"),
            ("a load of 240", "a load of 240 tonnes"),
            ("a 240 load", "a load of 240 tonnes"),
        ],
        true,
    );
}

#[test]
fn a_share_is_as_exact_as_its_digits_and_a_fraction_of_a_unit_is_none() {
    table(
        &[
            ("0.5 % of all", "1 of 7000 of all"),
            ("0 % of all", "1 of 300 of all"),
            ("50 % of the patches", "half an hour later all patches"),
            ("50 % of the patches", "half a mile of patches"),
            ("75 %", "3/4 inch"),
            ("75 %", "three quarters of an hour"),
            ("50 %", "half a per cent"),
            ("34 % of all", "a third of all"),
        ],
        false,
    );
    table(
        &[
            ("33 % of all", "a third of all"),
            ("33.3 % of all", "a third of all"),
            ("14 % of all", "1 of 7 of all"),
            ("50 % of all", "half of all"),
            ("0.5 %", "half a per cent"),
            ("0.75 inch", "3/4 inch"),
            ("a quarter of an hour", "a quarter of an hour or so"),
            ("0.5 hours", "half an hour"),
            ("2.5 hours", "2 1/2 hours"),
            ("2.5 hours", "two and a half hours"),
            ("over half of them", "52 % of them"),
            ("nearly half of them", "48 % of them"),
        ],
        true,
    );
    table(
        &[("over half of them", "48 % of them"), ("over half of them", "72 % of them"), ("5.5 hours", "5 1/4 hours")],
        false,
    );
}

#[test]
fn the_same_in_other_signs_is_the_same() {
    table(&[("3 a.m.", "3 p.m."), ("3 am", "3 p.m."), ("3 p.m.", "3 am"), ("−5 °C", "5 °C"), ("5 °C", "–5 °C")], false);
    table(
        &[
            ("3 pm", "3 p.m."),
            ("3 a.m.", "3 AM"),
            ("USD 5", "US$5"),
            ("US$5", "USD 5"),
            ("5 USD", "US$5"),
            ("−5 °C", "–5 °C"),
            ("-5 °C", "–5 °C"),
            ("10–20 ms", "10 –20 ms"),
            ("more than 100 ships", "100+ ships"),
            ("at least 100 ships", "100+ ships"),
        ],
        true,
    );
}

#[test]
fn an_hour_in_words_is_proved_as_one_in_digits() {
    table(
        &[
            ("water at nine in the evening", "water at six in the morning"),
            ("water at nine", "water at six"),
            ("water at six in the evening", "water at six in the morning"),
            ("water by two", "water by three"),
        ],
        false,
    );
    table(
        &[
            ("water at six in the morning", "water at 6 in the morning"),
            ("three things: rust, rope and rain", "rust, rope and rain"),
            ("water from two to six", "water from 2 to 6"),
        ],
        true,
    );
}

#[test]
fn a_season_is_no_fall_a_place_no_other_and_a_decade_no_year() {
    let low = "In the low season of the harbour the traffic changed by -5 %.";
    assert!(!proves(low, "In the low season of the harbour the traffic grew by 5 %."));
    assert!(proves(low, "In the low season of the harbour the traffic fell by 5 %."));
    table(
        &[
            ("the third largest ships", "the second largest ships"),
            ("the second gate", "the first gate"),
            ("ships built in 1990", "ships built in the 1990s"),
            ("ships built in the 1980s", "ships built in the 1990s"),
        ],
        false,
    );
    table(
        &[
            ("the third largest ships", "the 3rd largest ships"),
            ("first the second largest ships", "the second largest ships"),
            ("ships built in the 1990s", "ships built during the 1990s"),
        ],
        true,
    );
}
