//! Windows without replacement: each once per epoch, in an order of its own and
//! from an offset of its own. Like every other draw it is addressed: window
//! number `k` of a run is a function of the seed and `k`, so that nothing but
//! the step has to be kept.

use rand::RngExt;

use crate::{draw, stream};

/// The windows of a text, epoch after epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epochs {
    seed: u64,
    block: u64,
    /// Windows in an epoch.
    windows: u64,
    /// Largest offset from which all windows and the token after them still fit.
    slack: u64,
}

impl Epochs {
    /// Needs more than `block_size` tokens.
    pub fn new(seed: u64, tokens: usize, block_size: usize) -> Self {
        let (tokens, block) = (tokens as u64, block_size.max(1) as u64);
        // One block is kept free, so that the offset can be any position of a
        // block: what one epoch cuts apart, another sees together.
        let windows = (tokens / block).saturating_sub(1).max(1);
        Self { seed, block, windows, slack: tokens - 1 - windows * block }
    }

    /// Where window `number` of the run starts.
    pub fn start(&self, number: u128) -> usize {
        let windows = u128::from(self.windows);
        let (epoch, place) = ((number / windows) as u64, (number % windows) as u64);
        let mut generator = draw(self.seed, stream::EPOCHS, epoch);
        let offset = generator.random_range(0..=self.slack);
        let order = Permutation { keys: generator.random(), size: self.windows };
        (offset + order.at(place) * self.block) as usize
    }
}

/// A keyed permutation of `0..size`, read at any place without the others: a
/// Feistel network over the next power of four, walked until it lands inside.
pub(crate) struct Permutation {
    pub keys: [u64; ROUNDS],
    pub size: u64,
}

/// Four already mix well; more cost nothing beside a training step.
pub(crate) const ROUNDS: usize = 8;

impl Permutation {
    /// What stands at `place`, which is below `size`.
    pub fn at(&self, place: u64) -> u64 {
        let bits = (u64::BITS - (self.size - 1).leading_zeros()).div_ceil(2).max(1);
        let mut value = place;
        loop {
            value = self.shuffled(value, bits);
            // A bijection of the whole domain: the walk comes back inside, and
            // from no two places to the same number.
            if value < self.size {
                return value;
            }
        }
    }

    /// A bijection of the numbers below `2^(2 * bits)`.
    fn shuffled(&self, value: u64, bits: u32) -> u64 {
        let mask = (1 << bits) - 1;
        let (mut left, mut right) = (value >> bits, value & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        (left << bits) | right
    }
}

/// SplitMix64's finaliser: every bit of the result depends on every bit of `x`.
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_place_has_a_number_of_its_own(size in 1_u64..3000, keys in any::<[u64; ROUNDS]>()) {
            let order = Permutation { keys, size };
            let mut seen = vec![false; size as usize];
            for place in 0..size {
                let number = order.at(place);
                prop_assert!(number < size);
                prop_assert!(!std::mem::replace(&mut seen[number as usize], true));
            }
        }

        #[test]
        fn large_sizes_stay_inside(size in 1_u64..=1 << 62, place in any::<u64>(), keys in any::<[u64; ROUNDS]>()) {
            let number = Permutation { keys, size }.at(place % size);
            prop_assert!(number < size);
        }
    }

    /// Every number comes first about equally often.
    #[test]
    fn orders_differ_from_epoch_to_epoch() {
        let epochs = Epochs { seed: 3, block: 1, windows: 10, slack: 0 };
        let mut firsts = [0; 10];
        for epoch in 0..2000 {
            firsts[epochs.start(epoch * 10)] += 1;
        }
        assert!(firsts.iter().all(|count| (130..270).contains(count)), "{firsts:?}");
    }
}
