//! Layer norm with a weight and a bias, and its gradients.

use super::elementwise::{dot, sum_rows, total, vectorized};
use super::threads::{GRAIN, split_rows, split_rows2};

/// `stats` holds the mean and 1/deviation of each row, in turn.
pub fn forward(y: &mut [f32], stats: &mut [f32], x: &[f32], w: &[f32], b: &[f32], eps: f32) {
    let width = w.len();
    let rows = GRAIN.div_ceil(width).max(1);
    split_rows2((y, width), (stats, 2), rows, |first, y, stats| {
        vectorized(
            #[inline(always)]
            || {
                let rows = y.chunks_exact_mut(width).zip(stats.chunks_exact_mut(2));
                for (r, (y, stats)) in rows.enumerate() {
                    let x = &x[(first + r) * width..][..width];
                    let mean = total(x) / width as f32;
                    for (y, x) in y.iter_mut().zip(x) {
                        *y = x - mean;
                    }
                    let inv = 1.0 / (dot(y, y) / width as f32 + eps).sqrt();
                    for ((y, w), b) in y.iter_mut().zip(w).zip(b) {
                        *y = *y * inv * w + b;
                    }
                    stats.copy_from_slice(&[mean, inv]);
                }
            },
        );
    });
}

pub fn grad_x(dx: &mut [f32], grad: &[f32], x: &[f32], w: &[f32], stats: &[f32]) {
    let width = w.len();
    split_rows(dx, width, GRAIN, |first, dx| {
        vectorized(
            #[inline(always)]
            || {
                let mut normal = vec![0.0; width];
                for (r, dx) in dx.chunks_exact_mut(width).enumerate() {
                    let row = first + r;
                    let (g, x) = (&grad[row * width..][..width], &x[row * width..][..width]);
                    let (mean, inv) = (stats[2 * row], stats[2 * row + 1]);
                    for (((dx, n), (g, w)), x) in
                        dx.iter_mut().zip(&mut normal).zip(g.iter().zip(w)).zip(x)
                    {
                        *dx = g * w;
                        *n = (x - mean) * inv;
                    }
                    let level = total(dx) / width as f32;
                    let along = dot(dx, &normal) / width as f32;
                    for (dx, n) in dx.iter_mut().zip(&normal) {
                        *dx = inv * (*dx - level - n * along);
                    }
                }
            },
        );
    });
}

pub fn grad_w(dw: &mut [f32], grad: &[f32], x: &[f32], stats: &[f32]) {
    let width = dw.len();
    sum_rows(
        dw,
        stats.len() / 2,
        #[inline(always)]
        |sums, row| {
            let (mean, inv) = (stats[2 * row], stats[2 * row + 1]);
            let numbers = grad[row * width..][..width].iter().zip(&x[row * width..][..width]);
            for (sum, (g, x)) in sums.iter_mut().zip(numbers) {
                *sum += g * (x - mean) * inv;
            }
        },
    );
}
