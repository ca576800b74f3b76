//! Evidence ids and spans. Owns how an id is derived from a place; finds no places.

use std::{ops::Range, sync::Arc};

use mcp_orchestrator_domain::{Digest, EvidenceId, Source, Span};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some text: the address of a snapshot.
#[must_use]
pub fn digest_of(text: &str) -> Digest {
    Digest::new(Sha256::digest(text.as_bytes()).into())
}

/// The id of a place: see [`EvidenceId::of_place`].
#[must_use]
pub fn evidence_id(snapshot: &Digest, start: u64, end: u64) -> EvidenceId {
    EvidenceId::of_place(snapshot, start, end, |place| Digest::new(Sha256::digest(place).into()))
}

/// The span of a quote; `range` counts bytes of the snapshot.
pub(crate) fn span(snapshot: Digest, range: &Range<usize>, quote: &str, source: Arc<Source>) -> Arc<Span> {
    let (start, end) = (range.start as u64, range.end as u64);
    Arc::new(Span { id: evidence_id(&snapshot, start, end), snapshot, start, end, quote: quote.into(), source })
}

#[cfg(test)]
mod tests {
    use super::{digest_of, evidence_id};

    #[test]
    fn an_id_depends_on_text_and_range_alone() {
        let digest = digest_of("a workflow survives");
        let id = evidence_id(&digest, 2, 10);
        assert_eq!(id, evidence_id(&digest_of("a workflow survives"), 2, 10));
        assert_eq!(id.as_str().len(), 15);
        assert_ne!(id, evidence_id(&digest, 2, 11));
        assert_ne!(id, evidence_id(&digest_of("another text"), 2, 10));
    }
}
