//! Exact GELU and its gradient, with an error function that the compiler turns into
//! vector code.

use super::elementwise::{exp, vectorized};
use super::threads::{GRAIN, split_rows};

/// The error function to about 1 ulp of f32, without branches. Up to 0.92 an odd
/// polynomial, and beyond `1 − e^−p(|x|)`; beyond 4 it is 1 in f32. The coefficients are
/// minimax fits to `erf(x)/x − 1` and `−ln erfc(x)` in f64.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let size = x.abs().min(4.0);
    let square = size * size;
    let mut near = -5.796_42e-4;
    near = near * square + 4.948_159e-3;
    near = near * square - 2.672_864_3e-2;
    near = near * square + 1.128_041_1e-1;
    near = near * square - 3.761_228_2e-1;
    near = near * square + 1.283_790_6e-1;
    let near = near * size + size;
    let mut far = -1.960_699_6e-4;
    far = far * size + 3.044_732e-3;
    far = far * size - 2.223_387e-2;
    far = far * size + 1.039_480_2e-1;
    far = far * size + 6.371_611_4e-1;
    far = far * size + 1.127_689_6;
    far = far * size + 1.919_253_5e-4;
    let far = 1.0 - exp(-far);
    (if size > 0.92 { far } else { near }).copysign(x)
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
        assert!(worst < 1.5e-7, "error {worst}");
        assert_eq!(erf(0.0), 0.0);
        assert_eq!(erf(1e9), 1.0);
        assert_eq!(erf(-1e9), -1.0);
    }
}
