//! Compresses the states of a question of any length into a fixed number of latents, by
//! attention of learned queries (Perceiver, arXiv 2103.03206).

use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use trm_spec::LlmTrmSpec;

use super::QuestionRows;
use crate::Init;
use crate::layers::{Linear, SwiGlu};

/// Attention of learned queries, then a SwiGLU; both are added and normed.
#[derive(Module, Debug)]
pub struct Compressor {
    q_proj: Linear,
    /// Keys, then values, of a state and its position.
    kv_proj: Linear,
    o_proj: Linear,
    mlp: SwiGlu,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    bands: usize,
    #[module(skip)]
    longest: f64,
    #[module(skip)]
    eps: f64,
}

/// Deviation of the fresh queries. They are added to what the compressor reads: at deviation 1
/// the latents of two questions would differ by a tenth, and the recursion would settle on the
/// part that they share.
pub(super) const QUERY_STD: f64 = 0.1;

impl Compressor {
    pub fn new(spec: &LlmTrmSpec, init: &mut Init) -> Self {
        let dim = spec.hidden_size;
        Self {
            // Attention begins as sharp as with queries of deviation 1.
            q_proj: Linear {
                weight: init.truncated_normal([dim, dim], 1.0 / (QUERY_STD * (dim as f64).sqrt())),
            },
            kv_proj: Linear::new(spec.base_hidden_size + spec.position_features(), 2 * dim, init),
            o_proj: Linear::new(dim, dim, init),
            mlp: SwiGlu::new(dim, spec.intermediate_size, init),
            heads: spec.num_heads,
            bands: spec.fourier_bands,
            longest: spec.fourier_longest,
            eps: spec.rms_norm_eps,
        }
    }

    /// States `[batch, question + 1, base dim]` to latents `[batch, latents, dim]`, by
    /// queries that start from `latents` `[latents, dim]`.
    pub fn forward(&self, states: Tensor<3>, latents: Tensor<2>, rows: &QuestionRows) -> Tensor<3> {
        let [batch, length, _] = states.dims();
        let [count, dim] = latents.dims();
        let device = states.device();
        let positions = self.positions(rows, &device);
        let x = Tensor::cat(vec![trm_kernels::rms_norm(states, self.eps), positions], 2);
        let heads = |x: Tensor<3>, seq: usize| {
            x.reshape([batch, seq, self.heads, dim / self.heads]).swap_dims(1, 2)
        };
        let kv = self.kv_proj.forward(x);
        let [keys, values] =
            [0, 1].map(|part| heads(kv.clone().narrow(2, part * dim, dim), length));
        let latents = latents.unsqueeze::<3>().expand([batch, count, dim]);
        let q = heads(self.q_proj.forward(latents.clone()), count);
        let q = q.div_scalar(((dim / self.heads) as f64).sqrt());
        let scores = q.matmul(keys.swap_dims(2, 3)) + rows.hidden_padding(&device);
        let mixed = softmax(scores, 3).matmul(values).swap_dims(1, 2);
        let mixed = self.o_proj.forward(mixed.reshape([batch, count, dim]));
        let h = trm_kernels::add_rms_norm(latents, mixed, self.eps);
        let fed = self.mlp.forward(h.clone());
        trm_kernels::add_rms_norm(h, fed, self.eps)
    }

    /// Positions from the first and from the last token, as sines and cosines with
    /// wavelengths from 2π to 2π · longest: `[batch, question + 1, 4 · bands]`.
    fn positions(&self, rows: &QuestionRows, device: &Device) -> Tensor<3> {
        let step = 1.0 / (self.bands.max(2) - 1) as f64;
        let rate = |band: usize| self.longest.powf(-(band as f64) * step);
        let waves = |position: f64| {
            let sines = (0..self.bands).map(move |band| (position * rate(band)).sin() as f32);
            let cosines = (0..self.bands).map(move |band| (position * rate(band)).cos() as f32);
            sines.chain(cosines).collect::<Vec<f32>>()
        };
        let mut values = Vec::new();
        for &length in rows.questions() {
            let padding = rows.longest_question() - length;
            for column in 0..=rows.longest_question() {
                // Padding counts from -1 on the left, as masked positions do elsewhere.
                let first = if column < padding { -1.0 } else { (column - padding) as f64 };
                values.extend(waves(first));
                values.extend(waves(length as f64 - first));
            }
        }
        let dims = [rows.questions().len(), rows.longest_question() + 1, 4 * self.bands];
        Tensor::from_data(TensorData::new(values, dims), device)
    }
}
