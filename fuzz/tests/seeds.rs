//! Every stored input, as it is and with many small changes: what fuzzing found stays
//! mended, where cargo-fuzz is not installed too.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Changed copies of each seed; FUZZ_CHANGES overrides it.
const CHANGES: usize = 300;

/// Bytes that formats give a meaning to.
const INTERESTING: [u8; 24] = *b"\0\xff\x80\x7f\n\r\t ,;.:|{}[]\"09-#S\xef";

/// `bytes` with one to four small changes.
fn changed(bytes: &[u8], generator: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..generator.random_range(1..=4_u32) {
        let place = |generator: &mut ChaCha8Rng, end: usize| {
            generator.random_range(0..=end as u32) as usize
        };
        let at = place(generator, bytes.len());
        let until = place(generator, bytes.len()).clamp(at, at.saturating_add(64)).min(bytes.len());
        match generator.random_range(0..6_u32) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..until)),
            2 => {
                let copy = bytes[at..until].to_vec();
                bytes.splice(at..at, copy);
            }
            3 => {
                let byte = INTERESTING[place(generator, INTERESTING.len() - 1)];
                bytes.insert(at, byte);
            }
            4 if at < bytes.len() => bytes[at] ^= 1 << generator.random_range(0..8_u32),
            _ if at < bytes.len() => bytes[at] = generator.random(),
            _ => bytes.push(generator.random()),
        }
    }
    bytes
}

#[test]
fn no_stored_input_and_no_neighbour_of_one_breaks_a_reader() {
    let changes = std::env::var("FUZZ_CHANGES").map_or(CHANGES, |n| n.parse().expect("a number"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let mut runs = 0;
    for target in trm_fuzz::targets() {
        let folder = root.join(target.name);
        let mut seeds: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        seeds.sort();
        assert!(!seeds.is_empty(), "no seeds of {}", target.name);
        for (number, path) in seeds.iter().enumerate() {
            let bytes = fs::read(path).unwrap();
            let mut generator = ChaCha8Rng::seed_from_u64(number as u64);
            let neighbours = (0..changes).map(|_| changed(&bytes, &mut generator));
            for input in std::iter::once(bytes.clone()).chain(neighbours) {
                runs += 1;
                let held = catch_unwind(AssertUnwindSafe(|| trm_fuzz::run(target.name, &input)));
                if held.is_err() {
                    let found = std::env::temp_dir().join(format!("{}-found", target.name));
                    fs::write(&found, &input).unwrap();
                    panic!("{} breaks; the input is in {}", target.name, found.display());
                }
            }
        }
    }
    println!("{runs} runs");
}
