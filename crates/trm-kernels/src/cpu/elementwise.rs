//! Row-wise loops, written so that the compiler turns them into vector code.
//!
//! Sums run in [`LANES`] independent partial sums: a vector unit cannot reorder
//! a floating-point sum by itself.

use super::threads::{GRAIN, split_rows, split_rows2};

const LANES: usize = 16;

/// Runs `work` compiled for the best instruction set of this processor.
#[inline(always)]
pub fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// `eˣ` to about 1 ulp of f32, without branches: `2ⁿ · e^r` with `|r| ≤ ln2/2`
/// and a sixth-degree polynomial (coefficients of the Cephes library).
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Adding and subtracting 1.5·2²³ rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * core::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, so that `x − n·ln2` keeps its last bits.
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let fraction = p * r * r + r + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    fraction * f32::from_bits(exponent << 23)
}

/// Logarithm of the least weight that a softmax gives: `e⁻³⁰` is 10⁻¹³, and less does not
/// change a sum of f32 whose largest term is 1.
const FAINTEST: f32 = -30.0;

/// `eˣ` as a weight of a softmax, where the largest is about 1: zero where it is too small to
/// count. Such weights, and the gradients that pass through several of them, would be subnormal
/// numbers (below 10⁻³⁸), with which a processor computes up to a hundred times slower.
#[inline(always)]
pub fn weight(x: f32) -> f32 {
    if x < FAINTEST { 0.0 } else { exp(x) }
}

/// Gradients below this are zero after a norm: through the weights of another softmax they would
/// become subnormal. Those beside them are larger by ten orders of magnitude.
const FAINTEST_GRADIENT: f32 = 1e-22;

#[inline(always)]
fn without_faint(gradient: f32) -> f32 {
    if gradient.abs() < FAINTEST_GRADIENT { 0.0 } else { gradient }
}

/// Sum of a row.
#[inline(always)]
pub fn total(row: &[f32]) -> f32 {
    let mut chunks = row.chunks_exact(LANES);
    let mut lanes = [0.0; LANES];
    for chunk in &mut chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    for x in chunks.remainder() {
        lanes[0] += x;
    }
    lanes.iter().sum()
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Inner product. Over whole chunks: a loop over indexes keeps its bounds checks and does not
/// vectorize.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (mut xs, mut ys) = (a.chunks_exact(LANES), b[..a.len()].chunks_exact(LANES));
    let mut lanes = [0.0; LANES];
    for (x, y) in (&mut xs).zip(&mut ys) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    for (x, y) in xs.remainder().iter().zip(ys.remainder()) {
        lanes[0] += x * y;
    }
    lanes.iter().sum()
}

#[inline(always)]
pub fn max(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = if *x > *lane { *x } else { *lane };
        }
    }
    let rest = chunks.remainder().iter().chain(&lanes);
    rest.fold(f32::NEG_INFINITY, |a, b| if *b > a { *b } else { a })
}

/// `row = exp(row − largest)`, returning the sum.
#[inline(always)]
pub fn weights(row: &mut [f32], largest: f32) -> f32 {
    for x in row.iter_mut() {
        *x = weight(*x - largest);
    }
    total(row)
}

/// `y += b` for every row of `y`.
pub fn add_to_rows(y: &mut [f32], b: &[f32]) {
    split_rows(y, b.len(), GRAIN, |_, y| {
        vectorized(
            #[inline(always)]
            || {
                for y in y.chunks_exact_mut(b.len()) {
                    for (y, b) in y.iter_mut().zip(b) {
                        *y += b;
                    }
                }
            },
        );
    });
}

/// `Σ row(i)` into `out` for the rows `0..n`, in pieces that do not depend on the number
/// of cores; `add` adds a row to a sum.
pub fn sum_rows(out: &mut [f32], n: usize, add: impl Fn(&mut [f32], usize) + Sync) {
    const PIECES: usize = 16;
    let width = out.len();
    let piece = n.div_ceil(PIECES).max(GRAIN.div_ceil(width.max(1)));
    let mut sums = vec![0.0; n.div_ceil(piece.max(1)) * width];
    split_rows(&mut sums, width, 1, |first, sums| {
        vectorized(
            #[inline(always)]
            || {
                for (p, sums) in sums.chunks_exact_mut(width).enumerate() {
                    let from = (first + p) * piece;
                    for row in from..(from + piece).min(n) {
                        add(sums, row);
                    }
                }
            },
        );
    });
    for sums in sums.chunks_exact(width.max(1)) {
        for (out, sum) in out.iter_mut().zip(sums) {
            *out += sum;
        }
    }
}

pub fn add_rms_norm(
    y: &mut [f32],
    inv_rms: &mut [f32],
    h: &[f32],
    m: &[f32],
    width: usize,
    eps: f32,
) {
    let rows = GRAIN.div_ceil(width).max(1);
    split_rows2((y, width), (inv_rms, 1), rows, |first, y, inv_rms| {
        vectorized(
            #[inline(always)]
            || {
                for (r, (y, inv)) in y.chunks_exact_mut(width).zip(inv_rms).enumerate() {
                    let at = (first + r) * width;
                    let (h, m) = (&h[at..at + width], &m[at..at + width]);
                    for ((y, h), m) in y.iter_mut().zip(h).zip(m) {
                        *y = h + m;
                    }
                    *inv = 1.0 / (dot(y, y) / width as f32 + eps).sqrt();
                    for y in y {
                        *y *= *inv;
                    }
                }
            },
        );
    });
}

pub fn add_rms_norm_grad(dx: &mut [f32], grad: &[f32], y: &[f32], inv_rms: &[f32], width: usize) {
    split_rows(dx, width, GRAIN, |first, dx| {
        vectorized(
            #[inline(always)]
            || {
                for (r, dx) in dx.chunks_exact_mut(width).enumerate() {
                    let row = first + r;
                    let (g, y) = (&grad[row * width..][..width], &y[row * width..][..width]);
                    let inv = inv_rms[row];
                    let along = dot(g, y) / width as f32;
                    for ((dx, g), y) in dx.iter_mut().zip(g).zip(y) {
                        *dx = without_faint(inv * (g - y * along));
                    }
                }
            },
        );
    });
}

pub fn swiglu(y: &mut [f32], gate_up: &[f32], inner: usize) {
    split_rows(y, inner, GRAIN / 2, |first, y| {
        vectorized(
            #[inline(always)]
            || {
                for (r, y) in y.chunks_exact_mut(inner).enumerate() {
                    let (gate, up) =
                        gate_up[(first + r) * 2 * inner..][..2 * inner].split_at(inner);
                    for ((y, g), u) in y.iter_mut().zip(gate).zip(up) {
                        *y = g * sigmoid(*g) * u;
                    }
                }
            },
        );
    });
}

pub fn swiglu_grad(dx: &mut [f32], grad: &[f32], gate_up: &[f32], inner: usize) {
    split_rows(dx, 2 * inner, GRAIN, |first, dx| {
        vectorized(
            #[inline(always)]
            || {
                for (r, dx) in dx.chunks_exact_mut(2 * inner).enumerate() {
                    let row = first + r;
                    let (gate, up) = gate_up[row * 2 * inner..][..2 * inner].split_at(inner);
                    let grad = &grad[row * inner..][..inner];
                    let (d_gate, d_up) = dx.split_at_mut(inner);
                    let outs = d_gate.iter_mut().zip(d_up);
                    for ((((dg, du), g), u), go) in outs.zip(gate).zip(up).zip(grad) {
                        let s = sigmoid(*g);
                        *dg = go * u * s * (1.0 + g * (1.0 - s));
                        *du = go * g * s;
                    }
                }
            },
        );
    });
}

pub fn cross_entropy(
    loss: &mut [f32],
    lse: &mut [f32],
    logits: &[f32],
    targets: &[Option<usize>],
    classes: usize,
) {
    let rows = (GRAIN / 4).div_ceil(classes).max(1);
    split_rows2((loss, 1), (lse, 1), rows, |first, loss, lse| {
        vectorized(
            #[inline(always)]
            || {
                let mut scratch = vec![0.0; classes];
                for (r, (loss, lse)) in loss.iter_mut().zip(lse).enumerate() {
                    let row = &logits[(first + r) * classes..][..classes];
                    let top = max(row);
                    scratch.copy_from_slice(row);
                    *lse = top + weights(&mut scratch, top).ln();
                    *loss = targets[first + r].map_or(0.0, |target| *lse - row[target]);
                }
            },
        );
    });
}

pub fn cross_entropy_grad(
    dx: &mut [f32],
    grad: &[f32],
    logits: &[f32],
    targets: &[Option<usize>],
    lse: &[f32],
    classes: usize,
) {
    split_rows(dx, classes, GRAIN / 2, |first, dx| {
        vectorized(
            #[inline(always)]
            || {
                for (r, dx) in dx.chunks_exact_mut(classes).enumerate() {
                    let row = first + r;
                    let Some(target) = targets[row] else { continue };
                    let (g, lse) = (grad[row], lse[row]);
                    for (dx, x) in dx.iter_mut().zip(&logits[row * classes..][..classes]) {
                        *dx = g * weight(x - lse);
                    }
                    dx[target] -= g;
                }
            },
        );
    });
}

#[cfg(test)]
mod tests {
    use super::exp;

    /// A processor without AVX-512 must not fall back to plain code: `pulp::Arch` has only the
    /// instruction sets that its features name.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn avx2_is_used_where_there_is_no_avx_512() {
        let Some(v3) = pulp::x86::V3::try_new() else { return };
        let row: Vec<f32> = (0..97).map(|i| i as f32 * 0.03 - 1.0).collect();
        let plain: Vec<f32> = row.iter().map(|x| exp(*x)).collect();
        let mut vectors = row.clone();
        pulp::Arch::V3(v3).dispatch(|| vectors.iter_mut().for_each(|x| *x = exp(*x)));
        assert_eq!(plain, vectors);
    }

    #[test]
    fn exp_is_as_good_as_the_library() {
        let worst = (-8600..8800)
            .map(|i| i as f32 * 0.01 + 0.003)
            .map(|x| ((f64::from(exp(x)) - f64::from(x).exp()) / f64::from(x).exp()).abs())
            .fold(0.0, f64::max);
        assert!(worst < 2e-7, "relative error {worst}");
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e9) < 1e-37 && exp(1e9).is_finite());
    }
}
