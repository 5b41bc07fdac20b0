//! Checkpoints of others without what is wrapped round their weights: prefixes of names,
//! dictionaries, the states of optimizers, and double precision.

use std::borrow::Cow;
use std::collections::BTreeMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use trm_spec::Failure;

use super::header::refused;

/// What may stand before every name, in any order and repeatedly.
const WRAPPERS: [&str; 5] = ["module.", "state_dict.", "model_state_dict.", "net.", "ema_model."];

/// As [`WRAPPERS`], of models whose own names do not begin so.
const MODEL: &str = "model.";

/// What compilers and wrappers put anywhere into a name.
const INSIDE: [&str; 3] = ["_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."];

/// What stands in a training checkpoint beside the weights.
const BESIDE: [&str; 9] = [
    "optimizer.",
    "optimizers.",
    "optimizer_state_dict.",
    "optimizer_states.",
    "scheduler.",
    "lr_scheduler.",
    "lr_schedulers.",
    "scaler.",
    "rng_state",
];

/// What to do about weights that cannot be read.
const NOT_WEIGHTS: &str =
    "Give the weights as safetensors and the original's configuration as JSON.";

/// Whether `model.` before every name is a wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelPrefix {
    /// The format's own names begin so, as those of `transformers`.
    Keep,
    /// It is removed, like the other wrappers.
    Strip,
}

/// `weights`, a safetensors file, with plain names and without double precision.
///
/// # Errors
/// If the file is damaged, or two tensors get one name.
pub fn plain(weights: &[u8], prefix: ModelPrefix) -> Result<Cow<'_, [u8]>, Failure> {
    let damaged = |error| {
        refused(format!("the weights are not a whole safetensors file ({error})"), NOT_WEIGHTS)
    };
    let (_, metadata) = SafeTensors::read_metadata(weights).map_err(damaged)?;
    let tensors = SafeTensors::deserialize(weights).map_err(damaged)?;
    let names: Vec<String> = tensors.names().into_iter().map(str::to_owned).collect();
    let renamed = renamed(&names, prefix);
    let is_wide = |name: &String| tensors.tensor(name).is_ok_and(|view| view.dtype() == Dtype::F64);
    if names.iter().zip(&renamed).all(|(old, new)| new.as_ref() == Some(old) && !is_wide(old)) {
        return Ok(Cow::Borrowed(weights));
    }
    let mut stored = BTreeMap::new();
    for (old, new) in names.iter().zip(renamed) {
        let (Some(new), Ok(view)) = (new, tensors.tensor(old)) else { continue };
        let (dtype, data) = match view.dtype() {
            Dtype::F64 => (Dtype::F32, Cow::Owned(narrowed(view.data()))),
            other => (other, Cow::Borrowed(view.data())),
        };
        if stored.insert(new.clone(), (dtype, view.shape().to_vec(), data)).is_some() {
            let message = format!("two tensors are called `{new}` without their wrappers");
            return Err(refused(message, NOT_WEIGHTS));
        }
    }
    let views = stored
        .iter()
        .map(|(name, (dtype, shape, data))| {
            Ok((name, TensorView::new(*dtype, shape.clone(), data)?))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(damaged)?;
    safetensors::serialize(views, metadata.metadata().clone()).map(Cow::Owned).map_err(damaged)
}

/// The plain name of each tensor, none of those that are no weights.
fn renamed(names: &[String], prefix: ModelPrefix) -> Vec<Option<String>> {
    let inside =
        |name: &String| INSIDE.iter().fold(name.clone(), |name, part| name.replace(part, ""));
    let kept = |name: String| (!BESIDE.iter().any(|part| name.starts_with(part))).then_some(name);
    let mut renamed: Vec<Option<String>> = names.iter().map(inside).map(kept).collect();
    loop {
        let all = |prefix: &&str| {
            let mut names = renamed.iter().flatten().peekable();
            names.peek().is_some() && names.all(|name| name.starts_with(*prefix))
        };
        let wrappers = WRAPPERS.iter().chain((prefix == ModelPrefix::Strip).then_some(&MODEL));
        let Some(prefix) = wrappers.copied().find(|prefix| all(prefix)) else { return renamed };
        for name in renamed.iter_mut().flatten() {
            name.drain(..prefix.len());
        }
    }
}

/// Numbers of double precision as `f32`.
fn narrowed(bytes: &[u8]) -> Vec<u8> {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .flat_map(|bytes| (f64::from_le_bytes(*bytes) as f32).to_le_bytes())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::ModelPrefix::{Keep, Strip};
    use super::*;

    fn file(tensors: &[(&str, Dtype, Vec<u8>)]) -> Vec<u8> {
        let views = tensors.iter().map(|(name, dtype, data)| {
            (*name, TensorView::new(*dtype, vec![1], data).expect("one number"))
        });
        safetensors::serialize(views, None).expect("written")
    }

    fn names(weights: &[u8], prefix: ModelPrefix) -> Vec<String> {
        let plain = plain(weights, prefix).expect("plain");
        let tensors = SafeTensors::deserialize(&plain).expect("whole");
        let mut names: Vec<_> = tensors.names().into_iter().map(str::to_owned).collect();
        names.sort();
        names
    }

    #[test]
    fn wrappers_go_in_any_order_and_the_optimizer_with_them() {
        let one = || 1_f32.to_le_bytes().to_vec();
        for (wrapper, prefix) in [
            ("", Keep),
            ("module.", Keep),
            ("_orig_mod.module._orig_mod.", Keep),
            ("model.module.model._orig_mod.", Strip),
            ("state_dict.model.", Strip),
            ("model_state_dict.module.", Keep),
        ] {
            let [a, b] = ["a.weight", "b.bias"].map(|name| format!("{wrapper}{name}"));
            let weights = file(&[
                (&a, Dtype::F32, one()),
                (&b, Dtype::F32, one()),
                ("optimizer.state.0.exp_avg", Dtype::F32, one()),
            ]);
            assert_eq!(names(&weights, prefix), ["a.weight", "b.bias"], "{wrapper}");
        }
        // A prefix of some is part of their names.
        let weights = file(&[("model.a", Dtype::F32, one()), ("head", Dtype::F32, one())]);
        assert_eq!(names(&weights, Strip), ["head", "model.a"]);
        // Names of other projects keep it.
        let weights = file(&[("model.a", Dtype::F32, one())]);
        assert_eq!(names(&weights, Keep), ["model.a"]);
    }

    #[test]
    fn double_precision_becomes_single() {
        let weights = file(&[("a", Dtype::F64, 0.1_f64.to_le_bytes().to_vec())]);
        let plain = plain(&weights, Keep).expect("plain");
        let tensors = SafeTensors::deserialize(&plain).expect("whole");
        let view = tensors.tensor("a").expect("there");
        assert_eq!((view.dtype(), view.data()), (Dtype::F32, &0.1_f32.to_le_bytes()[..]));
    }

    #[test]
    fn two_of_one_name_are_refused() {
        let one = || 1_f32.to_le_bytes().to_vec();
        let weights = file(&[("_orig_mod.a", Dtype::F32, one()), ("a", Dtype::F32, one())]);
        assert!(plain(&weights, Keep).expect_err("refused").message.contains("two tensors"));
    }
}
