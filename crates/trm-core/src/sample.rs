//! Choosing the next token from logits, on the host.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws tokens. One token takes one random number, whatever the logits, so
/// that two models with one seed use the same random numbers.
pub struct Sampler {
    rng: ChaCha8Rng,
    temperature: f64,
    top_k: usize,
}

impl Sampler {
    /// `temperature` 0 takes the most probable token; `top_k` 0 means all.
    pub fn new(seed: u64, temperature: f64, top_k: usize) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), temperature, top_k }
    }

    /// The tokens that may be drawn, the most probable first, and in which proportion.
    fn likely(&self, logits: &[f32]) -> Vec<(usize, f64)> {
        if self.temperature <= 0.0 {
            return vec![(argmax(logits) as usize, 1.0)];
        }
        let mut order: Vec<usize> = (0..logits.len()).collect();
        // Ties break by index, so that every platform sorts alike.
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
        if self.top_k > 0 {
            order.truncate(self.top_k);
        }
        let top = f64::from(logits[order[0]]);
        let weight = |i: usize| ((f64::from(logits[i]) - top) / self.temperature).exp();
        order.into_iter().map(|i| (i, weight(i))).collect()
    }

    /// One of `tokens`, drawn in proportion to their weights.
    fn pick(&mut self, tokens: &[(usize, f64)]) -> u32 {
        let total: f64 = tokens.iter().map(|(_, weight)| weight).sum();
        let mut left = self.rng.random::<f64>() * total;
        for (token, weight) in tokens {
            left -= weight;
            if left < 0.0 {
                return *token as u32;
            }
        }
        tokens.last().map_or(0, |(token, _)| *token as u32)
    }

    /// The probability with which [`next`](Self::next) draws each token.
    pub fn probabilities(&self, logits: &[f32]) -> Vec<f64> {
        let likely = self.likely(logits);
        let total: f64 = likely.iter().map(|(_, weight)| weight).sum();
        let mut probabilities = vec![0.0; logits.len()];
        likely.into_iter().for_each(|(token, weight)| probabilities[token] = weight / total);
        probabilities
    }

    /// A token, drawn with these `probabilities`, which need not add up to 1.
    pub fn draw(&mut self, probabilities: &[f64]) -> u32 {
        let tokens = probabilities.iter().copied().enumerate().filter(|(_, p)| *p > 0.0);
        self.pick(&tokens.collect::<Vec<_>>())
    }

    /// A token with the probabilities `wanted`, which is `drafted` as often as that is
    /// possible: a token that was drawn with the probabilities `offered` (speculative
    /// sampling, Leviathan et al. 2023, algorithm 1).
    pub fn verify(&mut self, drafted: u32, offered: &[f64], wanted: &[f64]) -> u32 {
        let at = drafted as usize;
        if self.rng.random::<f64>() * offered[at] < wanted[at] {
            return drafted;
        }
        let missing = offered.iter().zip(wanted).map(|(q, p)| (p - q).max(0.0));
        self.draw(&missing.collect::<Vec<_>>())
    }

    /// The next token for `logits`, one per class.
    pub fn next(&mut self, logits: &[f32]) -> u32 {
        self.pick(&self.likely(logits))
    }
}

/// Index of the largest value; the first of equals, 0 for none.
pub fn argmax(values: &[f32]) -> u32 {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if value.total_cmp(&values[best]).is_gt() {
            best = i;
        }
    }
    best as u32
}

/// Softmax of a row, in f64.
pub fn softmax(logits: &[f32]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = logits.iter().map(|x| f64::from(x - top).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / total).collect()
}

/// Entropy of a distribution, in nats.
pub fn entropy(probs: &[f64]) -> f64 {
    probs.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_follow_the_softmax() {
        let logits = [1.0, 2.0, 0.5, -1.0];
        let expected = softmax(&logits.map(|x| x / 0.7));
        let mut sampler = Sampler::new(5, 0.7, 0);
        let mut counts = [0.0; 4];
        for _ in 0..20_000 {
            counts[sampler.next(&logits) as usize] += 1.0 / 20_000.0;
        }
        for (count, p) in counts.iter().zip(expected) {
            assert!((count - p).abs() < 0.015, "{count} for {p}");
        }
    }

    /// Shares of `count` tokens.
    fn shares(count: usize, mut draw: impl FnMut() -> u32) -> [f64; 4] {
        let mut shares = [0.0; 4];
        (0..count).for_each(|_| shares[draw() as usize] += 1.0 / count as f64);
        shares
    }

    #[test]
    fn probabilities_are_those_of_the_drawn_tokens() {
        let logits = [1.0, 2.0, 0.5, 2.0];
        for (temperature, top_k) in [(0.7, 0), (1.3, 2), (1.0, 9), (0.0, 0)] {
            let mut sampler = Sampler::new(7, temperature, top_k);
            let expected = sampler.probabilities(&logits);
            let drawn = shares(40_000, || sampler.next(&logits));
            let again = shares(40_000, || sampler.draw(&expected));
            for i in 0..4 {
                assert!((drawn[i] - expected[i]).abs() < 0.01, "{drawn:?} for {expected:?}");
                assert!((again[i] - expected[i]).abs() < 0.01, "{again:?} for {expected:?}");
            }
        }
    }

    #[test]
    fn verified_drafts_follow_the_wanted_distribution() {
        let mut sampler = Sampler::new(3, 1.0, 0);
        let cases: [[[f64; 4]; 2]; 4] = [
            [[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]],
            [[0.25; 4], [0.0, 0.0, 1.0, 0.0]],
            [[0.0, 1.0, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0]],
            [[0.7, 0.1, 0.1, 0.1], [0.7, 0.1, 0.1, 0.1]],
        ];
        for [offered, wanted] in cases {
            let (count, mut kept) = (40_000, 0.0);
            let found = shares(count, || {
                let drafted = sampler.draw(&offered);
                let token = sampler.verify(drafted, &offered, &wanted);
                kept += f64::from(u8::from(token == drafted)) / count as f64;
                token
            });
            let common: f64 = offered.iter().zip(wanted).map(|(q, p)| q.min(p)).sum();
            assert!((kept - common).abs() < 0.01, "{kept} of {common} kept");
            for (found, p) in found.iter().zip(wanted) {
                assert!((found - p).abs() < 0.01, "{found} for {p}");
            }
        }
    }

    #[test]
    fn top_k_never_leaves_the_best_k() {
        let mut sampler = Sampler::new(1, 5.0, 2);
        assert!((0..500).all(|_| [1, 3].contains(&sampler.next(&[0.0, 1.0, 0.2, 0.9]))));
    }

    #[test]
    fn temperature_zero_is_greedy_and_takes_the_first_of_equals() {
        let mut sampler = Sampler::new(1, 0.0, 0);
        assert_eq!(sampler.next(&[0.0, 3.0, 3.0]), 1);
    }

    #[test]
    fn random_numbers_do_not_depend_on_the_logits() {
        let (mut a, mut b) = (Sampler::new(9, 1.0, 0), Sampler::new(9, 0.0, 3));
        for _ in 0..10 {
            a.next(&[0.0, 5.0]);
            b.next(&[1.0, 0.0, 0.0]);
        }
        assert_eq!(a.rng.random::<u64>(), b.rng.random::<u64>());
    }
}
