//! Initial parameters, drawn on the host so that a seed means the same model on
//! every device.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use trm_spec::StateStart;

/// Makes a model's parameters: drawn from a seed, or zero where a checkpoint will
/// replace them.
pub struct Init {
    /// None where nothing is drawn.
    rng: Option<ChaCha8Rng>,
    /// Whether a parameter takes memory only when it is first used.
    lazy: bool,
    device: Device,
}

/// Standard deviation of a standard normal cut at ±2.
const TRUNCATED_STD: f64 = 0.879_625_661_034_239_8;

impl Init {
    /// Parameters drawn from `seed`, on `device`.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { rng: Some(ChaCha8Rng::seed_from_u64(seed)), lazy: false, device: device.clone() }
    }

    /// Parameters of the right shapes that are all zero, for a model whose weights
    /// are loaded next.
    pub fn zeros(device: &Device) -> Self {
        Self { rng: None, lazy: false, device: device.clone() }
    }

    /// As [`zeros`](Self::zeros), but a parameter takes memory only when it is first used: for
    /// large models whose weights are all replaced.
    pub fn empty(device: &Device) -> Self {
        Self { rng: None, lazy: true, device: device.clone() }
    }

    /// The device that the weights live on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Normal numbers cut at two deviations, widened so that the standard
    /// deviation after the cut is `std` (official TRM, `trunc_normal_init_`).
    pub fn truncated_normal<const D: usize>(
        &mut self,
        shape: [usize; D],
        std: f64,
    ) -> Param<Tensor<D>> {
        let Some(rng) = &mut self.rng else { return self.constant(shape, 0.0) };
        let scale = std / TRUNCATED_STD;
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| {
                loop {
                    let x: f64 = StandardNormal.sample(rng);
                    if x.abs() <= 2.0 {
                        return (x * scale) as f32;
                    }
                }
            })
            .collect();
        Param::from_data(TensorData::new(values, shape), &self.device)
    }

    /// The same number everywhere; zero where nothing is drawn.
    pub fn constant<const D: usize>(&self, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        if self.lazy {
            let zeros = move |device: &Device, _: bool| Tensor::zeros(shape, device);
            let id = ParamId::new();
            return Param::uninitialized(id, zeros, self.device.clone(), false, shape.into());
        }
        let value = if self.rng.is_some() { value } else { 0.0 };
        let values = vec![value; shape.iter().product()];
        Param::from_data(TensorData::new(values, shape), &self.device)
    }

    /// The vector that a state starts from at every position, `[dim]`, drawn with deviation 1
    /// and trained only where it is learned; none where states start at zero.
    pub fn state_start(&mut self, start: StateStart, dim: usize) -> Option<Param<Tensor<1>>> {
        match start {
            StateStart::Zero => None,
            StateStart::Normal => Some(self.truncated_normal([dim], 1.0).set_require_grad(false)),
            StateStart::Learned => Some(self.truncated_normal([dim], 1.0)),
        }
    }

    /// Truncated LeCun normal of a linear map's weight `[out, in]`.
    pub fn lecun(&mut self, out: usize, input: usize) -> Param<Tensor<2>> {
        self.truncated_normal([out, input], 1.0 / (input as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_normal_has_the_deviation_it_was_asked_for() {
        let mut init = Init::new(3, &Device::flex());
        let values: Vec<f32> =
            init.truncated_normal([200_000], 0.5).val().into_data().try_into_vec().unwrap();
        let n = values.len() as f64;
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let var = values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 0.005, "mean {mean}");
        assert!((var.sqrt() - 0.5).abs() < 0.003, "deviation {}", var.sqrt());
        let limit = (2.0 * 0.5 / TRUNCATED_STD) as f32 + 1e-6;
        assert!(values.iter().all(|x| x.abs() <= limit));
    }

    #[test]
    fn a_model_that_will_be_loaded_draws_nothing() {
        let mut init = Init::zeros(&Device::flex());
        let drawn = init.truncated_normal([3, 5], 1.0).val();
        assert_eq!(drawn.dims(), [3, 5]);
        for value in [drawn, init.lecun(3, 5).val(), init.constant([3, 5], 7.0).val()] {
            assert_eq!(value.into_data().try_into_vec::<f32>().unwrap(), [0.0; 15]);
        }
    }
}
