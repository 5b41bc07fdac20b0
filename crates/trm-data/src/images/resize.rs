//! Resizing as Pillow does it, to the last bit: weights in fixed point, rows first,
//! and each pixel averages over all that it replaces. Models in use were trained and
//! measured with that.

use super::preprocessing::Filter;

/// Bits of a weight behind the point.
const PRECISION: u32 = 32 - 8 - 2;

/// One channel, `[height, width]`, in another size.
pub(crate) fn resize(plane: &[u8], from: [usize; 2], to: [usize; 2], filter: Filter) -> Vec<u8> {
    let [height, width] = from;
    let [new_height, new_width] = to;
    if filter == Filter::Nearest {
        let nearest = |place: usize, from: usize, to: usize| {
            (((place as f64 + 0.5) * (from as f64 / to as f64)) as usize).min(from - 1)
        };
        let pixel = |y: usize, x: usize| {
            plane[nearest(y, height, new_height) * width + nearest(x, width, new_width)]
        };
        return (0..new_height).flat_map(|y| (0..new_width).map(move |x| pixel(y, x))).collect();
    }
    let mut rows = plane.to_vec();
    if width != new_width {
        let weights = weights(width, new_width, filter);
        rows = vec![0; height * new_width];
        for (row, resized) in plane.chunks_exact(width).zip(rows.chunks_exact_mut(new_width)) {
            for (pixel, Span { first, weights }) in resized.iter_mut().zip(&weights) {
                let sum = weights.iter().zip(&row[*first..]).map(|(w, p)| w * i32::from(*p));
                *pixel = rounded(sum.sum());
            }
        }
    }
    if height == new_height {
        return rows;
    }
    let mut resized = vec![0; new_height * new_width];
    let mut sums = vec![0; new_width];
    let weights = weights(height, new_height, filter);
    for (pixels, Span { first, weights }) in resized.chunks_exact_mut(new_width).zip(&weights) {
        sums.fill(0);
        for (weight, row) in weights.iter().zip(rows[first * new_width..].chunks_exact(new_width)) {
            for (sum, pixel) in sums.iter_mut().zip(row) {
                *sum += weight * i32::from(*pixel);
            }
        }
        for (pixel, sum) in pixels.iter_mut().zip(&sums) {
            *pixel = rounded(*sum);
        }
    }
    resized
}

/// The pixels that one new pixel is computed from: the first one, and their weights.
struct Span {
    first: usize,
    weights: Vec<i32>,
}

fn weights(from: usize, to: usize, filter: Filter) -> Vec<Span> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = radius(filter) * stretch;
    let span = |place: usize| {
        let centre = (place as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let at = |pixel: usize| weight(filter, (pixel as f64 - centre + 0.5) / stretch);
        let weights: Vec<f64> = (first..end).map(at).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| {
            let weight = if sum == 0.0 { *weight } else { weight / sum };
            // Half away from zero, as a cast in C after adding ±0.5.
            (weight * f64::from(1 << PRECISION)).round() as i32
        };
        Span { first, weights: weights.iter().map(fixed).collect() }
    };
    (0..to).map(span).collect()
}

/// How far a filter reaches, in pixels.
fn radius(filter: Filter) -> f64 {
    match filter {
        Filter::Nearest => 0.5,
        Filter::Bilinear => 1.0,
        Filter::Bicubic => 2.0,
        Filter::Lanczos => 3.0,
    }
}

fn weight(filter: Filter, x: f64) -> f64 {
    /// Pillow's, which is Keys' choice.
    const A: f64 = -0.5;
    let sinc = |x: f64| {
        let x = x * std::f64::consts::PI;
        if x == 0.0 { 1.0 } else { x.sin() / x }
    };
    let distance = x.abs();
    match filter {
        Filter::Nearest => 1.0,
        Filter::Bilinear => (1.0 - distance).max(0.0),
        Filter::Bicubic if distance < 1.0 => {
            ((A + 2.0) * distance - (A + 3.0)) * distance * distance + 1.0
        }
        Filter::Bicubic if distance < 2.0 => {
            (((distance - 5.0) * distance + 8.0) * distance - 4.0) * A
        }
        Filter::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
        Filter::Bicubic | Filter::Lanczos => 0.0,
    }
}

fn rounded(sum: i32) -> u8 {
    ((sum + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 255) as u8
}
