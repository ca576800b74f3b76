//! A model that lies, in the draft and again when it is asked to repair it: nothing it makes up is in a report of the
//! strictest gate.

use std::sync::{Arc, Mutex};

use mcp_orchestrator::{
    Handle, Status,
    domain::{Role, Source},
    report::Mark,
    tool::{Snapshot, ToolAnswer, ToolError},
};
use proptest::prelude::*;

use crate::parts::{Harbour, Solo, Teller, ask, call, reply, soon};

const PIER: &str = "The pier of Brest was built by Ada Marlow on 3 May 1912.";
const LOAD: &str = "It carries 240 tonnes within 15 minutes.";
const GATE: &str = "The gate of the pier does not open at night.";

/// What a lie is about; each has something that stands nowhere in the page.
#[derive(Clone, Debug)]
enum Lie {
    Id(String),
    Quotation(Vec<String>),
    Url(String),
    Doi(u32, String),
    ArxivId(u32),
    Bracket(u8),
    Author(String, u16),
    Number(u32),
    NumberInWords(&'static str),
    Unit(&'static str),
    Share(u8),
    Bound(&'static str),
    Date(u8, u16),
    RelativeDate,
    Name(String, String),
    Negation,
    Affirmation,
    UncitedNumber(u32),
    UncitedDate(u16),
    OtherScript(u32),
}

fn lies() -> impl Strategy<Value = Lie> {
    let name = || {
        "[A-Z][a-z]{5,9}".prop_filter("a name of the page", |name| {
            let page = format!("{PIER} {LOAD} {GATE} Almanac").to_lowercase();
            !page.contains(&name.to_lowercase()[..4])
        })
    };
    prop_oneof![
        "[0-9a-f]{12}".prop_map(Lie::Id),
        prop::collection::vec("[a-z]{4,9}", 3..7).prop_map(Lie::Quotation),
        "[a-z]{3,12}".prop_map(Lie::Url),
        (1000_u32..99_999, "[a-z0-9]{1,9}").prop_map(|(registrant, suffix)| Lie::Doi(registrant, suffix)),
        (10_000_u32..99_999).prop_map(Lie::ArxivId),
        (1_u8..99).prop_map(Lie::Bracket),
        (name(), 1950_u16..2026).prop_map(|(name, year)| Lie::Author(name, year)),
        (1_u32..1_000_000).prop_filter("the true one", |number| *number != 240).prop_map(Lie::Number),
        prop::sample::select(vec!["three hundred", "two hundred and fifty", "a thousand", "sixty", "two dozen"])
            .prop_map(Lie::NumberInWords),
        prop::sample::select(vec!["kg", "kilometres", "litres", "passengers per hour", "pounds", "%"])
            .prop_map(Lie::Unit),
        (1_u8..100).prop_map(Lie::Share),
        prop::sample::select(vec!["more than", "fewer than", "less than"]).prop_map(Lie::Bound),
        (1_u8..28, 1800_u16..2026)
            .prop_filter("the true one", |(day, year)| *day != 3 && *year != 1912)
            .prop_map(|(day, year)| Lie::Date(day, year)),
        Just(Lie::RelativeDate),
        (name(), name()).prop_map(|(first, last)| Lie::Name(first, last)),
        Just(Lie::Negation),
        Just(Lie::Affirmation),
        (1_u32..1_000_000).prop_map(Lie::UncitedNumber),
        (1800_u16..2026).prop_map(Lie::UncitedDate),
        (10_u32..99_999).prop_filter("the true one", |number| *number != 240).prop_map(Lie::OtherScript),
    ]
}

impl Lie {
    /// The sentence, with `id` as its citation where it has one.
    fn sentence(&self, id: &str) -> String {
        match self {
            Self::Id(hex) => format!("The pier of Brest stands on wooden piles [ev_{hex}]."),
            Self::Quotation(words) => format!("The almanac says \"{}\" of the pier [{id}].", words.join(" ")),
            Self::Url(host) => format!("The pier of Brest was built by Ada Marlow (https://{host}.example/) [{id}]."),
            Self::Doi(registrant, suffix) => {
                format!("The pier of Brest was built by Ada Marlow, doi:10.{registrant}/{suffix} [{id}].")
            }
            Self::ArxivId(number) => format!("The pier of Brest was built by Ada Marlow, arXiv 2401.{number} [{id}]."),
            Self::Bracket(number) => format!("The pier of Brest was built by Ada Marlow [{number}] [{id}]."),
            Self::Author(name, year) => format!("The pier of Brest is built well ({name} et al., {year}) [{id}]."),
            Self::Number(number) => format!("The pier of Brest carries {number} tonnes [{id}]."),
            Self::NumberInWords(number) => format!("The pier of Brest carries {number} tonnes [{id}]."),
            Self::Unit(unit) => format!("The pier of Brest carries 240 {unit} [{id}]."),
            Self::Share(percent) => format!("The pier of Brest carries {percent} % of all tonnes [{id}]."),
            Self::Bound(bound) => format!("The pier of Brest carries {bound} 240 tonnes [{id}]."),
            Self::Date(day, year) => format!("The pier of Brest was built on {day} June {year} [{id}]."),
            Self::RelativeDate => format!("The pier of Brest was built last year by Ada Marlow [{id}]."),
            Self::Name(first, last) => format!("The pier of Brest was built by {first} {last} [{id}]."),
            Self::Negation => format!("The pier of Brest was not built by Ada Marlow [{id}]."),
            Self::Affirmation => format!("The gate of the pier does open at night [{id}]."),
            Self::UncitedNumber(number) => format!("It has {number} passengers as well."),
            Self::UncitedDate(year) => format!("It was closed on 7 June {year}."),
            Self::OtherScript(number) => {
                let digit = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(0xFF10 + digit)).unwrap_or(c);
                let digits: String = number.to_string().chars().map(digit).collect();
                format!("The pier of Brest carries {digits} tonnes [{id}].")
            }
        }
    }
}

fn page(_: &str) -> Result<ToolAnswer, ToolError> {
    let page = Snapshot::of(format!("{PIER} {LOAD}\n{GATE}\n"));
    let source = Arc::new(Source { uri: "almanac:brest".to_owned(), title: "Almanac".to_owned() });
    let spans = page.quote(0..page.text.len(), &source).into_iter().collect();
    Ok(ToolAnswer { content: "One page.".to_owned(), spans, snapshots: vec![page], ..ToolAnswer::default() })
}

/// An engine whose model writes what the true sentences say, and these lies among them.
fn engine(lies: &Arc<Mutex<Vec<Lie>>>) -> Handle {
    let lies = Arc::clone(lies);
    let liar = Teller::twisted("liar", move |request| {
        if request.input.tool_calls_made == 0 && request.input.role != Role::Editor {
            return Some(Ok(reply("", vec![call("1", "tides", r#"{"port": "Brest"}"#)])));
        }
        let id = request.input.spans.first().map_or_else(|| "ev_000000000000".to_owned(), |span| span.id.to_string());
        let mut text = format!("{PIER} [{id}]\n\n");
        for lie in lies.lock().unwrap().iter() {
            text.push_str(&lie.sentence(&id));
            text.push_str("\n\n");
        }
        text.push_str(&format!("{LOAD} [{id}] {GATE} [{id}]\n"));
        Some(Ok(reply(&text, Vec::new())))
    });
    mcp_orchestrator::Orchestrator::builder(mcp_orchestrator::MemoryStore::new())
        .with_provider(liar)
        .with_strategy(Solo::new("solo"))
        .with_shared_tool(Arc::new(Harbour::twisted("tides", page)))
        .build()
        .unwrap()
        .start()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_lie_of_a_model_is_in_a_report_of_the_strictest_gate(told in prop::collection::vec(lies(), 1..8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let count = told.len();
        let lies = Arc::new(Mutex::new(told));
        let (status, sentences, dropped) = runtime.block_on(async {
            let handle = engine(&lies);
            let id = handle.submit(ask("solo")).await.unwrap();
            let results = soon(handle.wait(&id)).await.unwrap();
            let dropped = results.document.as_ref().unwrap().counts.dropped;
            let sentences: Vec<(String, Mark)> =
                results.report().unwrap().sentences().map(|sentence| (sentence.text.clone(), sentence.mark)).collect();
            (results.row.summary.status, sentences, dropped)
        });
        prop_assert_eq!(status, Status::Completed);
        let expected: Vec<(String, Mark)> =
            [PIER, LOAD, GATE].into_iter().map(|text| (text.to_owned(), Mark::Proved)).collect();
        prop_assert_eq!(sentences, expected, "what was told: {:?}", lies.lock().unwrap());
        prop_assert!(usize::try_from(dropped).unwrap() >= count);
    }
}
