//! The random numbers of the simulation, the same in every run of a seed.

use jiff::SignedDuration;

/// A SplitMix64 generator.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `end - 1`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }

    /// Whether an event of this probability happens.
    pub(crate) fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let index = self.below(from.len() as u64);
        from[usize::try_from(index).expect("an index")]
    }

    pub(crate) fn millis(&mut self, max: u64) -> SignedDuration {
        SignedDuration::from_millis(i64::try_from(self.below(max + 1)).expect("a small number"))
    }

    pub(crate) fn seconds(&mut self, max: u64) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(self.below(max + 1)).expect("a small number"))
    }
}
