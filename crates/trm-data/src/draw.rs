//! Random numbers by address: the generator of step 1000 is had without
//! drawing those of the 999 before it. All platforms draw the same numbers.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a run draws for; each purpose has numbers of its own.
pub mod stream {
    /// Positions of training batches.
    pub const TRAIN_BATCHES: u64 = 0;
    /// Positions of validation batches.
    pub const VAL_BATCHES: u64 = 1;
    /// Depth of each training step.
    pub const DEPTHS: u64 = 2;
    /// Dropout masks.
    pub const DROPOUT: u64 = 3;
    /// Order of the windows of an epoch.
    pub const EPOCHS: u64 = 6;
    /// Which puzzles a batch takes.
    pub const PUZZLES: u64 = 7;
    /// Which puzzles must run how long before they halt.
    pub const EXPLORATION: u64 = 8;
    /// How each puzzle or image is augmented.
    pub const AUGMENTATIONS: u64 = 9;
    /// Puzzles that are made.
    pub const MADE: u64 = 10;
    /// Where padded rows end.
    pub const LENGTHS: u64 = 11;
    /// Order of the images of an epoch.
    pub const IMAGES: u64 = 12;
    /// Order of the questions of an epoch.
    pub const QUESTIONS: u64 = 13;
    /// Questions that are made.
    pub const QUESTIONS_MADE: u64 = 14;
    /// Augmented copies of a puzzle that is solved.
    pub const COPIES: u64 = 15;
    /// Noise on the states of a puzzle that is solved.
    pub const STATE_NOISE: u64 = 16;
}

/// The generator for `step` of `stream` in the run seeded with `seed`.
pub fn draw(seed: u64, stream: u64, step: u64) -> ChaCha8Rng {
    // ChaCha is a function of key and nonce: no two addresses share their numbers.
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&stream.to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(step);
    generator
}
