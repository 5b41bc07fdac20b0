//! A run as bytes and back: safetensors with a header of our own.
//!
//! The model file stands alone and any safetensors reader opens it. What only
//! training needs is a second file of the same kind (`optimizer`). Every
//! number is checked before it is used: sizes before anything is allocated,
//! names, shapes and finiteness before a weight is replaced. What needs no tensors is
//! [`trm_data::checkpoint`].

#[cfg(feature = "llm")]
mod fill;
mod finite;
pub(crate) mod optimizer;
#[cfg(test)]
mod tests;
#[cfg(feature = "llm")]
mod weights_digest;

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::SafeTensors;
use trm_data::checkpoint::{DAMAGED, OTHER_FILE, refused, tensors, to_bytes, values};
#[cfg(feature = "llm")]
use trm_data::checkpoint::{numbers, tensor};
use trm_spec::Failure;

use crate::checks::check_tables;
use crate::parameters::{Named, Replace, collect, replace};
use crate::transfer::host;

#[cfg(feature = "llm")]
pub(crate) use fill::fill;
pub(crate) use finite::first_broken;
pub(crate) use trm_data::checkpoint::pairs;
#[cfg(feature = "llm")]
pub(crate) use trm_data::checkpoint::with_base;
pub use trm_data::checkpoint::{
    Base, Header, Precision, read_header, restart, saved_step, with_config, with_precision,
    with_vocab,
};
#[cfg(feature = "llm")]
pub use weights_digest::WeightsDigest;

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

    /// Refuses a header whose model would not fit into the file that claims it, or computes
    /// tables from its sizes that are too large.
    pub fn expect_size(&self) -> Result<(), Failure> {
        let Header { config, vocab, .. } = &self.header;
        let parameters = config.model.parameters(vocab.size());
        if parameters.saturating_mul(2) > self.bytes {
            return Err(refused(
                format!(
                    "the header describes a model of {parameters} parameters, but the file has only {} bytes",
                    self.bytes
                ),
                DAMAGED,
            ));
        }
        check_tables(config.model.table_bytes()).map_err(|reason| {
            refused(format!("the header describes a model that is too large: {reason}"), DAMAGED)
        })
    }

    /// The numbers of a tensor, and their shape.
    #[cfg(feature = "llm")]
    pub fn tensor(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), Failure> {
        let found = self.tensors.tensor(name);
        let shape = found.map(|view| view.shape().to_vec()).unwrap_or_default();
        Ok((shape.clone(), numbers(&tensor(&self.tensors, name, &shape)?)))
    }

    /// Refuses tensors that are not among `names`.
    #[cfg(feature = "llm")]
    pub fn expect_only(&self, names: &[String]) -> Result<(), Failure> {
        let extra = |name: &&str| !names.iter().any(|known| known == name);
        match self.tensors.names().into_iter().find(extra) {
            Some(extra) => Err(self.foreign(extra)),
            None => Ok(()),
        }
    }

    fn foreign(&self, name: &str) -> Failure {
        refused(
            format!(
                "tensor `{name}` does not belong to a `{}` model",
                self.header.config.model.name()
            ),
            OTHER_FILE,
        )
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
            return Err(self.foreign(extra));
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
