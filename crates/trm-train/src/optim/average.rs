//! An exponential moving average of the weights (EMA).

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::parameters::{Replace, collect, replace};

/// The average of every parameter that gradients train, flattened, by name.
#[derive(Clone)]
pub struct Average {
    values: BTreeMap<String, Tensor<1>>,
}

impl Average {
    /// Starts at the weights as they are; `model` has autodiff on.
    pub fn new<M: Module>(model: &M) -> Self {
        let trained = collect(model).into_iter().filter(|parameter| parameter.trained);
        Self { values: trained.map(|parameter| (parameter.name, parameter.values)).collect() }
    }

    /// Takes an average up again.
    pub(crate) fn resume(values: BTreeMap<String, Tensor<1>>) -> Self {
        Self { values }
    }

    pub(crate) fn values(&self) -> &BTreeMap<String, Tensor<1>> {
        &self.values
    }

    /// `average = decay · average + (1 − decay) · weights`.
    pub fn update<M: Module>(&mut self, model: &M, decay: f64) {
        for parameter in collect(model) {
            if let Some(before) = self.values.remove(&parameter.name) {
                // The difference, so that an average that has arrived stays put.
                let step = (parameter.values - before.clone()).mul_scalar(1.0 - decay);
                self.values.insert(parameter.name, before + step);
            }
        }
    }

    /// The model with averaged weights in place of its own.
    pub fn apply<M: Module>(&self, model: M) -> M {
        replace(model, &mut Put(self))
    }
}

struct Put<'a>(&'a Average);

impl Replace for Put<'_> {
    fn replace<const D: usize>(&mut self, name: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.values.get(name) {
            None => param,
            Some(values) => param.map(|old| {
                let new = values.clone().reshape(old.dims());
                if old.is_autodiff() { Tensor::from_inner(new).require_grad() } else { new }
            }),
        }
    }
}

/// The decay after `time` updates: young averages follow quickly, so that the
/// initial weights are forgotten within a short run.
pub fn warmed(decay: f64, time: usize) -> f64 {
    decay.min((1.0 + time as f64) / (10.0 + time as f64))
}
