//! What holds for any text: round trips, bounds, coverage, and clear refusals.

use proptest::prelude::*;
use trm_data::{Batch, DataError, IGNORED, Split, TextDataset, decode, draw, encode};
use trm_spec::{DataSpec, Failure, FailureKind, Sampling, Vocab};

fn corpus(text: &str, val_fraction: f64) -> TextDataset {
    TextDataset::from_text("a text", text, val_fraction).expect("a corpus")
}

/// All tokens of a part.
fn tokens(corpus: &TextDataset, split: Split) -> Vec<u32> {
    corpus.read(split, 0..corpus.len(split)).expect("its own tokens")
}

fn batch(
    corpus: &TextDataset,
    split: Split,
    seed: u64,
    step: u64,
    rows: usize,
    block: usize,
) -> Batch {
    corpus.batch(split, seed, step, rows, block).expect("its own tokens")
}

/// A corpus of `length` different tokens that is drawn in epochs.
fn in_epochs(length: usize) -> TextDataset {
    let letter = |i| char::from_u32(0x4e00 + i as u32).expect("a character");
    let text: String = (0..length).map(letter).collect();
    let spec = DataSpec { val_fraction: 0.0, sampling: Sampling::Epochs, ..DataSpec::default() };
    TextDataset::from_spec(&spec, &text, None).expect("a corpus")
}

fn letters() -> Vocab {
    Vocab::Char { chars: "abc".into() }
}

proptest! {
    #[test]
    fn any_text_survives_its_tokens(text in ".{1,200}") {
        prop_assume!(!text.starts_with('\u{feff}') && !text.contains("\r\n"));
        let corpus = corpus(&text, 0.25);
        let tokens = [Split::Train, Split::Val].map(|split| tokens(&corpus, split)).concat();
        prop_assert_eq!(decode(corpus.vocab(), &tokens), &*text);
        prop_assert_eq!(encode(corpus.vocab(), &text).expect("its own characters"), tokens);
    }

    #[test]
    fn vocabulary_is_sorted_and_without_repeats(text in ".{1,200}") {
        // A byte order mark alone is no text.
        prop_assume!(text != "\u{feff}");
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
        let drawn = batch(&corpus, split, seed, step, rows, block);
        prop_assert_eq!(&batch(&corpus, split, seed, step, rows, block), &drawn);
        prop_assert_eq!(drawn.inputs.len(), rows * block);
        let tokens = tokens(&corpus, split);
        for (inputs, targets) in drawn.inputs.chunks(block).zip(drawn.targets.chunks(block)) {
            let start = tokens.iter().position(|token| token == &inputs[0]).expect("inside the part");
            prop_assert_eq!(inputs, &tokens[start..start + block]);
            prop_assert_eq!(targets, &tokens[start + 1..start + 1 + block]);
        }
    }

    #[test]
    fn windows_hold_every_target_once(length in 1_usize..100, block in 1_usize..20) {
        let text: String = (0..length).map(|i| char::from(b'a' + (i * i % 23) as u8)).collect();
        let corpus = corpus(&text, 0.0);
        let tokens = tokens(&corpus, Split::Train);
        let windows: Vec<_> = corpus.windows(Split::Train, block, block).collect();
        let read: Vec<_> = windows.iter().map(|&w| corpus.gather(Split::Train, &[w]).expect("read")).collect();
        let targets: Vec<u32> = read.iter().flat_map(|w| w.targets.clone()).collect();
        let inputs: Vec<u32> = read.iter().flat_map(|w| w.inputs.clone()).collect();
        prop_assert_eq!(&targets[..], &tokens[1..]);
        prop_assert_eq!(&inputs[..], &tokens[..length - 1]);
        if let Some((last, whole)) = windows.split_last() {
            prop_assert!(whole.iter().all(|w| w.length == block));
            prop_assert!((1..=block).contains(&last.length));
            let all = whole.len() * block;
            if !whole.is_empty() {
                let together = corpus.gather(Split::Train, whole).expect("read");
                prop_assert_eq!(&together.inputs[..], &tokens[..all]);
                prop_assert_eq!((together.batch_size, together.block_size), (whole.len(), block));
            }
        }
    }

    /// However far windows overlap: each target once, in order, and with as much
    /// context as was asked for as soon as there is so much.
    #[test]
    fn overlapping_windows_score_every_target_once(
        length in 2_usize..100,
        block in 1_usize..20,
        stride in 1_usize..20,
    ) {
        let text: String = (0..length).map(|i| char::from(b'a' + (i * i % 23) as u8)).collect();
        let corpus = corpus(&text, 0.0);
        let tokens = tokens(&corpus, Split::Train);
        let mut scored = Vec::new();
        for window in corpus.windows(Split::Train, block, stride) {
            let batch = corpus.gather(Split::Train, &[window]).expect("read");
            let at = window.start + window.length - window.scored;
            prop_assert_eq!(at, scored.len());
            let context = window.length - window.scored;
            prop_assert!(context >= (block - stride.min(block)).min(at), "{window:?}");
            prop_assert_eq!(&batch.inputs[..], &tokens[window.start..window.start + window.length]);
            scored.extend(batch.targets.into_iter().filter(|&target| target != IGNORED));
        }
        prop_assert_eq!(&scored[..], &tokens[1..]);
    }

    /// Only the token after a row's last one is asked for, and what is beyond it is hidden.
    #[test]
    fn padded_rows_ask_for_their_last_token(lengths in proptest::collection::vec(1_usize..=8, 1..6)) {
        let corpus = corpus("abcdefghijklmnopqrstuvwxyz", 0.0);
        let (rows, block) = (lengths.len(), 8);
        let whole = corpus.batch(Split::Train, 1, 2, rows, block).expect("a batch");
        let padded = whole.clone().padded(&lengths).expect("fitting lengths");
        for (row, &length) in lengths.iter().enumerate() {
            let at = |column: usize| row * block + column;
            let counted: Vec<_> = (0..block).filter(|&c| padded.targets[at(c)] != IGNORED).collect();
            prop_assert_eq!(counted, vec![length - 1]);
            prop_assert_eq!(padded.targets[at(length - 1)], whole.targets[at(length - 1)]);
            prop_assert_eq!(&padded.inputs[at(0)..at(length)], &whole.inputs[at(0)..at(length)]);
            prop_assert!((length..block).all(|c| padded.inputs[at(c)] == 0));
        }
    }

    #[test]
    fn parts_make_up_the_text(length in 1_usize..500, fraction in 0.0..0.9_f64) {
        let corpus = corpus(&"x".repeat(length), fraction);
        prop_assert_eq!(corpus.len(Split::Train) + corpus.len(Split::Val), length);
        prop_assert_eq!(corpus.len(Split::Train), (length as f64 * (1.0 - fraction)) as usize);
    }

    /// Whatever the batch size, an epoch holds every window of its offset once,
    /// and the windows do not overlap.
    #[test]
    fn an_epoch_holds_every_window_once(
        length in 12_usize..300, block in 1_usize..10, rows in 1_usize..7, seed in any::<u64>(),
    ) {
        let corpus = in_epochs(length);
        let windows = (length / block).saturating_sub(1).max(1);
        let steps = (3 * windows).div_ceil(rows) as u64;
        let starts: Vec<usize> = (0..steps)
            .flat_map(|step| {
                let batch = batch(&corpus, Split::Train, seed, step, rows, block);
                batch.inputs.chunks(block).map(|row| row[0] as usize).collect::<Vec<_>>()
            })
            .collect();
        for epoch in starts.chunks_exact(windows).take(3) {
            let mut sorted = epoch.to_vec();
            sorted.sort_unstable();
            prop_assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] == block), "{:?}", epoch);
            prop_assert!(sorted[windows - 1] + block < length);
        }
    }

    /// A run that goes on at a step draws what an unbroken one draws there, and
    /// other batch sizes cut the same sequence.
    #[test]
    fn epochs_need_nothing_but_the_step(step in any::<u32>(), seed in any::<u64>()) {
        let corpus = in_epochs(101);
        let step = u64::from(step);
        let pair = batch(&corpus, Split::Train, seed, step, 2, 10);
        let one = |number| batch(&corpus, Split::Train, seed, number, 1, 10).inputs;
        prop_assert_eq!(pair.inputs, [one(2 * step), one(2 * step + 1)].concat());
        let far = batch(&in_epochs(101), Split::Train, seed, u64::MAX - step, 2, 10);
        prop_assert_eq!(far.inputs.len(), 20);
    }
}

#[test]
fn epochs_differ_in_order_and_offset() {
    let corpus = in_epochs(1000);
    let epoch = |number: u64| -> Vec<u32> {
        let inputs = batch(&corpus, Split::Train, 5, number, 99, 10).inputs;
        inputs.chunks(10).map(|row| row[0]).collect()
    };
    let offsets: std::collections::BTreeSet<u32> = (0..60).map(|e| epoch(e)[0] % 10).collect();
    assert_eq!(offsets.len(), 10, "every offset occurs: {offsets:?}");
    let order = |e| epoch(e).iter().map(|start| start / 10).collect::<Vec<_>>();
    assert_ne!(order(0), order(1));
    assert!(!order(0).is_sorted());
    // Validation is drawn at random all the same.
    assert_eq!(corpus.len(Split::Val), 0);
}

/// Fixed numbers: see below.
#[test]
fn epochs_are_what_they_always_were() {
    let corpus = in_epochs(1000);
    let starts: Vec<u32> =
        (0..6).map(|step| batch(&corpus, Split::Train, 1337, step, 1, 64).inputs[0]).collect();
    assert_eq!(starts, STARTS);
}
const STARTS: [u32; 6] = [580, 132, 772, 260, 324, 708];

#[test]
fn batches_differ_by_seed_step_and_part() {
    let text: String = ('a'..='z').cycle().take(2000).collect();
    let corpus = corpus(&text, 0.5);
    let first = batch(&corpus, Split::Train, 1, 0, 4, 8);
    assert_ne!(batch(&corpus, Split::Train, 2, 0, 4, 8), first);
    assert_ne!(batch(&corpus, Split::Train, 1, 1, 4, 8), first);
    assert_ne!(batch(&corpus, Split::Val, 1, 0, 4, 8), first);
}

/// Every start that nanoGPT's `randint(len - block_size)` can draw is drawn, and no other.
#[test]
fn batches_reach_both_ends_of_a_part() {
    let corpus = corpus("abcdef", 0.0);
    let mut starts: Vec<u32> =
        (0..100).map(|step| batch(&corpus, Split::Train, 7, step, 1, 3).inputs[0]).collect();
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
    let batch = batch(&corpus, Split::Train, 0, 0, 2, 3);
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
        let error = TextDataset::from_text("poems.txt", text, 0.1).expect_err("empty");
        assert_eq!(error.to_string(), "poems.txt is empty");
    }
}

#[test]
fn foreign_characters_are_named_once_with_their_place() {
    let error =
        TextDataset::with_vocab("poems.txt", "abéb\nécß", 0.1, &letters()).expect_err("foreign");
    assert_eq!(
        error.to_string(),
        "the model does not know these characters of poems.txt: 'é', '\\n', 'ß' (the first is character 3)"
    );
    assert!(error.hint().contains("knows 3 characters"), "{}", error.hint());
    let many: String = ('A'..='Z').collect();
    let error = encode(&letters(), &many).expect_err("foreign");
    assert!(error.to_string().contains("'J', and 16 more"), "{error}");
    let failure = Failure::from(error);
    assert_eq!(failure.kind, FailureKind::Data);
}

#[test]
fn a_known_vocabulary_keeps_its_numbers() {
    let corpus = TextDataset::with_vocab("a text", "ccb", 0.0, &letters()).expect("a corpus");
    assert_eq!(tokens(&corpus, Split::Train), [2, 2, 1]);
    assert_eq!(corpus.vocab(), &letters());
}

#[test]
fn numbers_without_characters_read_and_refuse() {
    let vocab = Vocab::Plain { size: 12 };
    assert_eq!(decode(&vocab, &[3, 11]), "3 11 ");
    assert!(matches!(encode(&vocab, "a"), Err(DataError::NoCharacters)));
    assert!(encode(&vocab, "").expect("nothing to turn").is_empty());
    assert_eq!(decode(&letters(), &[0, 9]), "a\u{fffd}");
}

#[test]
fn marks_and_windows_line_ends_do_not_reach_the_vocabulary() {
    let plain = corpus("ab\ncd\n", 0.0);
    let windows = corpus("\u{feff}ab\r\ncd\r\n", 0.0);
    assert_eq!(windows.vocab(), plain.vocab());
    assert_eq!(tokens(&windows, Split::Train), tokens(&plain, Split::Train));
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let corpus = corpus("abcdefghijklmnopqrstuvwxyz", 0.0);
    let batch = corpus.batch(Split::Train, 1, 0, 2, 4).expect("a batch");
    for (lengths, words) in [
        (&[5, 1][..], "row 0 is 5 tokens long, but must have from 1 to 4"),
        (&[1, 0], "row 1 is 0 tokens long, but must have from 1 to 4"),
        (&[1], "there are 1 lengths for 2 rows"),
    ] {
        let error = batch.clone().padded(lengths).expect_err("refused");
        assert_eq!(error.to_string(), words);
        assert!(error.hint().contains("length"));
    }
}
