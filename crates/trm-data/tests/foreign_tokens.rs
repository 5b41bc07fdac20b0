//! Texts and tokens as people have them: what is no text is refused, other programs' token
//! files are read, and the same text counts as the same wherever it was saved.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use trm_data::{
    DataError, Dataset, Document, FileKind, OpenedSource, TokenFile, decode, prepare, read_text,
    read_utf8,
};
use trm_spec::{DataSource, RunConfig, Tokenizer, Vocab};

const TEXT: &str = "First Citizen:\nBefore we proceed any further, hear me speak.\n";

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, content).expect("written");
        path
    }
}

fn open(path: &PathBuf) -> Result<OpenedSource, trm_spec::Failure> {
    OpenedSource::open(&DataSource::Files { path: path.into() }, &RunConfig::default())
}

/// `numbers` as nanoGPT writes them.
fn bin(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// nanoGPT's `meta.pkl` of these characters, as Python writes it.
fn meta(chars: &[char]) -> Vec<u8> {
    let mut pickle = b"\x80\x04}(\x8c\x04itos}(".to_vec();
    for (number, character) in chars.iter().enumerate() {
        let text = character.to_string();
        pickle.extend([b'K', number as u8, 0x8c, text.len() as u8]);
        pickle.extend(text.bytes());
    }
    pickle.extend(b"uu.");
    pickle
}

#[test]
fn what_is_no_text_is_refused_with_what_it_is() {
    let place = Place::new();
    let wide: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let json = "{\"text\": \"a word\"}\n".repeat(100);
    for (name, content, kind, next) in [
        ("wide.txt", wide, FileKind::Utf16 { big_endian: false }, "UTF-16LE"),
        ("nul.txt", format!("{TEXT}\0{TEXT}").into(), FileKind::Binary, "right file"),
        ("mac.txt", TEXT.replace('\n', "\r").into(), FileKind::CarriageReturns, "--as-text"),
        ("lines.json", json.into(), FileKind::JsonLines, "--as-text"),
        ("array.json", b"[\"a\", \"b\"]".to_vec(), FileKind::Json, ".jsonl"),
        ("page.txt", b"<!DOCTYPE html><p>404".to_vec(), FileKind::Html, "the page"),
        ("a.gz", b"\x1f\x8b\x08\0\0\0".to_vec(), FileKind::Gzip, "gunzip"),
    ] {
        let path = place.write(name, content);
        let error = read_text(&path).expect_err(name);
        assert!(
            matches!(&error, DataError::NotAText { kind: found, .. } if *found == kind),
            "{error}"
        );
        assert!(
            error.to_string().contains(name) && error.hint().contains(next),
            "{error}: {}",
            error.hint()
        );
        let failure = open(&path).expect_err(name);
        assert_eq!(failure.message, error.to_string());
        let out = place.0.path().join("out.safetensors");
        let document = Document::File(&path);
        let mut go_on = |_| std::ops::ControlFlow::Continue(());
        let prepared = prepare(&[document], Tokenizer::Char, "x", &out, &mut go_on);
        assert_eq!(prepared.expect_err(name).to_string(), error.to_string());
        if kind.is_utf8() {
            prepare(&[Document::Insisted(&path)], Tokenizer::Char, "x", &out, &mut go_on)
                .expect("insisted");
            OpenedSource::open_as_text(&path, &RunConfig::default()).expect("insisted");
            read_utf8(&path).expect("UTF-8");
        }
    }
    // The position in the file.
    let path = place.write("nul.txt", format!("{TEXT}\0{TEXT}"));
    let error = read_text(&path).expect_err("a NUL").to_string();
    assert!(error.contains(&format!("byte {}", TEXT.len())), "{error}");
    // Far behind the beginning as well.
    let path = place.write("late.txt", format!("{}\0", TEXT.repeat(4000)));
    assert!(read_text(&path).is_err());
    // What a page is given.
    let source = DataSource::Text { name: "my.json".into(), text: "[1, 2]".into() };
    assert!(Dataset::load(&source, &RunConfig::default(), None).is_err());
}

#[test]
fn the_tokens_of_nano_gpt_are_read_with_their_characters() {
    let place = Place::new();
    let chars: Vec<char> = {
        let all: std::collections::BTreeSet<char> = TEXT.chars().collect();
        all.into_iter().collect()
    };
    let number = |c: char| chars.iter().position(|known| *known == c).expect("known") as u16;
    let text = TEXT.repeat(30);
    let tokens: Vec<u16> = text.chars().map(number).collect();
    let (train, val) = tokens.split_at(tokens.len() - 400);
    let path = place.write("play/train.bin", bin(train));
    place.write("play/val.bin", bin(val));
    place.write("play/meta.pkl", meta(&chars));
    let file = TokenFile::open_bin(&path).expect("tokens");
    assert_eq!((file.len(), file.val_tokens(), file.name()), (tokens.len(), Some(400), "play"));
    assert_eq!(file.vocab(), &Vocab::Char { chars: chars.iter().collect() });
    let mut read = Vec::new();
    // Across the border of the two files.
    file.read(train.len() - 10..train.len() + 10, &mut read);
    let expected: Vec<u32> =
        tokens[train.len() - 10..][..20].iter().map(|t| u32::from(*t)).collect();
    assert_eq!(read, expected);
    file.verify().expect("as it was");
    read.clear();
    file.read(0..file.len(), &mut read);
    assert_eq!(decode(file.vocab(), &read), text);
    // The file and its folder are opened alike.
    for path in [&path, &place.0.path().join("play")] {
        let opened = open(path).expect("opened");
        assert_eq!((opened.title(), opened.sha256()), ("play", file.sha256()));
    }
    // A number that no character has, and what is no list of characters.
    place.write("play/val.bin", bin(&[999; 50]));
    assert!(matches!(TokenFile::open_bin(&path), Err(DataError::Outside { token: 999, .. })));
    place.write("play/meta.pkl", b"\x80\x04cos\nsystem\n.");
    let error = TokenFile::open_bin(&path).expect_err("a program").to_string();
    assert!(error.contains("meta.pkl") && error.contains("plain values"), "{error}");
}

#[test]
fn the_tokens_of_gpt_2_need_no_list() {
    let place = Place::new();
    let tokens: Vec<u16> = (0..4000_u32).map(|n| (n * 7919 % 50_257) as u16).collect();
    let path = place.write("train.bin", bin(&tokens));
    let file = TokenFile::open_bin(&path).expect("tokens");
    assert_eq!((file.len(), file.vocab().size(), file.val_tokens()), (4000, 50_257, None));
    // llm.c's header: a number, a version, how many tokens.
    let mut headed = vec![0; 1024];
    headed[..4].copy_from_slice(&20_240_520_u32.to_le_bytes());
    headed[4..8].copy_from_slice(&1_u32.to_le_bytes());
    headed[8..12].copy_from_slice(&4000_u32.to_le_bytes());
    headed.extend(bin(&tokens));
    let path = place.write("llm_train.bin", &headed);
    assert_eq!(TokenFile::open_bin(&path).expect("tokens").sha256(), file.sha256());
    headed.truncate(headed.len() - 2);
    let path = place.write("llm_train.bin", &headed);
    let error = TokenFile::open_bin(&path).expect_err("cut").to_string();
    assert!(error.contains("4000 tokens, and it has 3999"), "{error}");
    let path = place.write("odd.bin", [1, 2, 3]);
    assert!(matches!(TokenFile::open_bin(&path), Err(DataError::NotTokens { .. })));
    let path = place.write("high.bin", bin(&[60_000; 9]));
    let error = TokenFile::open_bin(&path).expect_err("beyond GPT-2").to_string();
    assert!(error.contains("60000") && error.contains("meta.pkl"), "{error}");
}

#[test]
fn the_same_text_is_the_same_wherever_it_was_saved() {
    let place = Place::new();
    let plain = place.write("plain.txt", TEXT);
    let mut config = RunConfig::default();
    let mut opened = open(&plain).expect("a text");
    opened.complete(&mut config, false).expect("complete");
    let dataset = config.data.dataset.clone();
    for (name, content) in [
        ("bom.txt", format!("\u{feff}{TEXT}")),
        ("windows.txt", TEXT.replace('\n', "\r\n")),
        ("both.txt", format!("\u{feff}{}", TEXT.replace('\n', "\r\n"))),
    ] {
        let path = place.write(name, content);
        let again = open(&path).expect("a text");
        assert_eq!(again.sha256(), opened.sha256());
        again.expect_same(&dataset).expect("the same text");
        assert_eq!(again.other_than(&dataset), None);
    }
    let other = open(&place.write("other.txt", TEXT.to_uppercase())).expect("a text");
    assert!(matches!(other.expect_same(&dataset), Err(DataError::OtherText { .. })));
    assert_eq!(other.other_than(&dataset), Some("other.txt".into()));
    // A run of an older version keeps the digest of the bytes: this one's is of "a\r\nb".
    let windows = open(&place.write("w.txt", "a\r\nb")).expect("a text");
    let digest = {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(b"a\r\nb");
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    windows.expect_same(&format!("w.txt@{}", &digest[..12])).expect("the same bytes");
}

#[test]
fn a_folder_of_texts_is_sent_to_data_prepare() {
    let place = Place::new();
    place.write("books/a.txt", TEXT);
    let failure = open(&place.0.path().join("books")).expect_err("a folder");
    assert!(failure.hint.contains("data prepare") && failure.hint.contains("books"), "{failure:?}");
}
