//! Token files: the same corpus from disk as from memory, and clear words for
//! what is damaged.
#![cfg(feature = "files")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use trm_data::{DataError, Split, TextDataset, TokenFile, TokenWriter};
use trm_spec::{DataSpec, Sampling, Vocab};

fn write(path: &Path, vocab: &Vocab, tokens: &[u32]) {
    let mut writer = TokenWriter::create(path, "a text", vocab).expect("created");
    for piece in tokens.chunks(7) {
        writer.push(piece).expect("pushed");
    }
    writer.finish().expect("finished");
}

fn letters(count: u32) -> Vocab {
    Vocab::Char { chars: (0..count).filter_map(|i| char::from_u32(0x4e00 + i)).collect() }
}

/// A token file of 100 letters in a folder of its own.
fn sample() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("letters.safetensors");
    write(&path, &letters(30), &(0..100).map(|i| i % 30).collect::<Vec<_>>());
    (folder, path)
}

/// What opening says, with its hint.
fn refused(path: &Path) -> String {
    let error = TokenFile::open(path).expect_err("damaged");
    let message = error.to_string();
    assert!(message.contains("letters.safetensors"), "the file is named: {message}");
    assert!(error.hint().contains("again"), "{}", error.hint());
    message
}

/// A file of another maker: one tensor, and entries in the header.
fn foreign(path: &Path, name: &str, dtype: Dtype, shape: Vec<usize>, entries: &[(&str, &str)]) {
    let data = vec![0; shape.iter().product::<usize>() * dtype.bitsize() / 8];
    let view = TensorView::new(dtype, shape, &data).expect("a tensor");
    let entries = entries.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let bytes = safetensors::serialize([(name, view)], Some(entries)).expect("serialised");
    fs::write(path, bytes).expect("written");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn tokens_come_back_narrow_or_wide(
        wide in any::<bool>(), numbers in prop::collection::vec(any::<u32>(), 1..200),
    ) {
        let size: u32 = if wide { 100_000 } else { 65_536 };
        let tokens: Vec<u32> = numbers.iter().map(|number| number % size).collect();
        let vocab = Vocab::Plain { size: size as usize };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.safetensors");
        write(&path, &vocab, &tokens);
        prop_assert!(TokenFile::recognise(&path).expect("readable"));
        let file = TokenFile::open(&path).expect("whole");
        let mut read = Vec::new();
        file.read(0..file.len(), &mut read);
        prop_assert_eq!(&read, &tokens);
        prop_assert_eq!((file.vocab(), file.name()), (&vocab, "a text"));
        // Any safetensors reader sees the same.
        let bytes = fs::read(&path).expect("read");
        let view = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
        let tensor = view.tensor("tokens").expect("tokens");
        prop_assert_eq!(tensor.shape(), &[tokens.len()]);
        prop_assert_eq!(tensor.dtype(), if wide { Dtype::U32 } else { Dtype::U16 });
        prop_assert_eq!((tensor.data().as_ptr() as usize - bytes.as_ptr() as usize) % 8, 0);
    }

    #[test]
    fn a_corpus_is_the_same_from_disk_and_from_memory(
        length in 40_usize..300, epochs in any::<bool>(), step in any::<u64>(), fraction in 0.1..0.5_f64,
    ) {
        let text: String = (0..length).filter_map(|i| char::from_u32(0x4e00 + (i * i % 37) as u32)).collect();
        let sampling = if epochs { Sampling::Epochs } else { Sampling::Random };
        let spec = DataSpec { val_fraction: fraction, sampling, ..DataSpec::default() };
        let held = TextDataset::from_spec(&spec, &text, None).expect("a corpus");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.safetensors");
        write(&path, held.vocab(), &trm_data::encode(held.vocab(), &text).expect("its own"));
        let file = Arc::new(TokenFile::open(&path).expect("whole"));
        let mapped = TextDataset::from_file(&spec, file, Some(held.vocab())).expect("a corpus");
        for split in [Split::Train, Split::Val] {
            prop_assert_eq!(mapped.len(split), held.len(split));
            let all = 0..held.len(split);
            prop_assert_eq!(mapped.read(split, all.clone()).expect("read"), held.read(split, all).expect("read"));
            let batches = [&mapped, &held].map(|c| c.batch(split, 3, step, 4, 3).expect("a batch"));
            prop_assert_eq!(&batches[0], &batches[1]);
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let (_folder, path) = sample();
    let whole = fs::read(&path).expect("read");
    for length in [1, 7, 9, 40, 200, whole.len() - 1, whole.len() - 150] {
        fs::write(&path, &whole[..length]).expect("written");
        let message = refused(&path);
        assert!(message.contains("shorter") || message.contains("ends inside"), "{message}");
    }
    fs::write(&path, [&whole[..], b"x"].concat()).expect("written");
    assert!(refused(&path).contains("longer"), "bytes after the end");
    fs::write(&path, b"").expect("written");
    assert!(TokenFile::open(&path).is_err());
}

#[test]
fn a_changed_byte_is_found() {
    let (_folder, path) = sample();
    let mut bytes = fs::read(&path).expect("read");
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    fs::write(&path, bytes).expect("written");
    assert!(refused(&path).contains("digest"));
}

#[test]
fn other_files_are_told_apart() {
    let (_folder, path) = sample();
    fs::write(&path, "A text that is no token file, but is long enough.").expect("written");
    assert!(!TokenFile::recognise(&path).expect("readable"));
    assert!(refused(&path).contains("header"));
    fs::write(&path, "abc").expect("written");
    assert!(!TokenFile::recognise(&path).expect("readable"));

    let vocab = r#"{"kind":"byte"}"#;
    let ours = [("format", "trm-tokens/1"), ("vocab", vocab), ("name", "x"), ("sha256", "0")];
    let with = |key: &str, value: &'static str| -> Vec<(&str, &str)> {
        ours.iter().map(|&(k, v)| if k == key { (k, value) } else { (k, v) }).collect()
    };
    let without = |key: &str| -> Vec<(&str, &str)> {
        ours.iter().copied().filter(|(k, _)| *k != key).collect()
    };
    for (name, dtype, shape, entries, words) in [
        (
            "tokens",
            Dtype::U16,
            vec![4],
            with("format", "trm/1"),
            "is a checkpoint, not a token file",
        ),
        ("tokens", Dtype::U16, vec![4], without("format"), "of another program"),
        ("weights", Dtype::U16, vec![4], ours.to_vec(), "no tensor `tokens`"),
        ("tokens", Dtype::F32, vec![4], ours.to_vec(), "F32, not U16 or U32"),
        ("tokens", Dtype::I64, vec![4], ours.to_vec(), "I64, not U16 or U32"),
        ("tokens", Dtype::U16, vec![2, 2], ours.to_vec(), "[2, 2], not one axis"),
        ("tokens", Dtype::U16, vec![4], with("vocab", "{}"), "vocabulary cannot be read"),
        ("tokens", Dtype::U16, vec![4], without("vocab"), "no `vocab`"),
        ("tokens", Dtype::U16, vec![4], without("sha256"), "no `sha256`"),
        ("tokens", Dtype::U16, vec![4], ours.to_vec(), "digest"),
    ] {
        foreign(&path, name, dtype, shape, &entries);
        assert!(TokenFile::recognise(&path).expect("readable"));
        let message = refused(&path);
        assert!(message.contains(words), "`{words}` is not in: {message}");
    }
    foreign(&path, "tokens", Dtype::U16, vec![0], &ours);
    assert!(matches!(TokenFile::open(&path), Err(DataError::Empty { .. })));
    let error = TokenFile::open(Path::new("no/such/file")).expect_err("missing");
    assert!(matches!(error, DataError::Unreadable { .. }), "{error}");
}

/// Written by a tool that knows other numbers than its vocabulary says.
#[test]
fn a_token_outside_the_vocabulary_is_an_error_and_no_panic() {
    let (_folder, path) = sample();
    let tokens: Vec<u32> = (0..100).map(|i| if i == 70 { 30 } else { i % 30 }).collect();
    write(&path, &letters(30), &tokens);
    let message = refused(&path);
    assert!(message.contains("token 30 at position 70"), "{message}");
    assert!(message.contains("ends at 29"), "{message}");
}

#[test]
fn a_model_with_another_vocabulary_is_refused() {
    let (_folder, path) = sample();
    let file = Arc::new(TokenFile::open(&path).expect("whole"));
    let error = TextDataset::from_file(&DataSpec::default(), file, Some(&Vocab::Byte));
    let error = error.expect_err("another vocabulary");
    assert!(error.to_string().contains("(30 characters) than the model's (256 bytes)"));
}

#[test]
fn a_file_that_is_not_finished_leaves_the_old_one_and_nothing_else() {
    let (folder, path) = sample();
    let before = fs::read(&path).expect("read");
    let mut writer = TokenWriter::create(&path, "new", &letters(2)).expect("created");
    writer.push(&[0, 1]).expect("pushed");
    drop(writer);
    let error = TokenWriter::create(&path, "new", &letters(2)).expect("created").finish();
    assert!(matches!(error, Err(DataError::Empty { .. })), "no tokens");
    assert_eq!(fs::read(&path).expect("read"), before);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    let error = TokenWriter::create(&path.join("below/a/file"), "new", &letters(2));
    let error = error.err().expect("no folder can be made there");
    assert!(matches!(error, DataError::Unwritable { .. }), "{error}");
}

/// Three gigabytes of tokens, of which only the pages that are read are loaded.
#[cfg(target_os = "linux")]
#[test]
fn a_corpus_larger_than_the_memory_it_takes() {
    use std::io::Write;

    let resident = || -> usize {
        let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
        let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a peak");
        let kilobytes = line.split_whitespace().nth(1).expect("a number");
        kilobytes.parse::<usize>().expect("a number") << 10
    };
    const TOKENS: u64 = 1_600_000_000;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.safetensors");
    let header = format!(
        r#"{{"__metadata__":{{"format":"trm-tokens/1","name":"zeros","sha256":"0","vocab":"{{\"kind\":\"byte\"}}"}},"tokens":{{"dtype":"U16","shape":[{TOKENS}],"data_offsets":[0,{}]}}}}"#,
        2 * TOKENS
    );
    let mut file = fs::File::create(&path).expect("created");
    file.write_all(&(header.len() as u64).to_le_bytes()).expect("written");
    file.write_all(header.as_bytes()).expect("written");
    // A hole: it takes no room on the disk.
    file.set_len(8 + header.len() as u64 + 2 * TOKENS).expect("made longer");
    drop(file);

    let before = resident();
    let file = Arc::new(TokenFile::open(&path).expect("opened without reading it"));
    for sampling in [Sampling::Random, Sampling::Epochs] {
        let spec = DataSpec { sampling, ..DataSpec::default() };
        let corpus = TextDataset::from_file(&spec, file.clone(), None).expect("a corpus");
        assert_eq!(corpus.len(Split::Train), 1_440_000_000);
        for step in 0..20 {
            let batch = corpus.batch(Split::Train, 1, step, 16, 256).expect("zeros");
            assert!(batch.inputs.iter().all(|token| *token == 0));
        }
        let windows: Vec<_> = corpus.windows(Split::Val, 256, 256).collect();
        assert_eq!(windows.len(), 625_000);
        let last = *windows.last().expect("a window");
        assert_eq!(corpus.gather(Split::Val, &[last]).expect("zeros").targets.len(), 255);
    }
    let grown = resident() - before;
    assert!(grown < 300 << 20, "{grown} bytes for a file of {} bytes", 2 * TOKENS);
}
