//! Checks that a checkpoint is finite before it replaces a good one.

use safetensors::Dtype;
use trm_data::checkpoint::tensors;
use trm_spec::Failure;

/// The name of a tensor of the safetensors `file` that contains NaN or infinity.
///
/// # Errors
/// If the file is not valid safetensors.
pub(crate) fn first_broken(file: &[u8]) -> Result<Option<String>, Failure> {
    let tensors = tensors(file)?;
    let broken = tensors.tensors().into_iter().find(|(_, view)| !finite(view.data(), view.dtype()));
    Ok(broken.map(|(name, _)| name))
}

/// Whether all values are finite. A half-precision number is finite unless all bits
/// of its exponent are set.
fn finite(data: &[u8], dtype: Dtype) -> bool {
    let half = |exponent: u16| {
        data.chunks_exact(2).all(|b| u16::from_le_bytes([b[0], b[1]]) & exponent != exponent)
    };
    match dtype {
        Dtype::F32 => {
            data.chunks_exact(4).all(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).is_finite())
        }
        Dtype::F16 => half(0x7c00),
        Dtype::BF16 => half(0x7f80),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

    use super::*;

    #[test]
    fn the_tensor_with_a_non_finite_value_is_named() {
        let file = |dtype, numbers: &[Vec<u8>]| {
            let bytes = numbers.concat();
            let view = TensorView::new(dtype, vec![numbers.len()], &bytes).expect("a tensor");
            safetensors::serialize([("w", view)], None).expect("a file")
        };
        let f32s = |numbers: &[f32]| -> Vec<Vec<u8>> {
            numbers.iter().map(|x| x.to_le_bytes().to_vec()).collect()
        };
        let broken = |file: &[u8]| first_broken(file).expect("whole");
        assert_eq!(broken(&file(Dtype::F32, &f32s(&[1.0, f32::MAX, -0.0]))), None);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(broken(&file(Dtype::F32, &f32s(&[1.0, bad]))), Some("w".into()));
        }
        // The largest half and infinity; the same for brain floats.
        for (dtype, largest, infinity) in
            [(Dtype::F16, 0x7bff_u16, 0x7c00_u16), (Dtype::BF16, 0x7f7f, 0xff80)]
        {
            let one = |bits: u16| file(dtype, &[bits.to_le_bytes().to_vec()]);
            assert_eq!((broken(&one(largest)), broken(&one(infinity))), (None, Some("w".into())));
        }
    }
}
