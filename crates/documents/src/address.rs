//! Addresses of evidence. Owns how a digest and an evidence id are computed; reads nothing.

use mcp_orchestrator_domain::{Digest, EvidenceId};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes: the address of a snapshot and the name of its file.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest::new(Sha256::digest(bytes).into())
}

/// The id of a place: see [`EvidenceId::of_place`].
#[must_use]
pub fn evidence_id(snapshot: &Digest, start: u64, end: u64) -> EvidenceId {
    EvidenceId::of_place(snapshot, start, end, digest_of)
}

#[cfg(test)]
mod tests {
    use super::{digest_of, evidence_id};

    #[test]
    fn the_derivation_is_the_published_one() {
        let digest = digest_of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let mut bytes = digest.as_bytes().to_vec();
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(evidence_id(&digest, 1, 3).as_str(), format!("ev_{}", &digest_of(&bytes).to_string()[..12]));
    }
}
