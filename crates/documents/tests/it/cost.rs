//! What sentences cost: shared among those that cite, exact to the last pico-USD, computed again by whoever verifies.

use mcp_orchestrator_documents::{Costs, Document, Share, StepCost, json, markdown, parse};
use mcp_orchestrator_domain::{Cost, EvidenceId, Money, Report, StepId};
use proptest::prelude::*;

use crate::sample::document;

fn evidence(number: usize) -> EvidenceId {
    EvidenceId::new(&format!("ev_{number:012x}")).unwrap()
}

fn step(id: &str, share: Share, cost: Cost, evidence: &[EvidenceId]) -> StepCost {
    StepCost { step: StepId::new(id).unwrap(), share, cost, evidence: evidence.to_vec() }
}

const fn reported(pico_usd: u64) -> Cost {
    Cost::Reported(Money::from_pico_usd(pico_usd))
}

const fn estimated(pico_usd: u64) -> Cost {
    Cost::Estimated(Money::from_pico_usd(pico_usd))
}

/// Three sentences: the first cites what one agent found, the second what both did, the third nothing.
fn report() -> Report {
    let (one, two) = (evidence(1), evidence(2));
    parse(&format!("## Part\n\nIt is so [{one}]. It is so too [{one}, {two}].\n\n## Rest\n\nThey agree."), "T").unwrap()
}

fn steps() -> Vec<StepCost> {
    vec![
        step("planner", Share::None, reported(7), &[]),
        step("belter_0", Share::Cited, reported(11), &[evidence(1)]),
        step("belter_1", Share::Cited, estimated(5), &[evidence(2)]),
        step("belter_2", Share::Cited, reported(3), &[evidence(9)]),
        step("camina", Share::All, reported(10), &[]),
    ]
}

#[test]
fn a_sentence_costs_its_parts_of_who_it_cites_and_of_who_wrote() {
    let costs = Costs::of(&report(), steps());
    let told: Vec<(Vec<&str>, Cost)> = costs
        .sentences
        .iter()
        .map(|sentence| (sentence.steps.iter().map(StepId::as_str).collect(), sentence.cost))
        .collect();
    assert_eq!(
        told,
        [
            (vec!["belter_0"], reported(6 + 4)),
            (vec!["belter_0", "belter_1"], estimated(5 + 5 + 3)),
            (vec![], reported(3)),
        ]
    );
    assert_eq!(costs.not_attributed, reported(7 + 3), "the plan, and what nobody cites");
    assert_eq!(costs.total(), estimated(36));
}

#[test]
fn what_nobody_knows_makes_unknown_what_it_is_a_part_of_and_nothing_else() {
    let mut steps = steps();
    steps[2].cost = Cost::Unknown;
    let costs = Costs::of(&report(), steps);
    let prices: Vec<Cost> = costs.sentences.iter().map(|sentence| sentence.cost).collect();
    assert_eq!(prices, [reported(10), Cost::Unknown, reported(3)]);
    assert_eq!((costs.not_attributed, costs.total()), (reported(10), Cost::Unknown));
    let mut document = document().0;
    document.costs = Some(costs);
    assert!(!markdown::render(&document).contains("What it cost"), "there is no sum to show");
}

proptest! {
    #[test]
    fn sentences_and_remainder_add_up_to_the_steps_whatever_these_cost(
        cited in proptest::collection::vec(proptest::collection::vec(0..5_usize, 0..3), 0..12),
        priced in proptest::collection::vec((0..3_u8, any::<u32>(), 0..6_usize), 0..9),
    ) {
        let sentence = |ids: &Vec<usize>| {
            let ids: String = ids.iter().map(|id| format!(" [{}]", evidence(*id))).collect();
            format!("It is so{ids}.\n\n")
        };
        let text: String = cited.iter().map(sentence).collect();
        let report = if text.is_empty() { Report::default() } else { parse(&text, "T").unwrap() };
        let steps: Vec<StepCost> = (0..).zip(&priced).map(|(at, (share, pico_usd, id))| {
            let share = [Share::Cited, Share::All, Share::None][usize::from(*share)];
            step(&format!("s{at}"), share, reported((*pico_usd).into()), &[evidence(*id)])
        }).collect();
        let costs = Costs::of(&report, steps);
        let sentences = costs.sentences.iter().fold(Cost::FREE, |sum, sentence| sum.plus(sentence.cost));
        prop_assert_eq!(costs.sentences.len(), report.sentences().count());
        prop_assert_eq!(sentences.plus(costs.not_attributed), costs.total());
        let written: Costs = serde_json::from_str(&serde_json::to_string(&costs).unwrap()).unwrap();
        prop_assert_eq!(written, costs);
    }
}

#[test]
fn readers_see_each_section_what_is_left_and_the_sum() {
    let mut document: Document = document().0;
    document.report = report();
    document.costs = Some(Costs::of(&document.report, steps()));
    let text = markdown::render(&document);
    let (_, section) = text.split_once("## What it cost\n").unwrap();
    let lines: Vec<&str> = section.lines().filter(|line| line.starts_with('-')).collect();
    assert_eq!(
        lines,
        [
            "- Part: 0.000000000023",
            "- Rest: 0.000000000003",
            "- Not attributed: 0.00000000001",
            "- Total: 0.000000000036",
        ]
    );
    assert!(section.contains("estimated by a table of prices"));
    let written = json::render(&document).unwrap();
    assert!(written.contains("\"pico_usd\": 36") || written.contains("\"pico_usd\": 10"), "{written}");
}
