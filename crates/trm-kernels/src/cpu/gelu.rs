//! Exact GELU and its gradient, with an error function that the compiler turns into
//! vector code.

use super::elementwise::{exp, vectorized};
use super::threads::{GRAIN, split_rows};

/// The error function to about 2 ulp of f32, without branches: an odd rational function
/// (coefficients of the Eigen library). Beyond 4 it is 1 in f32.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let z = x * x;
    let mut above = -2.726_142_3e-10;
    above = above * z + 2.770_681_4e-8;
    above = above * z - 2.101_024e-6;
    above = above * z - 5.692_506_4e-5;
    above = above * z - 7.349_906_3e-4;
    above = above * z - 2.954_598_5e-3;
    above = above * z - 1.609_603_3e-2;
    let mut below = -1.456_607_2e-5;
    below = below * z - 2.133_740_6e-4;
    below = below * z - 1.682_827e-3;
    below = below * z - 7.373_329e-3;
    below = below * z - 1.426_473_9e-2;
    x * above / below
}

/// The normal distribution at `x`.
#[inline(always)]
fn normal(x: f32) -> f32 {
    0.5 + 0.5 * erf(x * core::f32::consts::FRAC_1_SQRT_2)
}

pub fn gelu(y: &mut [f32], x: &[f32]) {
    split_rows(y, 1, GRAIN / 2, |first, y| {
        vectorized(
            #[inline(always)]
            || {
                for (y, x) in y.iter_mut().zip(&x[first..]) {
                    *y = x * normal(*x);
                }
            },
        );
    });
}

pub fn gelu_grad(dx: &mut [f32], grad: &[f32], x: &[f32]) {
    const INV_SQRT_2PI: f32 = 0.398_942_3;
    split_rows(dx, 1, GRAIN / 2, |first, dx| {
        vectorized(
            #[inline(always)]
            || {
                let inputs = grad[first..].iter().zip(&x[first..]);
                for (dx, (g, x)) in dx.iter_mut().zip(inputs) {
                    let density = INV_SQRT_2PI * exp(-0.5 * x * x);
                    *dx = g * (normal(*x) + x * density);
                }
            },
        );
    });
}

#[cfg(test)]
mod tests {
    use super::erf;

    /// The error function by its power series, in f64.
    fn series(x: f64) -> f64 {
        let mut term = x;
        let mut sum = x;
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn erf_is_as_good_as_its_series() {
        let worst = (-4200..4200)
            .map(|i| i as f32 * 1e-3 + 3e-4)
            .map(|x| (f64::from(erf(x)) - series(f64::from(x))).abs())
            .fold(0.0, f64::max);
        assert!(worst < 3e-7, "error {worst}");
        assert_eq!(erf(0.0), 0.0);
        assert_eq!(erf(1e9), 1.0);
        assert_eq!(erf(-1e9), -1.0);
    }
}
