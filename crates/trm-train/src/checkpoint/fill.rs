//! Weights into a module one tensor at a time.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use trm_data::checkpoint::{finite, wrong_shape};
use trm_spec::Failure;

use crate::parameters::{Replace, replace};

/// Puts weights into a module of the right shape, each when its turn comes: `numbers` gives
/// those of a name, with their shape. Whatever needs memory is then held for one tensor only.
///
/// # Errors
/// As of `numbers`, and if a shape is another one or a number is not finite.
pub(crate) fn fill<M: Module>(
    module: M,
    numbers: impl FnMut(&str) -> Result<(Vec<usize>, Vec<f32>), Failure>,
) -> Result<M, Failure> {
    let mut filling = FillOneByOne { numbers, failure: None };
    let module = replace(module, &mut filling);
    match filling.failure {
        Some(failure) => Err(failure),
        None => Ok(module),
    }
}

struct FillOneByOne<F> {
    numbers: F,
    failure: Option<Failure>,
}

impl<F: FnMut(&str) -> Result<(Vec<usize>, Vec<f32>), Failure>> Replace for FillOneByOne<F> {
    fn replace<const D: usize>(&mut self, name: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failure.is_some() {
            return param;
        }
        // Whatever is there is replaced: it need not take memory.
        let (expected, device) = (param.lazy_shape(), param.lazy_device());
        let found = (self.numbers)(name).and_then(|(shape, values)| {
            if shape != expected.as_slice() {
                return Err(wrong_shape(name, &shape, &expected));
            }
            finite(name, &values).map(|()| values)
        });
        match found {
            Ok(values) => {
                let data = TensorData::new(values, expected);
                Param::initialized(param.id, Tensor::from_data(data, &device))
            }
            Err(failure) => {
                self.failure = Some(failure);
                param
            }
        }
    }
}
