//! Verification: an untouched report holds, and every way of touching it is named.

use std::{fs, path::PathBuf};

use mcp_orchestrator_documents::{
    Costs, Document, Share, StepCost, json,
    verify::{Verification, VerifyError, VerifyProblem, verify},
};
use mcp_orchestrator_domain::{Cost, EvidenceId, GateMode, Mark, Money, Outcome, Problem, StepId};
use tempfile::TempDir;

use crate::sample::document;

/// A written report that tests may damage.
struct Written {
    _folder: TempDir,
    json: PathBuf,
}

impl Written {
    fn new(change: impl FnOnce(&mut Document)) -> Self {
        let (mut document, evidence) = document();
        let files = json::evidence_files(&document, &evidence).unwrap();
        change(&mut document);
        let folder = tempfile::tempdir().unwrap();
        let json = folder.path().join("report.json");
        fs::write(&json, json::render(&document).unwrap()).unwrap();
        let evidence = json::evidence_folder(&json);
        fs::create_dir(&evidence).unwrap();
        for file in files {
            fs::write(evidence.join(file.digest.to_string()), file.text.as_bytes()).unwrap();
        }
        Self { _folder: folder, json }
    }

    fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.json).unwrap();
        assert!(text.contains(from), "{from:?} is in the report");
        fs::write(&self.json, text.replacen(from, to, 1)).unwrap();
    }

    fn evidence_files(&self) -> Vec<PathBuf> {
        let folder = json::evidence_folder(&self.json);
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    fn verify(&self) -> Verification {
        verify(&self.json).unwrap()
    }

    #[track_caller]
    fn names(&self, expected: &str) {
        let problems = self.verify().problems;
        let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(found.iter().any(|problem| problem.contains(expected)), "expected {expected:?} in {found:#?}");
    }
}

#[test]
fn an_untouched_report_holds() {
    let verification = Written::new(|_| {}).verify();
    assert_eq!(verification.problems, []);
    assert!(verification.holds());
    assert_eq!((verification.snapshots, verification.citations), (2, 7));
}

#[test]
fn a_report_that_was_moved_and_set_anew_holds() {
    let written = Written::new(|_| {});
    let other = tempfile::tempdir().unwrap();
    let moved = other.path().join("renamed.json");
    // Other spaces and another order of fields say the same.
    let value: serde_json::Value = serde_json::from_str(&fs::read_to_string(&written.json).unwrap()).unwrap();
    fs::write(&moved, value.to_string()).unwrap();
    fs::rename(json::evidence_folder(&written.json), json::evidence_folder(&moved)).unwrap();
    drop(written);
    assert_eq!(verify(&moved).unwrap().problems, []);
}

#[test]
fn what_no_evidence_speaks_for_is_under_the_seal() {
    for (from, to) in [
        ("\"title\": \"How does it survive?\"", "\"title\": \"How does it thrive?\""),
        ("2026-11-23T", "2025-11-23T"),
        ("\"The sources agree on this.\"", "\"The sources differ on this.\""),
        ("\"text\": \"Details\"", "\"text\": \"Proofs\""),
        ("corpus:docs/log.md", "corpus:docs/law.md"),
        ("\"known_cost_pico_usd\": 12500000000", "\"known_cost_pico_usd\": 12500000001"),
        ("\"reason\": \"deadline: 180 s passed\"", "\"reason\": \"deadline: 190 s passed\""),
    ] {
        let written = Written::new(|_| {});
        written.edit(from, to);
        let problems = written.verify().problems;
        assert!(
            problems.iter().any(|p| matches!(p, VerifyProblem::BrokenSeal { said: Some(_), .. })),
            "{from}: {problems:?}"
        );
    }
    let written = Written::new(|_| {});
    written.edit("\"seal\"", "\"sea1\"");
    written.names("the report has no seal");
}

/// Whatever byte is changed: the report is no report any more, or the change is named. Bytes between the JSON's tokens
/// say nothing.
#[test]
fn no_byte_of_a_bundle_can_be_changed_unnoticed() {
    let written = Written::new(|_| {});
    let original = fs::read(&written.json).unwrap();
    let meaning: serde_json::Value = serde_json::from_slice(&original).unwrap();
    for at in 0..original.len() {
        let mut bytes = original.clone();
        bytes[at] ^= 1;
        // What is no JSON any more is no report.
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&bytes) else { continue };
        if value == meaning {
            continue;
        }
        fs::write(&written.json, &bytes).unwrap();
        let noticed = verify(&written.json).map_or(true, |found| !found.holds());
        assert!(
            noticed,
            "byte {at}: {}",
            String::from_utf8_lossy(&bytes[at.saturating_sub(40)..(at + 40).min(bytes.len())])
        );
    }
    fs::write(&written.json, &original).unwrap();
    for file in written.evidence_files() {
        let text = fs::read(&file).unwrap();
        for at in 0..text.len() {
            let mut bytes = text.clone();
            bytes[at] ^= 1;
            fs::write(&file, &bytes).unwrap();
            assert!(!written.verify().holds(), "byte {at} of {}", file.display());
        }
        fs::write(&file, &text[..text.len() - 1]).unwrap();
        assert!(!written.verify().holds(), "{} cut", file.display());
        fs::write(&file, text).unwrap();
    }
    assert!(written.verify().holds());
}

#[test]
fn an_altered_quote_is_named_with_its_sentence() {
    let written = Written::new(|_| {});
    written
        .edit("\"quote\": \"The log is\\nflushed within 50 ms.\"", "\"quote\": \"The log is\\nflushed within 90 ms.\"");
    written.names("whose quote is not what its snapshot says there: \"The log is flushed within 50 ms.\"");
}

#[test]
fn an_altered_number_is_named_with_its_sentence() {
    let written = Written::new(|_| {});
    written.edit("The log is flushed within 50 ms.", "The log is flushed within 60 ms.");
    written.names("states the number 60, which is in none of its quotes: \"The log is flushed within 60 ms.\"");
}

#[test]
fn an_unknown_id_is_named_with_its_sentence() {
    let written = Written::new(|document| {
        let unknown = EvidenceId::new("ev_abcdefabcdef").unwrap();
        for block in &mut document.report.blocks {
            if let mcp_orchestrator_domain::Block::Quote(sentences) = block {
                sentences[0].evidence = vec![unknown.clone()];
            }
        }
    });
    written.names("cites ev_abcdefabcdef, which is no evidence of this report: \"The engine appends every result");
}

#[test]
fn missing_and_altered_evidence_files_are_named() {
    let written = Written::new(|_| {});
    let file = written.evidence_files().remove(0);
    let digest = file.file_name().unwrap().to_str().unwrap().to_owned();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text} ")).unwrap();
    written.names(&format!("evidence file {digest} was altered"));
    fs::remove_file(&file).unwrap();
    written.names(&format!("evidence file {digest} is missing"));
    fs::remove_dir_all(json::evidence_folder(&written.json)).unwrap();
    let missing = written.verify().problems;
    assert_eq!(missing.iter().filter(|problem| matches!(problem, VerifyProblem::MissingEvidence(_))).count(), 2);
}

#[test]
fn a_file_no_span_names_changes_nothing() {
    let written = Written::new(|_| {});
    fs::write(json::evidence_folder(&written.json).join("notes.txt"), "x").unwrap();
    assert!(written.verify().holds());
}

#[test]
fn a_forged_id_or_range_is_named() {
    let written = Written::new(|document| {
        let mut span = (*document.evidence[0]).clone();
        span.id = EvidenceId::new("ev_000000000000").unwrap();
        document.evidence.push(span.clone().into());
        document.evidence.push(span.into());
    });
    let problems = written.verify().problems;
    assert!(problems.iter().any(|problem| matches!(problem, VerifyProblem::ForgedId { .. })), "{problems:?}");
    assert!(problems.iter().any(|problem| matches!(problem, VerifyProblem::DuplicateEvidence(_))), "{problems:?}");

    let written = Written::new(|document| {
        let mut span = (*document.evidence[0]).clone();
        span.quote = "The engine appends no result.".into();
        span.end = span.start + 29;
        span.id = mcp_orchestrator_documents::evidence_id(&span.snapshot, span.start, span.end);
        document.evidence.push(span.into());
    });
    let problems = written.verify().problems;
    assert!(matches!(problems[..], [VerifyProblem::AlteredQuote(_)]), "{problems:?}");
}

#[test]
fn false_marks_are_named() {
    let written = Written::new(|document| {
        if let Some(mcp_orchestrator_domain::Block::Paragraph(sentences)) = document.report.blocks.get_mut(1) {
            sentences.last_mut().unwrap().mark = Mark::Proved;
        }
    });
    written.names("is marked as proved and cites nothing: \"The sources agree on this.\"");

    let written = Written::new(|document| document.report.outcome = Outcome::NothingFound);
    written.names("stands in a report that found nothing");

    // Switching the gate off in the file does not help a sentence that is said to be proved.
    let written = Written::new(|document| document.gate = GateMode::Off);
    written.edit("The log is flushed within 50 ms.", "The log is not flushed within 50 ms.");
    let problems = written.verify().problems;
    assert!(
        problems.iter().any(|p| matches!(p, VerifyProblem::Sentence(finding) if finding.problem == Problem::Negation)),
        "{problems:?}"
    );
}

#[test]
fn altered_counts_are_named() {
    let written = Written::new(|document| document.counts.proved += 3);
    written.names("sentences and has");
    let written = Written::new(|document| document.counts.marked += 1);
    written.names("marked sentences and has");
}

#[test]
fn what_is_no_report_is_refused_with_its_place() {
    let written = Written::new(|_| {});
    written.edit("\"mark\": \"proved\"", "\"mark\": \"prooved\"");
    let error = verify(&written.json).unwrap_err();
    let VerifyError::Malformed { at, detail, .. } = &error else { panic!("{error:?}") };
    assert!(at.starts_with("report.blocks[1]"), "{at}");
    assert!(detail.contains("prooved"), "{detail}");

    fs::write(&written.json, "{\"schema\": 99}").unwrap();
    assert!(matches!(verify(&written.json), Err(VerifyError::UnknownSchema { schema: 99, .. })));
    fs::write(&written.json, "[".repeat(100_000)).unwrap();
    assert!(matches!(verify(&written.json), Err(VerifyError::Malformed { .. })));
    fs::remove_file(&written.json).unwrap();
    assert!(matches!(verify(&written.json), Err(VerifyError::Read { .. })));
}

/// A report whose sentences are priced: one step wrote, and another one is nobody's.
fn priced(document: &mut Document) {
    let step = |id: &str, share, pico_usd| StepCost {
        step: StepId::new(id).unwrap(),
        share,
        cost: Cost::Reported(Money::from_pico_usd(pico_usd)),
        evidence: Vec::new(),
    };
    let steps = vec![step("planner", Share::None, 4_000), step("camina", Share::All, 12_499_996_000)];
    document.costs = Some(Costs::of(&document.report, steps));
}

#[test]
fn what_sentences_cost_is_computed_again() {
    let found = Written::new(priced).verify();
    assert!(found.holds(), "{:?}", found.problems);
    let cost = found.cost.unwrap();
    let pico_usd = |cost: Cost| cost.known().unwrap().pico_usd();
    assert_eq!((pico_usd(cost.sentences), pico_usd(cost.not_attributed)), (12_499_996_000, 4_000));
    assert_eq!(pico_usd(cost.total), 12_500_000_000);
    assert_eq!(Written::new(|_| ()).verify().cost, None);
}

#[test]
fn a_price_that_was_altered_is_named() {
    let change = |change: fn(&mut Costs)| {
        let written = Written::new(|document| {
            priced(document);
            change(document.costs.as_mut().unwrap());
        });
        written.verify().problems
    };
    let dear = |costs: &mut Costs| costs.sentences[1].cost = Cost::Reported(Money::from_pico_usd(1));
    assert_eq!(change(dear), [VerifyProblem::Mispriced { sentence: 1 }]);
    assert_eq!(change(|costs| costs.not_attributed = Cost::FREE), [VerifyProblem::WrongRemainder]);
    let missing = change(|costs| drop(costs.sentences.pop()));
    assert!(matches!(missing[..], [VerifyProblem::Mispriced { .. }]), "{missing:?}");
    let free = change(|costs| {
        costs.steps.remove(0);
        costs.not_attributed = Cost::FREE;
    });
    assert!(matches!(free[..], [VerifyProblem::CostsDoNotAddUp { .. }]), "{free:?}");
}
