//! Position embeddings of another image size.

/// Position embeddings `[1 + old², dim]`, the class token's first, for a grid of `new²`
/// patches: `[1 + new², dim]`. As Hugging Face's `interpolate_pos_encoding` and PyTorch's
/// bicubic `interpolate` without aligned corners: cubic convolution with a = −0.75,
/// clamped at the border.
pub(super) fn resized(embeddings: &[f32], dim: usize, old: usize, new: usize) -> Vec<f32> {
    let (class, grid) = embeddings.split_at(dim);
    let taps: Vec<[(usize, f64); 4]> = (0..new).map(|i| taps(i, old, new)).collect();
    let mut resized = class.to_vec();
    for row in &taps {
        for column in &taps {
            resized.extend((0..dim).map(|feature| {
                let mut sum = 0.0;
                for (y, down) in row {
                    for (x, across) in column {
                        let value = grid[(y * old + x) * dim + feature];
                        sum += down * across * f64::from(value);
                    }
                }
                sum as f32
            }));
        }
    }
    resized
}

/// The positions of the old grid that position `i` of the new one is made of, and their
/// weights.
fn taps(i: usize, old: usize, new: usize) -> [(usize, f64); 4] {
    let centre = (i as f64 + 0.5) * old as f64 / new as f64 - 0.5;
    let first = centre.floor();
    std::array::from_fn(|tap| {
        let at = first + tap as f64 - 1.0;
        let index = at.clamp(0.0, old as f64 - 1.0);
        (index as usize, cubic((centre - at).abs()))
    })
}

/// The kernel of cubic convolution at a distance below 2.
fn cubic(distance: f64) -> f64 {
    const A: f64 = -0.75;
    let d = distance;
    if d <= 1.0 {
        ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0
    } else {
        ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A
    }
}

#[cfg(test)]
mod tests {
    use super::resized;

    /// Grids of `(7·row + 3·column²) mod 11`, and what PyTorch 2.15 makes of them with
    /// `interpolate(…, mode="bicubic", align_corners=False)`.
    const RECORDED: [(usize, usize, &[f32]); 3] = [
        (3, 2, &[2.476_562, 3.285_156, 4.902_344, 5.710_938]),
        (
            2,
            5,
            &[
                -1.102_498, -0.525_748, 0.728_252, 1.982_253, 2.559_003, 0.243_252, 0.820_002,
                2.074_002, 3.328_003, 3.904_753, 3.169_251, 3.746_001, 5.0, 6.254, 6.830_752,
                6.095_254, 6.672_003, 7.926_001, 9.180_001, 9.756_754, 7.441_004, 8.017_754,
                9.271_751, 10.525_752, 11.102_507,
            ],
        ),
        (
            4,
            6,
            &[
                -0.868_056, 1.079_861, 2.279_719, 0.301_372, 2.682_292, 5.777_332, 3.614_584,
                5.562_5, 6.892_325, 5.433_848, 3.421_875, 2.124_024, 6.635_043, 8.695_023,
                10.203_664, 8.998_932, 4.727_431, 1.173_368, 2.744_659, 5.252_894, 7.060_37,
                5.204_918, 5.970_487, 7.466_754, 6.342_015, 5.062_5, 3.033_602, 1.431_895,
                3.953_125, 7.092_99, 11.384_973, 6.317_708, 0.518_968, -0.562_871, 1.465_279,
                4.000_001,
            ],
        ),
    ];

    #[test]
    fn a_grid_is_interpolated_as_in_pytorch() {
        for (old, new, expected) in RECORDED {
            // Two features, the second twice the first; the class token is 50 and 60.
            let mut embeddings = vec![50.0, 60.0];
            for row in 0..old {
                for column in 0..old {
                    let value = ((7 * row + 3 * column * column) % 11) as f32;
                    embeddings.extend([value, 2.0 * value]);
                }
            }
            let found = resized(&embeddings, 2, old, new);
            assert_eq!(found[..2], [50.0, 60.0]);
            assert_eq!(found.len(), 2 + 2 * expected.len());
            for (found, expected) in found[2..].chunks_exact(2).zip(expected) {
                for (found, expected) in found.iter().zip([*expected, 2.0 * expected]) {
                    assert!((found - expected).abs() < 2e-5, "{found} for {expected}");
                }
            }
        }
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let embeddings: Vec<f32> = (0..30).map(|i| (i as f32).sin()).collect();
        assert_eq!(resized(&embeddings, 3, 3, 3), embeddings);
    }
}
