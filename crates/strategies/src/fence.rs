//! Fences: how text from outside is shown to a model without becoming an instruction. Owns the nonce and the marks;
//! knows nothing of prompts.

use std::{borrow::Cow, fmt};

use mcp_orchestrator_domain::{StepId, clean_line};

/// A pair of marks around foreign text that the text itself cannot write.
///
/// The marks carry a nonce derived from the workflow's random seed and the step, so the author of a document cannot
/// know it, and the same step has the same one after a crash. What looks like a mark is defused all the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Fence {
    nonce: String,
}

impl Fence {
    /// The fence of a step.
    #[must_use]
    pub fn new(seed: u64, step: &StepId) -> Self {
        Self { nonce: format!("{:016x}", keyed_hash([seed, NONCE_KEY], step.as_str().as_bytes())) }
    }

    /// The 64 bits in both marks, as 16 hexadecimal digits.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The mark that ends what is fenced: a line of its own.
    #[must_use]
    pub fn closing(&self) -> String {
        format!("<<<END {}>>>", self.nonce)
    }

    /// Foreign text between its marks. `label` says what it is and may be foreign too: it is made one safe line.
    ///
    /// Control characters but newline and tab are dropped.
    #[must_use]
    pub fn wrap(&self, label: &str, text: &str) -> String {
        let mut wrapped = String::with_capacity(text.len() + label.len() + 64);
        // A string takes whatever is written to it.
        let _ = self.write(&mut wrapped, label, text);
        wrapped
    }

    /// As [`Fence::wrap`], written to where the prompt is put together.
    pub(crate) fn write(&self, to: &mut dyn fmt::Write, label: &str, text: &str) -> fmt::Result {
        let label = clean_line(label, LABEL_CHARS_MAX);
        let mut label = self.defuse(&label);
        if label.contains('>') {
            label = Cow::Owned(label.replace('>', ""));
        }
        let text = self.defuse(text.trim_end());
        let nonce = &self.nonce;
        write!(to, "<<<DATA {nonce} {}\n{text}\n<<<END {nonce}>>>", label.trim())
    }

    /// Breaks up whatever could pass for a mark: the nonce in any case, and the words of a mark.
    fn defuse<'a>(&self, text: &'a str) -> Cow<'a, str> {
        // Nearly every text is harmless, and this looks at each one an agent reads: so first only look.
        if self.is_harmless(text) {
            return Cow::Borrowed(text);
        }
        let kept: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
        // What replaces a match holds no character of it, so no new match can form around it.
        let kept = replace_ignoring_case(&kept, &self.nonce, "…");
        let kept = replace_ignoring_case(&kept, "<<<END", "‹‹‹end");
        Cow::Owned(replace_ignoring_case(&kept, "<<<DATA", "‹‹‹data"))
    }
}

impl Fence {
    /// Whether a text holds no control character, no mark, and no run of hexadecimal digits as long as the nonce.
    fn is_harmless(&self, text: &str) -> bool {
        let (mut digits, mut angles) = (0, 0);
        text.bytes().all(|b| {
            digits = if b.is_ascii_hexdigit() { digits + 1 } else { 0 };
            angles = if b == b'<' { angles + 1 } else { 0 };
            // Control characters beyond ASCII begin with this byte; so do harmless ones, which the longer way keeps.
            let may_be_control = b < b' ' && b != b'\n' && b != b'\t' || b == 0x7f || b == 0xc2;
            !may_be_control && angles < 3 && digits < self.nonce.len()
        })
    }
}

impl fmt::Debug for Fence {
    /// Without the nonce: whoever reads a log must not learn it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fence").finish_non_exhaustive()
    }
}

const LABEL_CHARS_MAX: usize = 120;
const NONCE_KEY: u64 = 0x6d63_702d_6665_6e63;

/// `needle` is ASCII, so a match never splits a character.
fn replace_ignoring_case(text: &str, needle: &str, with: &str) -> String {
    let folded = text.to_ascii_lowercase();
    let needle = needle.to_ascii_lowercase();
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(found) = folded[from..].find(&needle) {
        kept.push_str(&text[from..from + found]);
        kept.push_str(with);
        from += found + needle.len();
    }
    kept.push_str(&text[from..]);
    kept
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012): who sees one nonce can compute neither the seed nor another step's.
fn keyed_hash(key: [u64; 2], message: &[u8]) -> u64 {
    let mut v = [
        key[0] ^ 0x736f_6d65_7073_6575,
        key[1] ^ 0x646f_7261_6e64_6f6d,
        key[0] ^ 0x6c79_6765_6e65_7261,
        key[1] ^ 0x7465_6462_7974_6573,
    ];
    let mut absorb = |word: u64| {
        v[3] ^= word;
        sip_round(&mut v);
        sip_round(&mut v);
        v[0] ^= word;
    };
    let blocks = message.chunks_exact(8);
    let mut last = [0_u8; 8];
    last[..blocks.remainder().len()].copy_from_slice(blocks.remainder());
    last[7] = message.len().to_le_bytes()[0];
    for block in blocks {
        let mut word = [0_u8; 8];
        word.copy_from_slice(block);
        absorb(u64::from_le_bytes(word));
    }
    absorb(u64::from_le_bytes(last));
    v[2] ^= 0xff;
    for _ in 0..4 {
        sip_round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

const fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::keyed_hash;

    #[test]
    fn the_hash_gives_the_reference_vectors() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(keyed_hash(key, &message), 0xa129_ca61_49be_45e5);
        assert_eq!(keyed_hash(key, &[]), 0x726f_db47_dd0e_0e31);
    }
}
