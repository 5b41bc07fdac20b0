//! Texts and folders into token files.
#![cfg(feature = "files")]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use trm_data::{
    DataError, Document, Progress, TokenFile, decode, encode, find_texts, prepare, vocabulary,
};
use trm_spec::Tokenizer;

#[cfg(feature = "bpe")]
const ALL: [Tokenizer; 3] = [Tokenizer::Char, Tokenizer::Byte, Tokenizer::Gpt2];
#[cfg(not(feature = "bpe"))]
const ALL: [Tokenizer; 2] = [Tokenizer::Char, Tokenizer::Byte];

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, content).expect("written");
        path
    }
}

fn prepared(texts: &[PathBuf], tokenizer: Tokenizer, out: &Path) -> Result<(), DataError> {
    let documents: Vec<_> = texts.iter().map(|path| Document::File(path)).collect();
    prepare(&documents, tokenizer, "a text", out, &mut |_| ControlFlow::Continue(()))
}

/// The tokens of a file and the text that they stand for.
fn read(path: &Path) -> (Vec<u32>, String) {
    let file = TokenFile::open(path).expect("whole");
    let mut tokens = Vec::new();
    file.read(0..file.len(), &mut tokens);
    let text = decode(file.vocab(), &tokens);
    (tokens, text)
}

/// Training on a text directly and through a token file sees the same tokens,
/// wherever the pieces end in which the file is read.
#[test]
fn a_text_gives_the_tokens_that_it_gives_in_memory() {
    let place = Place::new();
    let line = "\u{3000}It's  a 长 tale,\r\n\r\n  told 1001 times \r by one 🍐 voice.\n";
    for (length, ending) in [(1, ""), (15_000, ""), (15_001, "\r"), (0, "\u{feff}\r\n x  ")] {
        let text = format!("\u{feff}{}{ending}", line.repeat(length));
        let plain = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n");
        let source = place.write("tale.txt", &text);
        for tokenizer in ALL {
            let out = place.path("tale.safetensors");
            prepared(std::slice::from_ref(&source), tokenizer, &out).expect("prepared");
            let vocab = vocabulary(tokenizer, &plain);
            assert_eq!(TokenFile::open(&out).expect("whole").vocab(), &vocab);
            let (tokens, read) = read(&out);
            assert!(tokens == encode(&vocab, &plain).expect("encoded"), "{tokenizer:?} {length}");
            assert!(read == plain, "{tokenizer:?} {length}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    /// Multi-byte characters, line ends and seams meet the ends of pieces at any place.
    #[test]
    fn where_a_piece_ends_does_not_show(shift in 0_usize..12, tail in "[ \r\n🍐äa]{0,12}") {
        let place = Place::new();
        let text = format!("{}{}", "x".repeat((1 << 20) - shift), tail);
        let source = place.write("a.txt", &text);
        let out = place.path("a.safetensors");
        prepared(&[source], Tokenizer::Byte, &out).expect("prepared");
        prop_assert!(read(&out).1 == text.replace("\r\n", "\n"));
    }
}

#[test]
fn folders_are_walked_in_the_order_of_their_names() {
    let place = Place::new();
    place.write("books/b.txt", "second");
    place.write("books/a/z.md", "first\n");
    place.write("books/c.rs", "third");
    place.write("books/d.txt", "");
    place.write("books/e.png", b"\x89PNG\0\0");
    place.write("books/.hidden/f.txt", "never");
    place.write("books/.g.txt", "never");
    let single = place.write("single.text", "last");
    let found = find_texts(&[place.path("books"), single.clone()]).expect("found");
    let names = ["books/a/z.md", "books/b.txt", "books/c.rs"].map(|name| place.path(name));
    assert_eq!(found.texts, [&names[..], &[single]].concat());
    assert_eq!(found.skipped, ["books/d.txt", "books/e.png"].map(|name| place.path(name)));
    let out = place.path("books.safetensors");
    prepared(&found.texts, Tokenizer::Char, &out).expect("prepared");
    assert_eq!(read(&out).1, "first\nsecond\nthird\nlast");
    #[cfg(feature = "bpe")]
    {
        prepared(&found.texts, Tokenizer::Gpt2, &out).expect("prepared");
        let mark = "<|endoftext|>";
        assert_eq!(read(&out).1, format!("first\n{mark}second{mark}third{mark}last"));
    }
}

#[test]
fn what_is_no_text_is_named_and_leaves_nothing() {
    let place = Place::new();
    let good = place.write("in/a.txt", "good");
    let bad = place.write("in/b.txt", [&vec![b'x'; 1 << 20][..], b"abc\xe4def"].concat());
    let utf16 = place.write("in/c.txt", b"\xff\xfea\0");
    let cut = place.write("in/d.txt", b"abc\xf0\x9f");
    let out = place.path("out.safetensors");
    for tokenizer in ALL {
        let error = prepared(&[good.clone(), bad.clone()], tokenizer, &out).expect_err("bad");
        let wanted = (1 << 20) + 3;
        assert!(matches!(error, DataError::NotUtf8 { offset, .. } if offset == wanted), "{error}");
        assert!(error.to_string().contains("b.txt"), "{error}");
    }
    let error = prepared(&[utf16], Tokenizer::Byte, &out).expect_err("UTF-16");
    assert!(error.hint().contains("UTF-16"), "{}", error.hint());
    let error = prepared(&[cut], Tokenizer::Byte, &out).expect_err("cut");
    assert!(matches!(error, DataError::NotUtf8 { offset: 3, .. }), "{error}");
    let empty = place.write("empty.txt", "");
    let error = prepared(&[empty], Tokenizer::Byte, &out).expect_err("empty");
    assert!(error.to_string().ends_with("empty.txt is empty"), "{error}");
    let error = prepared(&[place.path("missing")], Tokenizer::Byte, &out).expect_err("missing");
    assert!(matches!(error, DataError::Unreadable { .. }), "{error}");
    fs::create_dir(place.path("bare")).expect("made");
    let error = find_texts(&[place.path("bare")]).expect_err("no text");
    assert!(matches!(error, DataError::NoText { .. }), "{error}");
    let left: Vec<_> = fs::read_dir(place.0.path()).expect("a folder").collect();
    assert_eq!(left.len(), 3, "in, empty.txt and bare: {left:?}");
}

#[test]
fn progress_is_told_and_can_stop_it() {
    let place = Place::new();
    let source = place.write("a.txt", "x".repeat(3 << 20));
    let out = place.path("a.safetensors");
    let documents = [Document::File(&source), Document::Text("more", "y")];
    let total = 2 * ((3 << 20) + 1);
    let mut seen = Vec::new();
    let mut tell = |progress: Progress| {
        seen.push(progress.done);
        assert_eq!(progress.total, total);
        ControlFlow::Continue(())
    };
    prepare(&documents, Tokenizer::Char, "a", &out, &mut tell).expect("prepared");
    assert!(seen.is_sorted() && seen.len() > 6, "{seen:?}");
    assert_eq!(seen.last(), Some(&total));
    let before = fs::read(&out).expect("read");
    let mut stop = |progress: Progress| {
        if progress.done > total / 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let error = prepare(&documents, Tokenizer::Char, "b", &out, &mut stop).expect_err("stopped");
    assert!(matches!(error, DataError::Stopped { .. }), "{error}");
    assert_eq!(fs::read(&out).expect("read"), before);
    assert_eq!(fs::read_dir(place.0.path()).expect("a folder").count(), 2);
}

#[test]
fn a_folder_of_pictures_is_told_with_the_flag_that_prepares_it() {
    let place = Place::new();
    place.write("shots/cat/a.png", b"\x89PNG\r\n\x1a\n");
    place.write("numbers/a.bin", b"\0\x01\x02\0");
    let hint = |name: &str| find_texts(&[place.path(name)]).expect_err("no text").hint();
    assert!(hint("shots").contains("--image-size N"), "{}", hint("shots"));
    assert!(hint("numbers").starts_with("Give text files"), "{}", hint("numbers"));
}
