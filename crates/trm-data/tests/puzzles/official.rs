use std::collections::HashMap;

use proptest::prelude::*;
use trm_data::IGNORED;
use trm_data::puzzles::{PuzzleError, PuzzleSet, npy, official};

/// A file as NumPy writes it.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn i32s(values: &[i32]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    npy("<i4", &format!("({},)", values.len()), &data)
}

/// Two groups; the first has two puzzles, of which the second has two rows.
fn folder() -> HashMap<&'static str, Vec<u8>> {
    let metadata = r#"{"pad_id": 0, "ignore_label_id": 0, "blank_identifier_id": 0, "vocab_size": 6,
        "seq_len": 2, "num_puzzle_identifiers": 3, "total_groups": 2, "mean_puzzle_examples": 1.3,
        "total_puzzles": 3, "sets": ["all"]}"#;
    HashMap::from([
        ("dataset.json", metadata.into()),
        ("all__inputs.npy", npy("|u1", "(4, 2)", &[1, 2, 3, 4, 5, 1, 2, 3])),
        ("all__labels.npy", npy("|u1", "(4, 2)", &[1, 0, 3, 4, 5, 1, 0, 3])),
        ("all__puzzle_identifiers.npy", i32s(&[1, 2, 0])),
        ("all__puzzle_indices.npy", i32s(&[0, 1, 3, 4])),
        ("all__group_indices.npy", i32s(&[0, 2, 3])),
    ])
}

fn read(folder: &HashMap<&'static str, Vec<u8>>) -> Result<PuzzleSet, PuzzleError> {
    official::read("data/train", &mut |name| Ok(folder.get(name).cloned()))
}

#[test]
fn a_folder_becomes_rows() {
    let set = read(&folder()).expect("a set");
    assert_eq!(set.inputs, [1, 2, 3, 4, 5, 1, 2, 3]);
    assert_eq!(set.labels, [1, IGNORED, 3, 4, 5, 1, IGNORED, 3]);
    assert_eq!(set.puzzle_identifiers, [1, 2, 2, 0]);
    assert_eq!((set.seq_len, set.vocab, set.num_identifiers, set.len()), (2, 6, 3, 4));
    let groups = set.groups.expect("groups");
    assert_eq!((groups.group(0), groups.puzzle(1)), (0..2, 1..3));
}

#[test]
fn every_missing_file_is_named() {
    for part in folder().keys() {
        let mut folder = folder();
        folder.remove(part);
        let error = read(&folder).expect_err("a part is missing");
        let (name, part) = ("data/train".to_owned(), (*part).to_owned());
        assert_eq!(error, PuzzleError::Missing { name, part });
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let cases: [(&str, Vec<u8>, &str); 12] = [
        ("dataset.json", b"{".to_vec(), "dataset.json"),
        (
            "dataset.json",
            br#"{"vocab_size":6,"seq_len":0,"num_puzzle_identifiers":1,"sets":["all"]}"#.to_vec(),
            "seq_len is 0",
        ),
        (
            "dataset.json",
            br#"{"vocab_size":6,"seq_len":2,"num_puzzle_identifiers":3,"sets":["../all"]}"#
                .to_vec(),
            "no file name",
        ),
        ("all__inputs.npy", npy("|u1", "(4, 2)", &[1, 2, 3, 4, 5, 1, 2, 6]), "the token 6"),
        ("all__labels.npy", npy("|u1", "(4, 2)", &[1, 2, 3, 4, 5, 1, 2, 9]), "the token 9"),
        ("all__labels.npy", npy("|u1", "(3, 2)", &[1, 2, 3, 4, 5, 1]), "equally many"),
        ("all__inputs.npy", npy("|u1", "(8,)", &[1; 8]), "shape [8]"),
        ("all__puzzle_identifiers.npy", i32s(&[1, 3, 0]), "identifier 3"),
        ("all__puzzle_identifiers.npy", i32s(&[1, 2]), "do not divide"),
        ("all__puzzle_indices.npy", i32s(&[0, 1, 3, 5]), "do not divide"),
        ("all__group_indices.npy", i32s(&[0, 2, 2]), "do not divide"),
        ("all__group_indices.npy", i32s(&[]), "do not divide"),
    ];
    for (part, bytes, expected) in cases {
        let mut folder = folder();
        folder.insert(part, bytes);
        let error = read(&folder).expect_err("a folder that does not fit together");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn arrays_of_all_widths() {
    for (descr, width) in [
        ("|u1", 1),
        ("|i1", 1),
        ("<u2", 2),
        ("<i2", 2),
        ("<u4", 4),
        ("<i4", 4),
        ("<u8", 8),
        ("<i8", 8),
    ] {
        let data: Vec<u8> =
            [7_u64, 100].iter().flat_map(|value| value.to_le_bytes()[..width].to_vec()).collect();
        let array = npy::parse(&npy(descr, "(2,)", &data)).expect("an array");
        assert_eq!((array.shape, array.values), (vec![2], vec![7, 100]), "{descr}");
    }
    // Version 2 has a longer length.
    let mut second = npy("|u1", "(1,)", &[3]);
    second[6] = 2;
    second.splice(10..10, [0, 0]);
    assert_eq!(npy::parse(&second).expect("an array").values, [3]);
}

#[test]
fn hostile_arrays_are_refused() {
    let whole = npy("|u1", "(2,)", &[1, 2]);
    for length in 0..whole.len() {
        assert!(npy::parse(&whole[..length]).is_err(), "{length} bytes");
    }
    let mut long = whole.clone();
    long.push(0);
    assert!(npy::parse(&long).is_err());
    let huge = "(18446744073709551615, 18446744073709551615)";
    for (descr, shape, data) in [
        ("|u1", huge, vec![1]),
        ("<u8", "(4611686018427387905,)", vec![1; 8]),
        ("|u1", "(-1,)", vec![1]),
        ("|u1", "2", vec![1, 2]),
        ("|u1", "(2", vec![1, 2]),
        ("<f4", "(1,)", vec![0; 4]),
        (">i4", "(1,)", vec![0; 4]),
        ("|O", "(1,)", vec![0; 8]),
        ("|i1", "(1,)", vec![0xff]),
        ("<u8", "(1,)", vec![0xff; 8]),
        ("", "(1,)", vec![0]),
    ] {
        assert!(npy::parse(&npy(descr, shape, &data)).is_err(), "{descr} {shape}");
    }
    let fortran = String::from_utf8_lossy(&whole[10..]).replace("False", "True ");
    let fortran = [&whole[..10], fortran.as_bytes()].concat();
    assert!(npy::parse(&fortran).expect_err("column after column").contains("Fortran"));
    let mut claims = whole.clone();
    claims[6] = 2;
    claims[8..12].fill(0xff);
    assert!(npy::parse(&claims).expect_err("an endless header").contains("claims"));
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..100), at in 0_usize..90, byte in any::<u8>()) {
        let _ = npy::parse(&bytes);
        let mut file = npy("<i2", "(2,)", &[1, 2, 3, 4]);
        let at = at % file.len();
        file[at] = byte;
        let _ = npy::parse(&file);
    }
}

#[cfg(feature = "files")]
#[test]
fn folders_on_disk() {
    let root = tempfile::tempdir().expect("a folder");
    let missing = |error: PuzzleError| match error {
        PuzzleError::Missing { part, .. } => part,
        other => panic!("{other}"),
    };
    assert_eq!(
        missing(official::open(root.path(), "train").expect_err("no part")),
        "the folder train"
    );
    let train = root.path().join("train");
    std::fs::create_dir(&train).expect("a folder");
    for (name, bytes) in folder() {
        std::fs::write(train.join(name), bytes).expect("a file");
    }
    assert_eq!(official::open(root.path(), "train").expect("a set").len(), 4);
    let error = official::open_identifiers(root.path()).expect_err("no names");
    assert_eq!(missing(error), "identifiers.json");
    std::fs::write(root.path().join("identifiers.json"), r#"["<blank>", "a"]"#).expect("a file");
    assert_eq!(official::open_identifiers(root.path()).expect("names"), ["<blank>", "a"]);
}
