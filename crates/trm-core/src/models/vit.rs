//! The vision transformer (ViT): the baseline of image models, and the frozen base that
//! makes features for them.
//!
//! The architecture is that of Hugging Face's `ViTForImageClassification`. There is no
//! recursion: the depth is 1, and the one cycle runs all blocks.

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Tensor};
use trm_spec::VitSpec;

use super::chat_trm::Single;
use crate::layers::{Affine, LayerNorm, PreNormBlock, PreNormSpec, attention_by_block};
use crate::{Embedded, Init, Readout, Recursive};

/// ViT. Field names are the names of the weights in checkpoints.
#[derive(Module, Debug)]
pub struct Vit {
    embeddings: Embeddings,
    layers: Vec<PreNormBlock>,
    layernorm: LayerNorm,
    classifier: Affine,
    dropout: Dropout,
    /// A rotary table that rotates nothing, `[2, positions, head_dim / 2]`; computed,
    /// not stored.
    unrotated: Tensor<3>,
}

/// What is added up to the input of the first block.
#[derive(Module, Debug)]
pub struct Embeddings {
    /// Stands before the patches, `[1, 1, dim]`.
    cls_token: Param<Tensor<3>>,
    /// `[1, patches + 1, dim]`.
    position_embeddings: Param<Tensor<3>>,
    /// `[dim, channels · patch²]`: the kernel of the original's convolution, flattened.
    patch_embeddings: Affine,
}

/// Deviation of the class token and of the position embeddings of a fresh model.
const EMBEDDING_STD: f64 = 0.02;

impl Vit {
    /// A model with fresh weights for `classes` classes.
    pub fn new(spec: &VitSpec, classes: usize, init: &mut Init) -> Self {
        let dim = spec.hidden_size;
        let positions = spec.patches() + 1;
        let block = PreNormSpec {
            dim,
            heads: spec.num_heads,
            inner: spec.intermediate_size,
            eps: spec.layer_norm_eps,
            dropout: spec.dropout,
        };
        Self {
            embeddings: Embeddings {
                cls_token: init.truncated_normal([1, 1, dim], EMBEDDING_STD),
                position_embeddings: init.truncated_normal([1, positions, dim], EMBEDDING_STD),
                patch_embeddings: Affine::new(spec.patch_features(), dim, init),
            },
            layers: (0..spec.n_layers).map(|_| PreNormBlock::new(block, init)).collect(),
            layernorm: LayerNorm::new(dim, spec.layer_norm_eps, init),
            classifier: Affine::new(dim, classes, init),
            dropout: DropoutConfig::new(spec.dropout).init(),
            unrotated: trm_kernels::unrotated_table(positions, spec.head_dim(), init.device()),
        }
    }

    /// Blocks of the model.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// The input of the first block: the class token and the patches, with positions.
    /// `patches` is `[batch, patches, channels · patch²]`, features in the order channel,
    /// row, column; the result is `[batch, patches + 1, dim]`.
    pub fn embed(&self, patches: Tensor<3>) -> Tensor<3> {
        let Embeddings { cls_token, position_embeddings, patch_embeddings } = &self.embeddings;
        let x = patch_embeddings.forward(patches);
        let [batch, _, dim] = x.dims();
        let x = Tensor::cat(vec![cls_token.val().expand([batch, 1, dim]), x], 1);
        self.dropout.forward(x + position_embeddings.val())
    }

    /// The output of [`embed`](Self::embed) and of each of the first `depth` blocks,
    /// `[batch, patches + 1, dim]` each.
    pub fn hidden_states(&self, patches: Tensor<3>, depth: usize) -> Vec<Tensor<3>> {
        let mut states = vec![self.embed(patches)];
        for block in self.layers.iter().take(depth) {
            let x = states[states.len() - 1].clone();
            states.push(block.forward(x, &self.unrotated));
        }
        states
    }

    /// Features of an image for a head on top of this model: the output of block number
    /// `depth`, `[batch, patches + 1, dim]`.
    ///
    /// The final layer norm is not applied, also where `depth` is all blocks: the
    /// published TRM-ViT (`ViT_Sequence` in `utils.py`) runs the embeddings and the first
    /// `depth` layers and nothing else.
    pub fn features(&self, patches: Tensor<3>, depth: usize) -> Tensor<3> {
        self.run(self.embed(patches), depth)
    }

    fn run(&self, x: Tensor<3>, depth: usize) -> Tensor<3> {
        let blocks = self.layers.iter().take(depth);
        blocks.fold(x, |x, block| block.forward(x, &self.unrotated))
    }
}

impl Recursive for Vit {
    /// Patches, `[batch, patches, channels · patch²]`, features in the order channel,
    /// row, column.
    type Input = Tensor<3>;
    type Context = Embedded;
    type State = Single;

    fn encode(&self, patches: &Self::Input) -> Embedded {
        Embedded { x: self.embed(patches.clone()) }
    }

    fn start(&self, context: &Embedded) -> Single {
        Single { z: context.x.clone() }
    }

    /// All blocks.
    fn cycle(&self, _: &Embedded, state: Single) -> Single {
        Single { z: self.run(state.z, self.layers.len()) }
    }

    /// Logits of the class token, `[batch, 1, classes]`.
    fn read(&self, state: &Single) -> Readout {
        let class = self.layernorm.forward(state.z.clone().narrow(1, 0, 1));
        Readout { logits: self.classifier.forward(class), halt: None }
    }

    fn attend(&self, _: &Embedded, state: &Single) -> Vec<Tensor<4>> {
        attention_by_block(
            &self.layers,
            state.z.clone(),
            |block, x| Some(block.weights(x, &self.unrotated)),
            |block, x| block.forward(x, &self.unrotated),
        )
    }

    fn device(&self) -> Device {
        self.unrotated.device()
    }
}
