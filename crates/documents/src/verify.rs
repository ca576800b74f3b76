//! Offline verification of a written report. Owns what is read, which is the JSON and its evidence folder alone, and
//! what counts as a problem; the checks of sentences are the citation gate's.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use mcp_orchestrator_domain::{
    Cost, Digest, Evidence, EvidenceId, EvidenceSet, Finding, GateMode, Mark, Money, Outcome, Report, gate,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Costs, Document, digest_of, evidence_id,
    json::{SEAL, evidence_folder, seal},
};

/// The largest report read, in bytes.
pub const REPORT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The largest snapshot read, in bytes.
pub const SNAPSHOT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A report that cannot be verified at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The JSON cannot be read.
    #[error("report {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The JSON is larger than [`REPORT_BYTES_MAX`].
    #[error("report {} is larger than {REPORT_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not a report: not JSON, or a part of it is missing or of another kind.
    #[error("report {} is malformed at {at}: {detail}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where inside the JSON, for example `report.blocks[2].paragraph[0].text`.
        at: String,
        /// What is wrong there.
        detail: String,
    },
    /// It was written by another version.
    #[error("report {} has schema {schema}, expected {}", path.display(), Document::SCHEMA)]
    UnknownSchema {
        /// The file.
        path: PathBuf,
        /// The schema it states.
        schema: u16,
    },
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// Sentences of the report.
    pub sentences: usize,
    /// Citations of these sentences.
    pub citations: usize,
    /// Snapshots that were read and hash to their names.
    pub snapshots: usize,
    /// What its sentences cost, as far as that is known and was computed again; `None` when the report says nothing of it.
    pub cost: Option<VerifiedCost>,
    /// Everything that is wrong; empty when the report holds.
    pub problems: Vec<VerifyProblem>,
}

/// The sums of a report's costs, computed again from what its steps cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedCost {
    /// All sentences together.
    pub sentences: Cost,
    /// What is no sentence's.
    pub not_attributed: Cost,
    /// Both: what all steps cost.
    pub total: Cost,
}

impl Verification {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.problems.is_empty()
    }
}

/// One thing that is wrong with a written report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyProblem {
    /// The evidence folder has no such file, or it cannot be read.
    MissingEvidence(Digest),
    /// The file's content does not hash to its name, or is no text.
    AlteredEvidence(Digest),
    /// Two spans have the same id.
    DuplicateEvidence(EvidenceId),
    /// A span's id is not the one its snapshot and range have.
    ForgedId {
        /// The id it has.
        id: EvidenceId,
        /// The id it must have.
        expected: EvidenceId,
    },
    /// A span that no proved sentence cites has a quote its snapshot does not have there.
    AlteredQuote(EvidenceId),
    /// A sentence that the report says is proved, or must not hold at all, fails the gate.
    Sentence(Finding),
    /// A sentence is said to be proved and cites nothing.
    ProvedWithoutCitation {
        /// The sentence's position.
        sentence: usize,
        /// Its text.
        text: String,
    },
    /// A sentence stands in a report that says that nothing was found.
    UnexpectedProse {
        /// The sentence's position.
        sentence: usize,
        /// Its text.
        text: String,
    },
    /// What the report says is not what was written: its seal is missing or belongs to other content.
    BrokenSeal {
        /// The seal it has, if any.
        said: Option<String>,
        /// The seal of its content.
        found: Digest,
    },
    /// The report says how many of its sentences have a mark, and other many have it.
    Miscounted {
        /// The mark in words: `proved` or `marked`.
        what: &'static str,
        /// How many the report says there are.
        said: u32,
        /// How many there are.
        found: usize,
    },
    /// A sentence does not cost what its parts of the steps come to.
    Mispriced {
        /// The sentence's position.
        sentence: usize,
    },
    /// The sentences, or what is not attributed, do not come to what was spent.
    CostsDoNotAddUp {
        /// What the report says was spent.
        said: Money,
        /// What its steps come to.
        found: Money,
    },
    /// What is said to be no sentence's is not what the sentences leave.
    WrongRemainder,
}

impl VerifyProblem {
    /// The kind in one word, for programs: the variant's name in snake case.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::MissingEvidence(_) => "missing_evidence",
            Self::AlteredEvidence(_) => "altered_evidence",
            Self::DuplicateEvidence(_) => "duplicate_evidence",
            Self::ForgedId { .. } => "forged_id",
            Self::AlteredQuote(_) => "altered_quote",
            Self::Sentence(_) => "sentence",
            Self::ProvedWithoutCitation { .. } => "proved_without_citation",
            Self::UnexpectedProse { .. } => "unexpected_prose",
            Self::BrokenSeal { .. } => "broken_seal",
            Self::Miscounted { .. } => "miscounted",
            Self::Mispriced { .. } => "mispriced",
            Self::CostsDoNotAddUp { .. } => "costs_do_not_add_up",
            Self::WrongRemainder => "wrong_remainder",
        }
    }

    /// The sentence it is about: its position in [`Report::sentences`] and its text.
    #[must_use]
    pub fn sentence(&self) -> Option<(usize, &str)> {
        match self {
            Self::Sentence(finding) => Some((finding.sentence, &finding.text)),
            Self::ProvedWithoutCitation { sentence, text } | Self::UnexpectedProse { sentence, text } => {
                Some((*sentence, text))
            }
            Self::MissingEvidence(_)
            | Self::AlteredEvidence(_)
            | Self::DuplicateEvidence(_)
            | Self::ForgedId { .. }
            | Self::AlteredQuote(_)
            | Self::BrokenSeal { .. }
            | Self::Miscounted { .. }
            | Self::Mispriced { .. }
            | Self::CostsDoNotAddUp { .. }
            | Self::WrongRemainder => None,
        }
    }
}

impl fmt::Display for VerifyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingEvidence(digest) => write!(f, "evidence file {digest} is missing"),
            Self::AlteredEvidence(digest) => write!(f, "evidence file {digest} was altered"),
            Self::DuplicateEvidence(id) => write!(f, "evidence {id} is listed twice"),
            Self::ForgedId { id, expected } => write!(f, "evidence {id} should have the id {expected}"),
            Self::AlteredQuote(id) => write!(f, "the quote of {id} is not what its snapshot says there"),
            Self::Sentence(finding) => {
                write!(f, "sentence {} {}: {:?}", finding.sentence + 1, finding.problem, finding.text)
            }
            Self::ProvedWithoutCitation { sentence, text } => {
                write!(f, "sentence {} is marked as proved and cites nothing: {text:?}", sentence + 1)
            }
            Self::UnexpectedProse { sentence, text } => {
                write!(f, "sentence {} stands in a report that found nothing: {text:?}", sentence + 1)
            }
            Self::BrokenSeal { said: Some(said), found } => {
                write!(
                    f,
                    "the report was altered after it was written: it is sealed with {said:?}, its content with {found}"
                )
            }
            Self::BrokenSeal { said: None, .. } => f.write_str("the report has no seal"),
            Self::Miscounted { what, said, found } => {
                write!(f, "the report counts {said} {what} sentences and has {found}")
            }
            Self::Mispriced { sentence } => {
                write!(f, "sentence {} does not cost what its parts of the steps come to", sentence + 1)
            }
            Self::CostsDoNotAddUp { said, found } => {
                let (said, found) = (said.pico_usd(), found.pico_usd());
                write!(f, "the report says that {said} pico-USD were spent, and its steps cost {found}")
            }
            Self::WrongRemainder => f.write_str("what is not attributed is not what the sentences leave"),
        }
    }
}

/// Verifies a written report from its JSON and the evidence folder beside it. Needs no network and no store; files in
/// the folder that no span names are not read.
///
/// The seal is computed again, every snapshot is hashed again, every quote compared byte for byte, every id derived again, and every sentence goes
/// through the gate again. Blocks while it reads.
///
/// # Errors
/// [`VerifyError`] when the JSON cannot be read as a report. Everything else that is wrong is a
/// [`VerifyProblem`] of the result.
pub fn verify(json: &Path) -> Result<Verification, VerifyError> {
    let (document, value) = read_document(json)?;
    let mut problems = Vec::new();
    check_seal(&value, &mut problems);
    let mut evidence = EvidenceSet::new();
    let snapshots = read_snapshots(&document, &evidence_folder(json), &mut evidence, &mut problems);
    check_spans(&document, &mut evidence, &mut problems);
    check_sentences(&document, &evidence, &mut problems);
    check_counts(&document, &mut problems);
    let cost = check_costs(&document, &mut problems);
    Ok(Verification {
        sentences: document.report.sentences().count(),
        citations: document.report.sentences().map(|sentence| sentence.evidence.len()).sum(),
        snapshots,
        cost,
        problems,
    })
}

fn read_document(path: &Path) -> Result<(Document, Value), VerifyError> {
    #[derive(Deserialize)]
    struct Head {
        schema: u16,
    }
    let read = |source| VerifyError::Read { path: path.to_owned(), source };
    let bytes = read_bounded(path, REPORT_BYTES_MAX)
        .map_err(read)?
        .ok_or_else(|| VerifyError::TooLarge { path: path.to_owned() })?;
    let head: Head = decode(&bytes, path)?;
    if head.schema != Document::SCHEMA {
        return Err(VerifyError::UnknownSchema { path: path.to_owned(), schema: head.schema });
    }
    Ok((decode(&bytes, path)?, decode(&bytes, path)?))
}

fn check_seal(value: &Value, problems: &mut Vec<VerifyProblem>) {
    let found = seal(value);
    let said = value.get(SEAL).map(|said| said.as_str().map_or_else(|| said.to_string(), str::to_owned));
    if said.as_deref() != Some(found.to_string().as_str()) {
        problems.push(VerifyProblem::BrokenSeal { said, found });
    }
}

fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8], path: &Path) -> Result<T, VerifyError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let malformed = |at: String, detail: String| VerifyError::Malformed { path: path.to_owned(), at, detail };
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| malformed(error.path().to_string(), error.into_inner().to_string()))?;
    deserializer.end().map_err(|error| malformed(".".to_owned(), error.to_string()))?;
    Ok(value)
}

/// The file's bytes; `None` when there are more than `bytes_max`.
fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

fn read_snapshots(
    document: &Document,
    folder: &Path,
    evidence: &mut EvidenceSet,
    problems: &mut Vec<VerifyProblem>,
) -> usize {
    let digests: BTreeSet<Digest> = document.evidence.iter().map(|span| span.snapshot).collect();
    let mut sound = 0;
    for digest in digests {
        let Ok(bytes) = read_bounded(&folder.join(digest.to_string()), SNAPSHOT_BYTES_MAX) else {
            problems.push(VerifyProblem::MissingEvidence(digest));
            continue;
        };
        let text = bytes.filter(|bytes| digest_of(bytes) == digest).and_then(|bytes| String::from_utf8(bytes).ok());
        match text {
            Some(text) => {
                evidence.add_snapshot(digest, text.into());
                sound += 1;
            }
            None => problems.push(VerifyProblem::AlteredEvidence(digest)),
        }
    }
    sound
}

fn check_spans(document: &Document, evidence: &mut EvidenceSet, problems: &mut Vec<VerifyProblem>) {
    let proved: HashSet<&EvidenceId> = document
        .report
        .sentences()
        .filter(|sentence| sentence.mark == Mark::Proved)
        .flat_map(|sentence| &sentence.evidence)
        .collect();
    for span in &document.evidence {
        if evidence.span(&span.id).is_some() {
            problems.push(VerifyProblem::DuplicateEvidence(span.id.clone()));
        }
        let expected = evidence_id(&span.snapshot, span.start, span.end);
        if expected != span.id {
            problems.push(VerifyProblem::ForgedId { id: span.id.clone(), expected });
        }
        // The gate names the sentence of a quote that a proved sentence cites.
        if !proved.contains(&span.id)
            && let Some(snapshot) = evidence.snapshot(&span.snapshot)
        {
            let range = usize::try_from(span.start).ok().zip(usize::try_from(span.end).ok());
            if range.and_then(|(start, end)| snapshot.get(start..end)) != Some(&*span.quote) {
                problems.push(VerifyProblem::AlteredQuote(span.id.clone()));
            }
        }
        evidence.add_span(Arc::clone(span));
    }
}

fn check_sentences(document: &Document, evidence: &EvidenceSet, problems: &mut Vec<VerifyProblem>) {
    let sentences: Vec<_> = document.report.sentences().collect();
    for (at, sentence) in sentences.iter().enumerate() {
        if document.report.outcome == Outcome::NothingFound {
            problems.push(VerifyProblem::UnexpectedProse { sentence: at, text: sentence.text.clone() });
        }
        if sentence.mark == Mark::Proved && sentence.evidence.is_empty() {
            problems.push(VerifyProblem::ProvedWithoutCitation { sentence: at, text: sentence.text.clone() });
        }
    }
    // A sentence said to be proved is checked whatever the document says of its gate and outcome.
    let is_strict = document.gate == GateMode::Strict;
    let outcome = match document.report.outcome {
        Outcome::NothingFound => Outcome::Answered,
        outcome => outcome,
    };
    let report = Report { outcome, ..document.report.clone() };
    let findings = gate::check(&report, evidence, GateMode::Strict);
    let counts = |finding: &Finding| {
        is_strict || sentences.get(finding.sentence).is_some_and(|sentence| sentence.mark == Mark::Proved)
    };
    problems.extend(findings.into_iter().filter(counts).map(VerifyProblem::Sentence));
}

/// What was dropped is not in the report, so only what stayed can be counted again.
fn check_counts(document: &Document, problems: &mut Vec<VerifyProblem>) {
    let counts = document.counts;
    for (what, said, mark) in [("proved", counts.proved, Mark::Proved), ("marked", counts.marked, Mark::Unverified)] {
        let found = document.report.sentences().filter(|sentence| sentence.mark == mark).count();
        if u32::try_from(found) != Ok(said) {
            problems.push(VerifyProblem::Miscounted { what, said, found });
        }
    }
}

/// Shares the costs of the steps again. A total that is not known cannot be held against what was spent.
fn check_costs(document: &Document, problems: &mut Vec<VerifyProblem>) -> Option<VerifiedCost> {
    let said = document.costs.as_ref()?;
    let costs = Costs::of(&document.report, said.steps.clone());
    let count = costs.sentences.len().max(said.sentences.len());
    let wrong = (0..count).filter(|at| costs.sentences.get(*at) != said.sentences.get(*at));
    problems.extend(wrong.map(|sentence| VerifyProblem::Mispriced { sentence }));
    if costs.not_attributed != said.not_attributed {
        problems.push(VerifyProblem::WrongRemainder);
    }
    let total = costs.total();
    if let (Some(found), Some(said)) = (total.known(), document.spent.total_cost())
        && found != said
    {
        problems.push(VerifyProblem::CostsDoNotAddUp { said, found });
    }
    let sentences = costs.sentences.iter().fold(Cost::FREE, |sum, sentence| sum.plus(sentence.cost));
    Some(VerifiedCost { sentences, not_attributed: costs.not_attributed, total })
}
