//! Changes to a checkpoint's header or to how its numbers are stored, without opening
//! the model.

use std::collections::HashMap;

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use trm_spec::{Failure, RunConfig, Vocab};

use super::header::{Base, DAMAGED, FORMAT, metadata, refused};
use super::tensors::numbers;
use super::write::write;

/// How a checkpoint's numbers are stored; all are read back as f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
}

/// The weights of `checkpoint` as the start of a new run of `config`: at step 0, without
/// metrics.
///
/// # Errors
/// If `checkpoint` is damaged or foreign.
pub fn restart(checkpoint: &[u8], config: &RunConfig) -> Result<Vec<u8>, Failure> {
    let config = json(config)?;
    let entries = [("config", config), ("step", "0".into()), ("metrics", "null".into())];
    rewrite(checkpoint, &entries, None)
}

/// The same state of a run that continues under `config`, of the same model.
///
/// # Errors
/// If `checkpoint` is damaged or foreign.
pub fn with_config(checkpoint: &[u8], config: &RunConfig) -> Result<Vec<u8>, Failure> {
    rewrite(checkpoint, &[("config", json(config)?)], None)
}

/// The same model with another vocabulary of the same size.
///
/// # Errors
/// If `checkpoint` is damaged or foreign.
pub fn with_vocab(checkpoint: &[u8], vocab: &Vocab) -> Result<Vec<u8>, Failure> {
    rewrite(checkpoint, &[("vocab", json(vocab)?)], None)
}

/// The same model with another name of its frozen base.
///
/// # Errors
/// If `checkpoint` is damaged or foreign.
pub fn with_base(checkpoint: &[u8], base: &Base) -> Result<Vec<u8>, Failure> {
    rewrite(checkpoint, &[("base", json(base)?)], None)
}

/// The same model with its weights stored at `precision`. Half precision keeps
/// eleven bits.
///
/// # Errors
/// If `checkpoint` is damaged or foreign, or a weight is beyond the range of half
/// precision.
pub fn with_precision(checkpoint: &[u8], precision: Precision) -> Result<Vec<u8>, Failure> {
    rewrite(checkpoint, &[], Some(precision))
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| {
        refused(
            format!("the header cannot be written: {error}"),
            "This is a defect; please report it.",
        )
    })
}

fn rewrite(
    checkpoint: &[u8],
    entries: &[(&str, String)],
    precision: Option<Precision>,
) -> Result<Vec<u8>, Failure> {
    let whole = |error| refused(format!("this is not a whole safetensors file ({error})"), DAMAGED);
    let mut pairs: HashMap<String, String> = metadata(checkpoint, FORMAT)?;
    pairs.extend(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let tensors = SafeTensors::deserialize(checkpoint).map_err(whole)?;
    let Some(precision) = precision else {
        return write(tensors.tensors(), pairs).map_err(whole);
    };
    let mut stored = Vec::new();
    for (name, view) in tensors.tensors() {
        let bytes = store(&numbers(&view), precision).ok_or_else(|| {
            refused(
                format!("tensor `{name}` holds a number beyond half precision"),
                "Keep the checkpoint at full precision.",
            )
        })?;
        stored.push((name, view.shape().to_vec(), bytes));
    }
    let dtype = match precision {
        Precision::F32 => Dtype::F32,
        Precision::F16 => Dtype::F16,
    };
    let views = stored
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(whole)?;
    write(views, pairs).map_err(whole)
}

/// The bytes of `values`, unless one of them does not fit.
fn store(values: &[f32], precision: Precision) -> Option<Vec<u8>> {
    match precision {
        Precision::F32 => Some(values.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Precision::F16 => {
            let halves: Vec<f16> = values.iter().map(|&x| f16::from_f32(x)).collect();
            let fit = halves.iter().zip(values).all(|(h, x)| h.is_finite() || !x.is_finite());
            fit.then(|| halves.iter().flat_map(|h| h.to_le_bytes()).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(weights: &[f32]) -> Vec<u8> {
        let bytes: Vec<u8> = weights.iter().flat_map(|x| x.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![weights.len()], &bytes).unwrap();
        let pairs = [("format", FORMAT), ("step", "7"), ("metrics", "{}")];
        let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        safetensors::serialize([("w", view)], Some(HashMap::from(pairs))).unwrap()
    }

    fn weights(bytes: &[u8]) -> Vec<f32> {
        numbers(&SafeTensors::deserialize(bytes).unwrap().tensor("w").unwrap())
    }

    #[test]
    fn entries_change_and_weights_do_not() {
        let after = restart(&checkpoint(&[1.0, -2.0]), &RunConfig::default()).unwrap();
        let pairs = metadata(&after, FORMAT).unwrap();
        assert_eq!(pairs["step"], "0");
        let config: RunConfig = serde_json::from_str(&pairs["config"]).unwrap();
        assert_eq!(config, RunConfig::default());
        assert_eq!(weights(&after), [1.0, -2.0]);
    }

    #[test]
    fn half_precision_halves_the_file_and_rounds() {
        let values: Vec<f32> = (0..4000).map(|i| (i as f32).sin()).collect();
        let whole = checkpoint(&values);
        let half = with_precision(&whole, Precision::F16).unwrap();
        assert!(half.len() < whole.len() * 11 / 20, "{} of {}", half.len(), whole.len());
        for (a, b) in weights(&half).iter().zip(&values) {
            assert!((a - b).abs() <= b.abs() / 2048.0 + 1e-7, "{a} for {b}");
        }
        let back = with_precision(&half, Precision::F32).unwrap();
        assert_eq!(weights(&back), weights(&half));
    }

    #[test]
    fn what_half_precision_cannot_hold_is_refused() {
        let error = with_precision(&checkpoint(&[1e6]), Precision::F16).unwrap_err();
        assert!(error.message.contains("`w`"), "{}", error.message);
        let error = with_precision(b"no file", Precision::F16).unwrap_err();
        assert!(error.message.contains("not a whole safetensors"), "{}", error.message);
    }
}
