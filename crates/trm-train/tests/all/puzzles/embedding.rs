//! The embedding of puzzles: a row for each identifier, moved by sign descent.

use burn::tensor::{Device, Int, Tensor};
use serde_json::json;
use trm_spec::VariantSpec;
use trm_train::sign_descent;

use super::{data, tiny};
use crate::support::wait;

/// Whatever the setting says, no puzzle is without an embedding; a saved model that
/// lacks some is not trained on such puzzles.
#[test]
fn every_identifier_has_an_embedding() {
    let count = data().train.num_identifiers;
    let config = tiny(json!({ "num_puzzle_identifiers": 1 }));
    let run = trm_train::create(&config, data(), &Device::flex()).unwrap();
    let VariantSpec::Trm(made) = run.summary().config.model else { panic!("a dual model") };
    assert_eq!(made.num_puzzle_identifiers, count);

    let saved = wait(run.save(json!(null))).unwrap().checkpoint;
    let mut more = data();
    more.train.num_identifiers += 1;
    let loaded = trm_train::load_with(&saved, None, Some(more.into()), &Device::flex());
    let failure = loaded.err().expect("refused");
    assert!(failure.message.contains("num_puzzle_identifiers"), "{}", failure.message);

    // A number that a file may say, and no memory holds.
    for (identifiers, words) in [(1 << 55, "at most 16777216"), (1 << 24, "2^30")] {
        let mut most = data();
        most.train.num_identifiers = identifiers;
        let config = tiny(json!({ "puzzle_emb_ndim": 128, "puzzle_emb_len": 4 }));
        let created = trm_train::create(&config, most, &Device::flex());
        let failure = created.err().expect("refused");
        assert!(failure.message.contains(words), "{}", failure.message);
    }
}

/// Row 3 is met three times, with gradients whose sum has the sign of none of the last two;
/// rows 0 and 2 are not met.
#[test]
fn sign_descent_moves_a_row_once_by_the_sum_of_its_gradients() {
    let device = Device::flex();
    let table: Vec<f32> = (0..10).map(|i| i as f32 * 0.5 - 2.0).collect();
    let before = Tensor::<1>::from_floats(table.as_slice(), &device).reshape([5, 2]);
    let met = Tensor::<1, Int>::from_ints([3, 1, 3, 4, 3], &device);
    let grad = Tensor::<2>::from_floats(
        [[5.0, -5.0], [0.0, 2.0], [-1.0, 1.0], [-3.0, -3.0], [-2.0, 2.0]],
        &device,
    );
    let (rate, decay) = (0.1, 0.5);
    let after = sign_descent(before, met, grad, rate, decay);
    let signs = [[0.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1.0, -1.0], [-1.0, -1.0]];
    let expected: Vec<f64> = table
        .iter()
        .zip(signs.as_flattened())
        .enumerate()
        .map(|(i, (&x, sign))| {
            let shrunk = if [1, 3, 4].contains(&(i / 2)) { 1.0 - rate * decay } else { 1.0 };
            f64::from(x) * shrunk - rate * sign
        })
        .collect();
    let after: Vec<f32> = after.into_data().try_into_vec().unwrap();
    for (a, b) in after.iter().zip(&expected) {
        assert!((f64::from(*a) - b).abs() < 1e-6, "{after:?} for {expected:?}");
    }
}
