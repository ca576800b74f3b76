//! What must look random: names nobody else has, and seeds. Owns the only way the engine comes by it: the operating system,
//! or a seed where a test wants the same run again.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;

/// The step of SplitMix64.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Gives random bytes.
#[derive(Debug, Default)]
pub(crate) struct Dice {
    seeded: Option<AtomicU64>,
}

impl Dice {
    /// Dice that fall the same way each time.
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self { seeded: Some(AtomicU64::new(seed)) }
    }

    /// The next bytes.
    pub(crate) fn roll<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        match &self.seeded {
            None => getrandom::fill(&mut bytes).map_err(|error| Error::Internal(format!("no randomness: {error}")))?,
            Some(state) => {
                for chunk in bytes.chunks_mut(8) {
                    let number = mixed(state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP));
                    chunk.copy_from_slice(&number.to_be_bytes()[..chunk.len()]);
                }
            }
        }
        Ok(bytes)
    }
}

/// SplitMix64: numbers that look random for numbers one step apart.
const fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_again_and_never_the_same_twice() -> Result<(), Error> {
        let (one, other) = (Dice::seeded(7), Dice::seeded(7));
        let first: [u8; 20] = one.roll()?;
        assert_eq!(first, other.roll()?);
        assert_ne!(first, one.roll()?);
        assert_ne!(first, Dice::seeded(8).roll()?);
        Ok(())
    }
}
