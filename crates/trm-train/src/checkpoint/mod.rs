//! A run as bytes and back: safetensors with a header of our own.
//!
//! The model file stands alone and any safetensors reader opens it. What only
//! training needs is a second file of the same kind (`optimizer`). Every
//! number is checked before it is used: sizes before anything is allocated,
//! names, shapes and finiteness before a weight is replaced. What needs no tensors is
//! [`trm_data::checkpoint`].

pub(crate) mod optimizer;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::SafeTensors;
use trm_data::checkpoint::{DAMAGED, OTHER_FILE, refused, tensors, to_bytes, values};
use trm_spec::Failure;

use crate::parameters::{Named, Replace, collect, replace};
use crate::transfer::host;

pub(crate) use trm_data::checkpoint::pairs;
pub use trm_data::checkpoint::{
    Base, Header, Precision, read_header, restart, saved_step, with_config, with_precision,
    with_vocab,
};

/// Names of a frozen base's tensors begin with this; they are left out of the file.
const BASE_PREFIX: &str = "base.";

/// A model file, opened and not yet believed.
pub(crate) struct Checkpoint<'a> {
    pub header: Header,
    tensors: SafeTensors<'a>,
    bytes: usize,
}

impl<'a> Checkpoint<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Failure> {
        let header = read_header(bytes)?;
        Ok(Self { header, tensors: tensors(bytes)?, bytes: bytes.len() })
    }

    /// Refuses a header whose model would not fit into the file that claims it.
    pub fn expect_size(&self, parameters: usize) -> Result<(), Failure> {
        if parameters.saturating_mul(2) <= self.bytes {
            return Ok(());
        }
        Err(refused(
            format!(
                "the header describes a model of {parameters} parameters, but the file has only {} bytes",
                self.bytes
            ),
            DAMAGED,
        ))
    }

    /// Puts the weights into a module of the right shape.
    pub fn restore<M: Module>(&self, module: M) -> Result<M, Failure> {
        let mut restored = BTreeMap::new();
        let base = self.header.base.as_ref();
        let expected = collect(&module).into_iter();
        for named in expected.filter(|named| is_in_file(base, &named.name)) {
            let numbers = values(&self.tensors, &named.name, &named.shape)?;
            restored.insert(named.name, numbers);
        }
        if let Some(extra) = self.tensors.names().into_iter().find(|n| !restored.contains_key(*n)) {
            return Err(refused(
                format!(
                    "tensor `{extra}` does not belong to a `{}` model",
                    self.header.config.model.name()
                ),
                OTHER_FILE,
            ));
        }
        Ok(replace(module, &mut Fill { values: restored }))
    }
}

/// Whether the tensor `name` is in a file with such a base.
fn is_in_file(base: Option<&Base>, name: &str) -> bool {
    base.is_none() || !name.starts_with(BASE_PREFIX)
}

struct Fill {
    values: BTreeMap<String, Vec<f32>>,
}

impl Replace for Fill {
    fn replace<const D: usize>(&mut self, name: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.values.remove(name) else { return param };
        param.map(|old| {
            let data = TensorData::new(values, old.dims());
            let new = Tensor::from_data(data, &old.device());
            // Buffers stay what they are: numbers that no gradient trains.
            if old.is_require_grad() { new.require_grad() } else { new }
        })
    }
}

/// The model file of `module`.
pub(crate) async fn write<M: Module>(module: &M, header: &Header) -> Result<Vec<u8>, Failure> {
    let mut tensors = Vec::new();
    let base = header.base.as_ref();
    let in_file = collect(module).into_iter().filter(|named| is_in_file(base, &named.name));
    for Named { name, shape, values, .. } in in_file {
        tensors.push((name, shape, host(values).await?));
    }
    to_bytes(&tensors, pairs(header)?)
}
