//! Near-identical texts. Owns when two results say the same; knows no workflow.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{EvidenceId, cited};

/// A result, reduced to what is compared.
pub(crate) struct Sketch {
    /// Hashes of each three words in a row, citations left out.
    shingles: BTreeSet<u64>,
    evidence: BTreeSet<EvidenceId>,
}

impl Sketch {
    pub(crate) fn of(text: &str) -> Self {
        let words = words(text);
        let width = SHINGLE_WORDS.min(words.len().max(1));
        let shingles = words.windows(width).map(hash).collect();
        Self { shingles, evidence: cited(text).into_iter().collect() }
    }

    /// Whether `other` says the same and rests on the same evidence or more.
    pub(crate) fn is_covered_by(&self, other: &Self) -> bool {
        self.evidence.is_subset(&other.evidence) && self.is_near(other)
    }

    fn is_near(&self, other: &Self) -> bool {
        let both = self.shingles.intersection(&other.shingles).count();
        let either = self.shingles.len() + other.shingles.len() - both;
        both * 100 >= either * NEAR_PERCENT
    }
}

/// The positions of results that say nothing beyond another's. Of two that cover each other the later is one.
pub(crate) fn covered(sketches: &[Sketch]) -> BTreeSet<usize> {
    let mut covered = BTreeSet::new();
    for (position, sketch) in sketches.iter().enumerate() {
        let covers = |(other_position, other): (usize, &Sketch)| {
            let mutual = other.is_covered_by(sketch);
            other_position != position && sketch.is_covered_by(other) && (!mutual || other_position < position)
        };
        if sketches.iter().enumerate().any(covers) {
            covered.insert(position);
        }
    }
    covered
}

const SHINGLE_WORDS: usize = 3;
/// Shared three-word runs of all, in percent, from which two texts are near-identical.
const NEAR_PERCENT: usize = 80;

fn words(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    for (position, piece) in text.split('[').enumerate() {
        let uncited =
            if position > 0 && piece.starts_with("ev_") { piece.split_once(']').map(|(_, rest)| rest) } else { None };
        plain.push(' ');
        plain.push_str(uncited.unwrap_or(piece));
    }
    plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// FNV-1a over the words: the same on every machine.
fn hash(words: &[String]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{Sketch, covered};

    fn covered_of(texts: &[&str]) -> Vec<usize> {
        let sketches: Vec<Sketch> = texts.iter().map(|text| Sketch::of(text)).collect();
        covered(&sketches).into_iter().collect()
    }

    #[test]
    fn the_same_words_with_less_evidence_are_covered() {
        let full = "Logs are folded into state when a worker starts [ev_aaaaaa, ev_bbbbbb].";
        let less = "Logs are folded into state, when a worker starts [ev_aaaaaa].";
        assert_eq!(covered_of(&[less, full]), [0]);
        assert_eq!(covered_of(&[full, less]), [1]);
    }

    #[test]
    fn other_evidence_or_other_words_are_kept() {
        let one = "Logs are folded into state when a worker starts [ev_aaaaaa].";
        assert!(covered_of(&[one, "Logs are folded into state when a worker starts [ev_cccccc]."]).is_empty());
        assert!(covered_of(&[one, "Leases expire after thirty seconds without renewal [ev_aaaaaa]."]).is_empty());
        assert!(covered_of(&[]).is_empty());
    }

    #[test]
    fn of_equal_results_the_first_is_kept() {
        let text = "Leases expire after thirty seconds [ev_aaaaaa].";
        assert_eq!(covered_of(&[text, text, text]), [1, 2]);
    }
}
