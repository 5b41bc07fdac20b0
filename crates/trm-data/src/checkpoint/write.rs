//! Safetensors files whose bytes depend on their content only.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use safetensors::SafeTensorError;
use safetensors::tensor::View;

/// What stands before the header's pairs.
const BEFORE: &[u8] = b"{\"__metadata__\":";

/// Bytes that say how long the header is.
const LENGTH: usize = size_of::<u64>();

/// A safetensors file of `tensors` with `pairs` in its header, sorted by name. The crate writes
/// them in the order of a `HashMap`, which is another in every process, so that two files of
/// the same content would have two digests.
///
/// # Errors
/// If the file would be too large, or a tensor does not fit its shape.
pub fn write<S: AsRef<str> + Ord + Display, V: View>(
    tensors: impl IntoIterator<Item = (S, V)>,
    pairs: HashMap<String, String>,
) -> Result<Vec<u8>, SafeTensorError> {
    let sorted = serde_json::to_vec(&pairs.iter().collect::<BTreeMap<_, _>>())?;
    let mut bytes = safetensors::serialize(tensors, Some(pairs))?;
    let start = LENGTH + BEFORE.len();
    let place = bytes
        .get_mut(start..start + sorted.len())
        .ok_or(SafeTensorError::MetadataIncompleteBuffer)?;
    place.copy_from_slice(&sorted);
    debug_assert!(bytes[LENGTH..].starts_with(BEFORE), "the pairs stand elsewhere");
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;
    use safetensors::{Dtype, SafeTensors};

    use super::*;

    #[test]
    fn equal_content_makes_equal_files() {
        let pair = |i: usize| (format!("key {i}"), format!("\"quoted\"\n{i} é"));
        let file = |order: &mut dyn Iterator<Item = usize>| {
            let view = TensorView::new(Dtype::F32, vec![1], &[0, 0, 128, 63]).unwrap();
            write([("b", &view), ("a", &view)], order.map(pair).collect()).unwrap()
        };
        // Every map has an order of its own.
        let first = file(&mut (0..20));
        assert!((0..5).all(|_| file(&mut (0..20).rev()) == first));
        let (_, header) = SafeTensors::read_metadata(&first).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap(), &(0..20).map(pair).collect());
        let tensors = SafeTensors::deserialize(&first).unwrap();
        assert_eq!(tensors.tensor("a").unwrap().data(), [0, 0, 128, 63]);
    }
}
