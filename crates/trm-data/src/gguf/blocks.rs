//! Number types of tensors: floats, and whole numbers of few bits in blocks that share
//! a scale.

use half::{bf16, f16};

/// Numbers in a quantised block.
const BLOCK: usize = 32;

/// A type of numbers that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberType {
    /// Floats of 32 bits.
    F32,
    /// Floats of 16 bits.
    F16,
    /// The upper half of a float of 32 bits.
    BF16,
    /// A scale, and 32 numbers of 8 bits.
    Q8_0,
    /// A scale, and 32 numbers of 4 bits around 8.
    Q4_0,
    /// A scale, a minimum, and 32 numbers of 4 bits.
    Q4_1,
}

use NumberType::{BF16, F16, F32, Q4_0, Q4_1, Q8_0};

const ALL: [NumberType; 6] = [F32, F16, BF16, Q8_0, Q4_0, Q4_1];

/// What the types are called whose numbers are not read.
const OTHERS: [(u32, &str); 26] = [
    (6, "Q5_0"),
    (7, "Q5_1"),
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (12, "Q4_K"),
    (13, "Q5_K"),
    (14, "Q6_K"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (39, "MXFP4"),
];

impl NumberType {
    /// The type that a file calls `number`, or the name of one that is not read.
    pub(super) fn find(number: u32) -> Result<Self, String> {
        ALL.into_iter().find(|kind| kind.number() == number).ok_or_else(|| {
            OTHERS
                .iter()
                .find(|(other, _)| *other == number)
                .map_or_else(|| format!("the unknown type {number}"), |(_, name)| (*name).into())
        })
    }

    /// All names, for messages.
    pub(super) fn names() -> String {
        ALL.map(Self::name).join(", ")
    }

    fn number(self) -> u32 {
        match self {
            F32 => 0,
            F16 => 1,
            Q4_0 => 2,
            Q4_1 => 3,
            Q8_0 => 8,
            BF16 => 30,
        }
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            F32 => "F32",
            F16 => "F16",
            BF16 => "BF16",
            Q8_0 => "Q8_0",
            Q4_0 => "Q4_0",
            Q4_1 => "Q4_1",
        }
    }

    /// Numbers in a block.
    pub fn block(self) -> usize {
        match self {
            F32 | F16 | BF16 => 1,
            Q8_0 | Q4_0 | Q4_1 => BLOCK,
        }
    }

    /// Bytes of a block.
    pub fn bytes(self) -> usize {
        match self {
            F32 => 4,
            F16 | BF16 => 2,
            Q8_0 => 2 + BLOCK,
            Q4_0 => 2 + BLOCK / 2,
            Q4_1 => 4 + BLOCK / 2,
        }
    }

    /// Whole blocks as f32.
    pub(super) fn numbers(self, bytes: &[u8]) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(bytes.len() / self.bytes() * self.block());
        for block in bytes.chunks_exact(self.bytes()) {
            match self {
                F32 => numbers.push(f32::from_le_bytes([block[0], block[1], block[2], block[3]])),
                F16 => numbers.push(half(block)),
                BF16 => numbers.push(bf16::from_le_bytes([block[0], block[1]]).to_f32()),
                Q8_0 => {
                    let scale = half(block);
                    numbers.extend(block[2..].iter().map(|q| scale * f32::from(*q as i8)));
                }
                Q4_0 => {
                    let scale = half(block);
                    numbers.extend(nibbles(&block[2..]).map(|q| scale * (q - 8.0)));
                }
                Q4_1 => {
                    let (scale, least) = (half(block), half(&block[2..]));
                    numbers.extend(nibbles(&block[4..]).map(|q| scale * q + least));
                }
            }
        }
        numbers
    }
}

/// The float of 16 bits at the beginning.
fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

/// Numbers of four bits: the lower halves of all bytes, then the upper ones.
fn nibbles(bytes: &[u8]) -> impl Iterator<Item = f32> {
    let lower = bytes.iter().map(|byte| f32::from(byte & 15));
    lower.chain(bytes.iter().map(|byte| f32::from(byte >> 4)))
}
