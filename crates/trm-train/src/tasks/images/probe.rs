//! Probes: small classifiers without recursion on the same features, which a recursive
//! head has to beat.

use burn::module::Module;
use burn::tensor::activation::silu;
use burn::tensor::{Device, Tensor};
use trm_core::layers::Affine;
use trm_core::{Embedded, Init, Readout, Recursive, State};

use super::model::ImageModel;

/// A linear map, or an MLP with one hidden layer, on one vector of features.
#[derive(Module, Debug)]
pub struct Probe {
    hidden: Option<Affine>,
    out: Affine,
    /// Whether the vector is the base's class token; else it is all features in a row.
    #[module(skip)]
    class_token: bool,
}

/// The sizes of a probe.
#[derive(Clone, Copy, Debug)]
pub struct ProbeSpec {
    /// Positions and features of an input.
    pub input: [usize; 2],
    /// Whether position 0 is a class token of a frozen ViT, which is then the only
    /// position that is read.
    pub class_token: bool,
    /// Width of the hidden layer; 0 makes the probe linear.
    pub hidden: usize,
}

impl Probe {
    /// A probe with fresh weights for `classes` classes.
    pub fn new(spec: &ProbeSpec, classes: usize, init: &mut Init) -> Self {
        let [positions, features] = spec.input;
        let input = if spec.class_token { features } else { positions * features };
        let hidden = (spec.hidden > 0).then(|| Affine::new(input, spec.hidden, init));
        let width = if spec.hidden > 0 { spec.hidden } else { input };
        Self { hidden, out: Affine::new(width, classes, init), class_token: spec.class_token }
    }
}

/// What a probe reads, `[batch, 1, features]`; nothing changes it.
#[derive(Clone, Debug)]
pub struct Read(Tensor<3>);

impl State for Read {
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        Self(change(self.0))
    }

    fn answer(&self) -> &Tensor<3> {
        &self.0
    }
}

impl Recursive for Probe {
    /// Features, `[batch, positions, features]`.
    type Input = Tensor<3>;
    type Context = Embedded;
    type State = Read;

    fn encode(&self, features: &Tensor<3>) -> Embedded {
        let [batch, positions, width] = features.dims();
        let x = match self.class_token {
            true => features.clone().slice_dim(1, 0..1),
            false => features.clone().reshape([batch, 1, positions * width]),
        };
        Embedded { x }
    }

    fn start(&self, context: &Embedded) -> Read {
        Read(context.x.clone())
    }

    fn cycle(&self, _: &Embedded, state: Read) -> Read {
        state
    }

    fn read(&self, state: &Read) -> Readout {
        let x = match &self.hidden {
            Some(hidden) => silu(hidden.forward(state.0.clone())),
            None => state.0.clone(),
        };
        Readout { logits: self.out.forward(x), halt: None }
    }

    fn device(&self) -> Device {
        self.out.bias.val().device()
    }
}

impl ImageModel for Probe {}
