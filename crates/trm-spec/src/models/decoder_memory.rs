//! The terms of pretrained decoders and of models on a frozen one; see `memory.rs`.

use super::memory::NUMBER;

/// Numbers kept of a decoder's layer, for each of its features and each inner feature; of
/// its embeddings and last normalisation, for each feature; and for each entry of its
/// readout. Nothing is kept between cycles, as it has one.
const LAYER: [f64; 2] = [9.5, 3.6];
const ENDS: f64 = 9.5;
const LOGITS: f64 = 2.2;

/// Numbers kept for each weight of a table that is both embedding and readout: it is turned
/// round, and its gradient is a sum of two.
const TIED: f64 = 3.0;

/// Readouts of a question on a frozen decoder in each supervision step: of its answer, its
/// end and `<think>`, where answers are a token or two.
const ANSWER: f64 = 4.2;

/// Bytes kept of `layers` of a decoder at one position: `[hidden size, inner size]`, and of
/// its ends with `vocab_size` entries.
pub fn decoder(layers: usize, sizes: [usize; 2], vocab_size: usize) -> f64 {
    let [d, inner] = sizes.map(|size| size as f64);
    let of_layers = layers as f64 * (LAYER[0] * d + LAYER[1] * inner);
    NUMBER * (of_layers + ENDS * d) + logits(vocab_size)
}

fn logits(vocab_size: usize) -> f64 {
    NUMBER * LOGITS * vocab_size as f64
}

/// Bytes kept of one answer on a frozen decoder whose `layers` upper ones have adapters:
/// `[hidden size, inner size]`, read at so many `[latents, tokens]`. Of latents only what
/// others attend to is kept.
pub fn answer(layers: usize, sizes: [usize; 2], places: [usize; 2], vocab_size: usize) -> f64 {
    let [d, inner] = sizes.map(|size| size as f64);
    let [latents, tokens] = places.map(|places| places as f64);
    let of_layer = latents * LAYER[0] * d + tokens * (LAYER[0] * d + LAYER[1] * inner);
    NUMBER * layers as f64 * of_layer + ANSWER * logits(vocab_size)
}

/// Bytes of a frozen decoder of so many `weights`, read from a file and kept, and of its
/// table of `[entries, hidden size]`, turned round for the readout.
pub fn frozen(weights: f64, table: [usize; 2]) -> f64 {
    let [entries, d] = table.map(|size| size as f64);
    NUMBER * (2.0 * weights + entries * d)
}

/// Bytes kept of a table of embeddings that is the readout too.
pub fn tied(vocab_size: usize, hidden_size: usize) -> f64 {
    NUMBER * TIED * vocab_size as f64 * hidden_size as f64
}
