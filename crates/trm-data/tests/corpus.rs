//! What holds for any text: round trips, bounds, coverage, and clear refusals.

use proptest::prelude::*;
use trm_data::{Corpus, CorpusError, Split, decode, draw, encode};
use trm_spec::{Failure, FailureKind, Vocab};

fn corpus(text: &str, val_fraction: f64) -> Corpus {
    Corpus::from_text("a text", text, val_fraction).expect("a corpus")
}

fn letters() -> Vocab {
    Vocab::Char { chars: "abc".into() }
}

proptest! {
    #[test]
    fn any_text_survives_its_tokens(text in ".{1,200}") {
        prop_assume!(!text.starts_with('\u{feff}') && !text.contains("\r\n"));
        let corpus = corpus(&text, 0.25);
        let tokens = [corpus.train(), corpus.val()].concat();
        prop_assert_eq!(decode(corpus.vocab(), &tokens), &*text);
        prop_assert_eq!(encode(corpus.vocab(), &text).expect("its own characters"), tokens);
    }

    #[test]
    fn vocabulary_is_sorted_and_without_repeats(text in ".{1,200}") {
        let corpus = corpus(&text, 0.0);
        let Vocab::Char { chars } = corpus.vocab() else { panic!("characters") };
        let chars: Vec<char> = chars.chars().collect();
        prop_assert!(chars.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(chars.len(), corpus.vocab().size());
    }

    #[test]
    fn batches_are_shifted_windows_that_do_not_depend_on_the_past(
        length in 20_usize..200, block in 1_usize..8, rows in 1_usize..6,
        seed in any::<u64>(), step in any::<u64>(), val in any::<bool>(),
    ) {
        // Every token differs from its neighbours, so a window is found by its first token.
        let text: String = (0..length).map(|i| char::from_u32(0x4e00 + i as u32).expect("a character")).collect();
        let corpus = corpus(&text, 0.5);
        let split = if val { Split::Val } else { Split::Train };
        let batch = corpus.batch(split, seed, step, rows, block);
        prop_assert_eq!(&corpus.batch(split, seed, step, rows, block), &batch);
        prop_assert_eq!(batch.inputs.len(), rows * block);
        let tokens = corpus.split(split);
        for (inputs, targets) in batch.inputs.chunks(block).zip(batch.targets.chunks(block)) {
            let start = tokens.iter().position(|token| token == &inputs[0]).expect("inside the part");
            prop_assert_eq!(inputs, &tokens[start..start + block]);
            prop_assert_eq!(targets, &tokens[start + 1..start + 1 + block]);
        }
    }

    #[test]
    fn windows_hold_every_target_once(length in 1_usize..100, block in 1_usize..20) {
        let text: String = (0..length).map(|i| char::from(b'a' + (i * i % 23) as u8)).collect();
        let corpus = corpus(&text, 0.0);
        let tokens = corpus.train();
        let windows: Vec<_> = corpus.windows(Split::Train, block).collect();
        let targets: Vec<u32> = windows.iter().flat_map(|w| w.targets).copied().collect();
        let inputs: Vec<u32> = windows.iter().flat_map(|w| w.inputs).copied().collect();
        prop_assert_eq!(&targets[..], &tokens[1..]);
        prop_assert_eq!(&inputs[..], &tokens[..length - 1]);
        if let Some((last, whole)) = windows.split_last() {
            prop_assert!(whole.iter().all(|w| w.inputs.len() == block && w.targets.len() == block));
            prop_assert!((1..=block).contains(&last.inputs.len()));
        }
    }

    #[test]
    fn parts_make_up_the_text(length in 1_usize..500, fraction in 0.0..0.9_f64) {
        let corpus = corpus(&"x".repeat(length), fraction);
        prop_assert_eq!(corpus.train().len() + corpus.val().len(), length);
        prop_assert_eq!(corpus.train().len(), (length as f64 * (1.0 - fraction)) as usize);
    }
}

#[test]
fn batches_differ_by_seed_step_and_part() {
    let text: String = ('a'..='z').cycle().take(2000).collect();
    let corpus = corpus(&text, 0.5);
    let first = corpus.batch(Split::Train, 1, 0, 4, 8);
    assert_ne!(corpus.batch(Split::Train, 2, 0, 4, 8), first);
    assert_ne!(corpus.batch(Split::Train, 1, 1, 4, 8), first);
    assert_ne!(corpus.batch(Split::Val, 1, 0, 4, 8), first);
}

/// Every start that nanoGPT's `randint(len - block_size)` can draw is drawn, and no other.
#[test]
fn batches_reach_both_ends_of_a_part() {
    let corpus = corpus("abcdef", 0.0);
    let mut starts: Vec<u32> =
        (0..100).map(|step| corpus.batch(Split::Train, 7, step, 1, 3).inputs[0]).collect();
    starts.sort_unstable();
    starts.dedup();
    assert_eq!(starts, [0, 1, 2]);
}

/// Fixed numbers: a resumed run on another platform or version must go on with the same batches.
#[test]
fn draws_are_what_they_always_were() {
    use rand::RngExt;
    let numbers: [u32; 3] = draw(1337, 2, 40).random();
    assert_eq!(numbers, DRAWN);
}
const DRAWN: [u32; 3] = [1_696_678_565, 648_657_453, 393_097_782];

#[test]
fn the_smallest_part_that_fits_a_block_has_one_window() {
    let corpus = corpus("abcd", 0.0);
    assert!(corpus.check_block(3).is_ok());
    let batch = corpus.batch(Split::Train, 0, 0, 2, 3);
    assert_eq!((batch.inputs, batch.targets), (vec![0, 1, 2, 0, 1, 2], vec![1, 2, 3, 1, 2, 3]));
}

#[test]
fn texts_shorter_than_a_block_are_refused_by_part() {
    let error = corpus("abcd", 0.0).check_block(4).expect_err("too short");
    assert_eq!(
        error.to_string(),
        "the training part of a text has 4 characters, but block_size 4 needs at least 5"
    );
    let error = corpus(&"ab".repeat(50), 0.1).check_block(10).expect_err("too short");
    assert!(error.to_string().contains("validation part of a text has 10 characters"), "{error}");
    assert!(error.hint().contains("lower block_size"));
}

#[test]
fn an_empty_text_is_refused() {
    for text in ["", "\u{feff}"] {
        let error = Corpus::from_text("poems.txt", text, 0.1).expect_err("empty");
        assert_eq!(error.to_string(), "poems.txt is empty");
    }
}

#[test]
fn foreign_characters_are_named_once_with_their_place() {
    let error = Corpus::with_vocab("poems.txt", "abéb\nécß", 0.1, &letters()).expect_err("foreign");
    assert_eq!(
        error.to_string(),
        "poems.txt has characters that the vocabulary lacks: 'é', '\\n', 'ß' (the first is character 3)"
    );
    assert!(error.hint().contains("knows 3 characters"), "{}", error.hint());
    let many: String = ('A'..='Z').collect();
    let error = encode(&letters(), &many).expect_err("foreign");
    assert!(error.to_string().contains("'J', and 16 more"), "{error}");
    let failure = Failure::from(error);
    assert_eq!(failure.kind, FailureKind::Corpus);
}

#[test]
fn a_known_vocabulary_keeps_its_numbers() {
    let corpus = Corpus::with_vocab("a text", "ccb", 0.0, &letters()).expect("a corpus");
    assert_eq!(corpus.train(), [2, 2, 1]);
    assert_eq!(corpus.vocab(), &letters());
}

#[test]
fn numbers_without_characters_read_and_refuse() {
    let vocab = Vocab::Plain { size: 12 };
    assert_eq!(decode(&vocab, &[3, 11]), "3 11 ");
    assert!(matches!(encode(&vocab, "a"), Err(CorpusError::NoCharacters)));
    assert!(encode(&vocab, "").expect("nothing to turn").is_empty());
    assert_eq!(decode(&letters(), &[0, 9]), "a\u{fffd}");
}

#[test]
fn marks_and_windows_line_ends_do_not_reach_the_vocabulary() {
    let plain = corpus("ab\ncd\n", 0.0);
    let windows = corpus("\u{feff}ab\r\ncd\r\n", 0.0);
    assert_eq!((windows.vocab(), windows.train()), (plain.vocab(), plain.train()));
}
