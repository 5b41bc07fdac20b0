//! Corpora of many texts and of several parts: JSON lines, WikiText's layout, a
//! boundary of the file's own, and texts that are only scored.
#![cfg(feature = "files")]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use trm_data::{
    DataError, Document, Parts, Split, TEXT_FIELD, TextDataset, TokenFile, TokenWriter, WikiText,
    Window, decode, find_texts, prepare, prepare_parts, read_texts, test_file,
};
use trm_spec::{DataSpec, Tokenizer, Vocab};

#[cfg(feature = "bpe")]
const ALL: [Tokenizer; 3] = [Tokenizer::Char, Tokenizer::Byte, Tokenizer::Gpt2];
#[cfg(not(feature = "bpe"))]
const ALL: [Tokenizer; 2] = [Tokenizer::Char, Tokenizer::Byte];

struct Place(tempfile::TempDir);

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

    /// The tokens of `document`, prepared.
    fn prepared(&self, document: Document, tokenizer: Tokenizer) -> Result<TokenFile, DataError> {
        let out = self.0.path().join("out.safetensors");
        prepare(&[document], tokenizer, "a text", &out, &mut |_| ControlFlow::Continue(()))?;
        TokenFile::open(&out)
    }

    /// WikiText's three files, with a character of its own in each.
    fn wiki(&self, layout: &str) -> PathBuf {
        for (part, text) in [("train", TRAIN), ("valid", VALID), ("test", TEST)] {
            self.write(&format!("wiki/wiki.{part}.{layout}"), text);
        }
        self.0.path().join("wiki")
    }
}

const TRAIN: &str = " \n = Title = \n \n The <unk> cost 1 @,@ 000 § . \n";
const VALID: &str = " \n = Other = \n \n It ended ß . \n";
const TEST: &str = " \n = Third = \n \n Nobody knew ð . \n";

fn tokens(file: &TokenFile) -> Vec<u32> {
    let mut tokens = Vec::new();
    file.read(0..file.len(), &mut tokens);
    tokens
}

fn part(corpus: &TextDataset, split: Split) -> Vec<u32> {
    corpus.read(split, 0..corpus.len(split)).expect("its own tokens")
}

fn spec(tokenizer: Tokenizer) -> DataSpec {
    DataSpec { dataset: "a text".into(), tokenizer, val_fraction: 0.3, ..DataSpec::default() }
}

/// Any text, with much of what JSON escapes and of what ends lines.
fn text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        Just('\r'),
        Just('\n'),
        Just('"'),
        Just('\\'),
        Just('\u{2028}'),
        Just('\u{feff}'),
        Just('\0'),
        Just('🍐'),
        Just(' ')
    ];
    prop::collection::vec(prop_oneof![any::<char>(), odd], 0..30)
        .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Whatever the texts are and however their lines end, they come back, and
    /// give the same tokens from the file as from memory.
    #[test]
    fn json_lines_come_back(
        texts in prop::collection::vec(text(), 1..8),
        ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\n\n", " \t\r\n"]), 8),
        escaped in any::<bool>(), marked in any::<bool>(), ended in any::<bool>(),
    ) {
        let mut file = if marked { "\u{feff}".to_owned() } else { String::new() };
        for (number, text) in texts.iter().enumerate() {
            let line = json!({ "id": number, "text": text, "more": ["text"] }).to_string();
            for character in line.chars() {
                match character.is_ascii() || !escaped {
                    true => file.push(character),
                    false => {
                        let mut units = [0; 2];
                        let units = character.encode_utf16(&mut units);
                        file.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
                    }
                }
            }
            if ended || number + 1 < texts.len() {
                file += ends[number];
            }
        }
        let place = Place::new();
        let path = place.write("texts.jsonl", &file);
        let kept: Vec<_> = texts.iter().filter(|t| !["", "\u{feff}"].contains(&&***t)).collect();
        if kept.is_empty() {
            let error = read_texts(&path, TEXT_FIELD).expect_err("nothing in it");
            prop_assert!(matches!(error, DataError::Empty { .. }), "{}", error);
            return Ok(());
        }
        let read = read_texts(&path, TEXT_FIELD).expect("read");
        prop_assert_eq!(read.iter().collect::<Vec<_>>(), kept);
        for tokenizer in ALL {
            let spec = spec(tokenizer);
            let held = TextDataset::from_texts(&spec, &read, None).expect("a corpus");
            let file = place.prepared(Document::named(&path, TEXT_FIELD), tokenizer).expect("prepared");
            prop_assert_eq!(file.vocab(), held.vocab());
            prop_assert_eq!(tokens(&file), [part(&held, Split::Train), part(&held, Split::Val)].concat());
        }
    }

    /// The boundary is the file's own, whatever share the settings ask for.
    #[test]
    fn the_boundary_survives(train in 1_usize..200, val in 1_usize..200, share in 0.0..=1.0_f64) {
        let place = Place::new();
        let path = place.0.path().join("tokens.safetensors");
        let all: Vec<u32> = (0..train + val).map(|i| i as u32).collect();
        let mut writer = TokenWriter::create(&path, "x", &Vocab::Plain { size: 400 }).expect("created");
        writer.push(&all[..train]).expect("pushed");
        writer.begin_validation();
        writer.push(&all[train..]).expect("pushed");
        writer.finish().expect("finished");
        let file = Arc::new(TokenFile::open(&path).expect("whole"));
        prop_assert_eq!((file.val_tokens(), file.is_test()), (Some(val), false));
        let spec = DataSpec { val_fraction: share, ..DataSpec::default() };
        let corpus = TextDataset::from_file(&spec, file.clone(), None).expect("a corpus");
        prop_assert_eq!(part(&corpus, Split::Train), &all[..train]);
        prop_assert_eq!(part(&corpus, Split::Val), &all[train..]);
        let scored = TextDataset::for_test_file(file, &Vocab::Plain { size: 400 }).expect("a corpus");
        prop_assert_eq!(part(&scored, Split::Val), all);
    }
}

/// Pieces of text are smaller than a line, and lines smaller than a piece.
#[test]
fn long_and_many_lines_give_what_they_say() {
    let place = Place::new();
    let long = "Grüße 🍐 ".repeat(150_000);
    let lines =
        json!({ "story": long }).to_string() + "\n" + &"{\"story\":\"short\"}\n".repeat(90_000);
    let path = place.write("a.NDJSON", lines);
    let file = place.prepared(Document::named(&path, "story"), Tokenizer::Byte).expect("prepared");
    let wanted = long + &"\nshort".repeat(90_000);
    assert!(decode(file.vocab(), &tokens(&file)) == wanted);
}

#[test]
fn lines_that_hold_no_text_are_named() {
    let place = Place::new();
    for (line, words) in [
        ("{\"text\": \"a\"", "it is not JSON (EOF while parsing an object in column 12)"),
        ("words", "it is not JSON"),
        ("[1]", "it is an array"),
        ("{\"title\": \"a\"}", "it has no such field"),
        ("{\"text\": 7}", "the field is a number"),
        ("{\"text\": null}", "the field is null"),
        ("{\"text\": \"\\ud800\"}", "it is not JSON"),
    ] {
        let path = place.write("a.jsonl", format!("{{\"text\": \"good\"}}\n\n{line}\n"));
        let errors = [
            read_texts(&path, TEXT_FIELD).expect_err("bad"),
            place.prepared(Document::named(&path, TEXT_FIELD), Tokenizer::Char).expect_err("bad"),
        ];
        for error in errors {
            let message = error.to_string();
            for wanted in ["line 3 of ", "a.jsonl", "field `text`", words] {
                assert!(message.contains(wanted), "`{wanted}` is not in: {message}");
            }
            assert!(error.hint().contains("--field"), "{}", error.hint());
        }
    }
    let path = place.write("a.jsonl", b"{\"text\": \"a\"}\n{\"text\": \"\xff\"}\n");
    let error = read_texts(&path, TEXT_FIELD).expect_err("not UTF-8");
    assert!(matches!(error, DataError::NotUtf8 { offset: 24, .. }), "{error}");
    let path = place.write("a.jsonl", b"\xff\xfe{\0");
    let error = read_texts(&path, TEXT_FIELD).expect_err("UTF-16");
    assert!(error.hint().contains("UTF-16"), "{}", error.hint());
    assert!(!place.0.path().join("out.safetensors").exists());
}

#[test]
fn json_lines_in_folders_are_texts() {
    let place = Place::new();
    let path = place.write("in/a.jsonl", "{\"text\": \"a\"}");
    let found = find_texts(&[place.0.path().join("in")]).expect("found");
    assert_eq!(found.texts, [path]);
}

#[test]
fn wikitext_keeps_its_parts_and_its_text() {
    for layout in ["raw", "tokens"] {
        let place = Place::new();
        let parts = WikiText::find(&place.wiki(layout)).expect("whole").expect("recognised");
        let [train, val, test] = [Some(&parts.train), Some(&parts.val), parts.test.as_ref()]
            .map(|path| [Document::File(path.expect("all three"))]);
        let out = place.0.path().join("w.safetensors");
        for tokenizer in ALL {
            let parts = Parts { train: &train, val: &val, test: &test };
            prepare_parts(&parts, tokenizer, "wiki", &out, &mut |_| ControlFlow::Continue(()))
                .expect("prepared");
            let files =
                [out.clone(), test_file(&out)].map(|path| TokenFile::open(&path).expect("whole"));
            let [file, scored] = files.map(Arc::new);
            assert_eq!((file.name(), scored.name()), ("wiki", "wiki (test)"));
            assert_eq!(file.vocab(), scored.vocab());
            let corpus =
                TextDataset::from_file(&spec(tokenizer), file.clone(), None).expect("a corpus");
            let read = |tokens: &[u32]| decode(file.vocab(), tokens);
            let mark = if tokenizer == Tokenizer::Gpt2 { "<|endoftext|>" } else { "" };
            assert_eq!(read(&part(&corpus, Split::Train)), format!("{TRAIN}{mark}"));
            assert_eq!(read(&part(&corpus, Split::Val)), VALID);
            assert_eq!(read(&tokens(&scored)), TEST);
            // The test part is scored whole however it is opened, and never trained on.
            assert!(scored.is_test());
            let scored = TextDataset::from_file(&spec(tokenizer), scored, Some(corpus.vocab()));
            let scored = scored.expect("a corpus");
            assert_eq!((scored.len(Split::Train), scored.is_test()), (0, true));
            assert_eq!(read(&part(&scored, Split::Val)), TEST);
        }
    }
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let place = Place::new();
    let folder = place.wiki("raw");
    assert!(WikiText::has_part(&folder.join("wiki.test.raw")));
    fs::remove_file(folder.join("wiki.test.raw")).expect("removed");
    let parts = WikiText::find(&folder).expect("whole").expect("recognised");
    assert_eq!(parts.test, None);
    let refused = |words: &str| {
        let error = WikiText::find(&folder).expect_err("incomplete");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().contains("of one layout"), "{}", error.hint());
    };
    let mixed = place.write("wiki/wiki.test.tokens", TEST);
    refused("`.raw` and `.tokens` files together");
    fs::remove_file(mixed).expect("removed");
    fs::remove_file(folder.join("wiki.valid.raw")).expect("removed");
    refused("there is no `wiki.valid.raw`");
    fs::remove_file(folder.join("wiki.train.raw")).expect("removed");
    assert_eq!(WikiText::find(&folder).expect("another kind of folder"), None);
    place.write("wiki/wiki.valid.tokens", VALID);
    refused("there is no `wiki.train.tokens`");
}

#[test]
fn a_stopped_or_empty_part_leaves_nothing() {
    let place = Place::new();
    let folder = place.wiki("raw");
    let out = place.0.path().join("w.safetensors");
    let [train, val] = ["train", "valid"].map(|part| folder.join(format!("wiki.{part}.raw")));
    let test = place.write("wiki/wiki.test.raw", "");
    let [train, val, test] = [&train, &val, &test].map(|path| [Document::File(path)]);
    let parts = Parts { train: &train, val: &val, test: &test };
    let error =
        prepare_parts(&parts, Tokenizer::Byte, "w", &out, &mut |_| ControlFlow::Continue(()));
    let error = error.expect_err("an empty part");
    assert!(error.to_string().ends_with("wiki.test.raw is empty"), "{error}");
    let mark = [Document::Text("mark", "\u{feff}")];
    let parts = Parts { val: &mark, test: &[], ..parts };
    let error =
        prepare_parts(&parts, Tokenizer::Byte, "w", &out, &mut |_| ControlFlow::Continue(()));
    assert_eq!(error.expect_err("no tokens").to_string(), "the validation part of w is empty");
    assert_eq!(fs::read_dir(place.0.path()).expect("a folder").count(), 1, "only the texts");
}

#[test]
fn the_second_file_is_named_after_the_first() {
    for (out, wanted) in [
        ("runs/w.safetensors", "runs/w.test.safetensors"),
        ("w", "w.test"),
        ("a.b.tokens", "a.b.test.tokens"),
    ] {
        assert_eq!(test_file(Path::new(out)), Path::new(wanted));
    }
}

#[test]
fn a_boundary_that_cannot_be_is_damage() {
    let place = Place::new();
    let path = place.0.path().join("tokens.safetensors");
    let mut writer = TokenWriter::create(&path, "x", &Vocab::Byte).expect("created");
    writer.push(&[7; 50]).expect("pushed");
    writer.begin_validation();
    writer.push(&[8; 25]).expect("pushed");
    writer.finish().expect("finished");
    let whole = fs::read(&path).expect("read");
    let key = br#""val_tokens":"25""#;
    let at = whole.windows(key.len()).position(|bytes| bytes == key).expect("in the header");
    for (value, good) in [("75", true), ("76", false), ("-1", false), ("x1", false), ("  ", false)]
    {
        let mut changed = whole.clone();
        changed[at + key.len() - 3..at + key.len() - 1].copy_from_slice(value.as_bytes());
        fs::write(&path, changed).expect("written");
        match TokenFile::open(&path) {
            Ok(file) => assert!(good && file.is_test(), "{value}"),
            Err(error) => {
                assert!(!good, "{error}");
                let words = format!("{value} of its 75 tokens are for validation");
                assert!(error.to_string().contains(&words), "{error}");
            }
        }
    }
}

#[test]
fn a_text_that_is_scored_has_nothing_to_train_on() {
    let vocab = Vocab::Char { chars: "\nabc".into() };
    let corpus = TextDataset::for_test("poem.txt", &["abc", "", "cab"], &vocab).expect("a corpus");
    assert_eq!(decode(&vocab, &part(&corpus, Split::Val)), "abc\ncab");
    assert_eq!((corpus.len(Split::Train), corpus.is_test()), (0, true));
    corpus.check_block(6).expect("long enough");
    assert_eq!(corpus.windows(Split::Train, 3, 3).count(), 0);
    let window = Window { start: 0, length: 3, scored: 3 };
    for error in [
        corpus.batch(Split::Train, 1, 0, 2, 3).expect_err("nothing to draw"),
        corpus.gather(Split::Train, &[window]).expect_err("nothing to read"),
    ] {
        assert_eq!(error.to_string(), "poem.txt has no training split; it can only be evaluated");
    }
    assert_eq!(corpus.batch(Split::Val, 1, 0, 2, 3).expect("drawn").inputs.len(), 6);
    let error = corpus.check_block(7).expect_err("shorter than a block");
    assert_eq!(
        error.to_string(),
        "the scored part of poem.txt has 7 characters, but block_size 7 needs at least 8"
    );
    let error = TextDataset::for_test("poem.txt", &["abd"], &vocab).expect_err("foreign");
    assert!(error.to_string().contains("'d' (the first is character 3)"), "{error}");
    let none: [&str; 0] = [];
    assert!(matches!(TextDataset::for_test("x", &none, &vocab), Err(DataError::Empty { .. })));
    // A text to train on that is empty in one part stays an error.
    let all = DataSpec { val_fraction: 1.0, ..DataSpec::default() };
    let corpus = TextDataset::from_spec(&all, "abcabc", Some(&vocab)).expect("a corpus");
    assert!(!corpus.is_test());
    let error = corpus.check_block(3).expect_err("nothing to train on");
    assert!(error.to_string().contains("training part of"), "{error}");
}
