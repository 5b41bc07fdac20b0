//! Every stored input, as it is and with many small changes: what fuzzing found stays
//! mended, where cargo-fuzz is not installed too.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trm_data::checkpoint;
use trm_spec::Command;

/// Changed copies of each seed; FUZZ_CHANGES overrides it.
const CHANGES: usize = 300;

/// Bytes that formats give a meaning to.
const INTERESTING: [u8; 24] = *b"\0\xff\x80\x7f\n\r\t ,;.:|{}[]\"09-#S\xef";

/// `bytes` with a number in it that claims much: of four or eight bytes in either order, or
/// written out.
fn claiming(bytes: &[u8], generator: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let claim = 1_u64 << generator.random_range(16..63_u32);
    let at = generator.random_range(0..=bytes.len() as u32) as usize;
    let number: Vec<u8> = match generator.random_range(0..5_u32) {
        0 => claim.to_le_bytes().to_vec(),
        1 => claim.to_be_bytes().to_vec(),
        2 => (claim as u32).to_le_bytes().to_vec(),
        3 => (claim as u32).to_be_bytes().to_vec(),
        _ => {
            let is_digit = |at: &usize| bytes[*at].is_ascii_digit();
            let Some(start) = (at..bytes.len()).find(is_digit) else { return bytes };
            let end = (start..bytes.len()).find(|at| !is_digit(at)).unwrap_or(bytes.len());
            bytes.splice(start..end, claim.to_string().into_bytes());
            return bytes;
        }
    };
    let end = (at + number.len()).min(bytes.len());
    bytes.splice(at..end, number);
    bytes
}

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
            let neighbours = (0..changes).map(|number| match number % 3 {
                0 => claiming(&bytes, &mut generator),
                _ => changed(&bytes, &mut generator),
            });
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

/// Copies of what is refused at its first byte would test nothing.
#[test]
fn stored_checkpoints_weights_and_commands_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let read = |name: &str| fs::read(root.join(name)).unwrap();
    for name in ["checkpoint/model", "checkpoint/base"] {
        checkpoint::read_header(&read(name)).unwrap();
    }
    for name in ["checkpoint/model", "checkpoint/optimizer", "checkpoint/foreign"] {
        let bytes = read(name);
        let plain = checkpoint::plain(&bytes, checkpoint::ModelPrefix::Keep).unwrap();
        let tensors = checkpoint::tensors(&plain).unwrap();
        assert!(!tensors.names().iter().any(|name| name.contains("_orig_mod")), "{name}");
    }
    for name in ["pt/zip", "pt/deflated", "pt/legacy"] {
        let weights = checkpoint::pytorch_weights(&root.join(name)).unwrap();
        assert_eq!(checkpoint::tensors(&weights).unwrap().len(), 2, "{name}");
    }
    // A gigabyte in a file of less than a thousand bytes.
    let failure = checkpoint::pytorch_weights(&root.join("pt/expanded")).unwrap_err();
    assert!(failure.message.contains("`a` claims 1073741824 bytes"), "{failure:?}");
    for entry in fs::read_dir(root.join("command")).unwrap() {
        let path = entry.unwrap().path();
        serde_json::from_slice::<Command>(&fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
