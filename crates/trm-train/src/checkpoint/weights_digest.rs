//! A digest of weights that does not depend on the file that holds them.

use sha2::{Digest, Sha256};

/// SHA-256 of tensors, in the order of a model's fields: of each its name, its shape and its
/// numbers as 32-bit floats. A GGUF file and the checkpoint that it is converted to have the
/// same one, whatever their headers say.
#[derive(Clone, Debug, Default)]
pub struct WeightsDigest(Sha256);

/// Numbers that are hashed at once.
const PIECE: usize = 4096;

impl WeightsDigest {
    /// Adds a tensor.
    pub fn add(&mut self, name: &str, shape: &[usize], numbers: &[f32]) {
        self.0.update(format!("{name} {shape:?}\n"));
        let mut bytes = Vec::with_capacity(4 * PIECE.min(numbers.len()));
        for piece in numbers.chunks(PIECE) {
            bytes.clear();
            bytes.extend(piece.iter().flat_map(|number| number.to_le_bytes()));
            self.0.update(&bytes);
        }
    }

    /// In hexadecimal.
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
