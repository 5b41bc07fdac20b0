//! AdamW and AdamATan2: one pass over a parameter.

use super::elementwise::vectorized;
#[cfg(feature = "threads")]
use super::threads::GRAIN;
use crate::AdamWStep;

/// One pass over a parameter, its gradient and its two moments.
fn update(
    p: &mut [f32],
    gradient: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    rule: impl Fn([f32; 4]) -> [f32; 3] + Sync,
) {
    let piece = |p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]| {
        vectorized(
            #[inline(always)]
            || {
                for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                    [*p, *m, *v] = rule([*p, *g, *m, *v]);
                }
            },
        );
    };
    #[cfg(feature = "threads")]
    {
        use rayon::prelude::*;
        p.par_chunks_mut(GRAIN)
            .zip(gradient.par_chunks(GRAIN))
            .zip(m.par_chunks_mut(GRAIN))
            .zip(v.par_chunks_mut(GRAIN))
            .for_each(|(((p, g), m), v)| piece(p, g, m, v));
    }
    #[cfg(not(feature = "threads"))]
    piece(p, gradient, m, v);
}

pub fn adamw(
    p: &mut [f32],
    gradient: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    scale: f32,
    step: AdamWStep,
) {
    let (bias1, bias2) = step.bias_corrections();
    let (beta1, beta2) = (step.beta1 as f32, step.beta2 as f32);
    let [new1, new2] = step.new_shares();
    let (rate, eps) = ((step.learning_rate / bias1) as f32, step.eps as f32);
    let (keep, root) =
        ((1.0 - step.learning_rate * step.weight_decay) as f32, (1.0 / bias2) as f32);
    update(
        p,
        gradient,
        m,
        v,
        #[inline(always)]
        |[p, g, m, v]| {
            let g = g * scale;
            let m = beta1 * m + new1 * g;
            let v = beta2 * v + new2 * g * g;
            [p * keep - rate * m / ((v * root).sqrt() + eps), m, v]
        },
    );
}

pub fn adam_atan2(
    p: &mut [f32],
    gradient: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    scale: f32,
    step: AdamWStep,
) {
    let (bias1, bias2) = step.bias_corrections();
    let (beta1, beta2) = (step.beta1 as f32, step.beta2 as f32);
    let [new1, new2] = step.new_shares();
    let rate = (step.learning_rate / bias1) as f32;
    let (keep, root) =
        ((1.0 - step.learning_rate * step.weight_decay) as f32, (1.0 / bias2) as f32);
    update(
        p,
        gradient,
        m,
        v,
        #[inline(always)]
        |[p, g, m, v]| {
            let g = g * scale;
            let m = beta1 * m + new1 * g;
            let v = beta2 * v + new2 * g * g;
            [p * keep - rate * angle(m, (v * root).sqrt()), m, v]
        },
    );
}

/// `atan2(y, x)` for `x ≥ 0` to about 1 ulp of f32, without branches: the ratio
/// is turned into `[0, tan(π/8)]` twice, and a polynomial does the rest
/// (coefficients of the Cephes library). The angle of nothing is 0, and NaN stays NaN.
#[inline(always)]
fn angle(y: f32, x: f32) -> f32 {
    use core::f32::consts::{FRAC_PI_2, FRAC_PI_4};
    const TAN_PI_8: f32 = 0.414_213_57;
    let side = y.abs();
    let (low, high) = (side.min(x), side.max(x));
    let ratio = if high > 0.0 { low / high } else { 0.0 };
    let steep = ratio > TAN_PI_8;
    let t = if steep { (ratio - 1.0) / (ratio + 1.0) } else { ratio };
    let z = t * t;
    let mut poly = 8.053_744_5e-2;
    poly = poly * z - 1.387_768_6e-1;
    poly = poly * z + 1.997_771_1e-1;
    poly = poly * z - 3.333_295e-1;
    let part = poly * z * t + t;
    let flat = if steep { part + FRAC_PI_4 } else { part };
    let whole = if side > x { FRAC_PI_2 - flat } else { flat };
    let signed = if y < 0.0 { -whole } else { whole };
    // The smaller and the larger of two numbers are not NaN where one of them is.
    if x.is_nan() || y.is_nan() { f32::NAN } else { signed }
}

#[cfg(test)]
mod tests {
    use super::angle;

    #[test]
    fn what_is_no_number_has_no_angle() {
        for (y, x) in [(f32::NAN, 1.0), (1.0, f32::NAN), (f32::NAN, f32::NAN)] {
            assert!(angle(y, x).is_nan(), "{y} and {x}");
        }
        assert_eq!(angle(1.0, f32::INFINITY), 0.0);
    }

    #[test]
    fn angles_are_as_good_as_the_librarys() {
        let values = |i: i32| 10f32.powf(i as f32 * 0.1 - 20.0) * (1.0 + i as f32 * 1e-4);
        for y in (0..400).map(values) {
            for x in (0..400).map(values).chain([0.0]) {
                for y in [y, -y, 0.0] {
                    let (found, wanted) =
                        (f64::from(angle(y, x)), f64::from(y).atan2(f64::from(x)));
                    let error = (found - wanted).abs();
                    assert!(
                        error <= 3e-7 * wanted.abs() + 1e-37,
                        "{y} / {x}: {found} for {wanted}"
                    );
                }
            }
        }
        assert_eq!(angle(0.0, 0.0), 0.0);
    }
}
