//! Recorded numbers in f64, by name, and what compares a model with them.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};

use crate::support::fixtures::bytes;

pub type Numbers = BTreeMap<String, Vec<f64>>;

/// Absolute or relative, whichever is looser.
pub const TOLERANCE: f64 = 2e-5;

pub fn read(path: &Path) -> Numbers {
    fn all<const N: usize>(bytes: &[u8], number: fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.chunks_exact(N).map(|b| number(b.try_into().unwrap())).collect()
    }
    let bytes = bytes(path.to_path_buf());
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    tensors
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let data = view.data();
            let values = match view.dtype() {
                Dtype::F32 => all(data, |b| f64::from(f32::from_le_bytes(b))),
                Dtype::F64 => all(data, f64::from_le_bytes),
                Dtype::I32 => all(data, |b| f64::from(i32::from_le_bytes(b))),
                Dtype::I64 => all(data, |b| i64::from_le_bytes(b) as f64),
                Dtype::BOOL => data.iter().map(|&b| f64::from(b)).collect(),
                other => panic!("{name} is {other:?}"),
            };
            (name, values)
        })
        .collect()
}

pub fn close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let difference = (f64::from(found) - expected).abs();
        assert!(
            difference <= tolerance * expected.abs().max(1.0),
            "{what}[{i}]: {found} for {expected}"
        );
    }
}

/// Puts the numbers into a module; `original` is the recorded name of a parameter.
pub fn fill<M: Module>(module: M, numbers: &Numbers, original: fn(&str) -> String) -> M {
    struct Fill<'a>(Vec<String>, &'a Numbers, fn(&str) -> String);
    impl ModuleMapper for Fill<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.into());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let values = &self.1[&self.2(&self.0.join("."))];
            let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
            param.map(|old| {
                let new = Tensor::from_data(TensorData::new(values, old.dims()), &old.device());
                if old.is_require_grad() { new.require_grad() } else { new }
            })
        }
    }
    module.map(&mut Fill(Vec::new(), numbers, original))
}
