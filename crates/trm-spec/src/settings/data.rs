//! The settings of [`DataSpec`](crate::DataSpec).

use super::Setting;
use super::SettingKind::{Flag, Integer, Number, Numbers, Text};
use crate::Family::{Images, Language, Puzzles, Questions};
use crate::MAX_DIFFICULTY;

const fn s(key: &'static str, kind: super::SettingKind, help: &'static str) -> Setting {
    Setting::new("data", key, kind, help)
}

pub(crate) const SETTINGS: &[Setting] = &[
    s(
        "dataset",
        Text,
        "Name of the text (shakespeare, or your own given with --data), kind of puzzle (sudoku-9x9, maze-10x10, arc, …), images (digits, or your own given with --data), or kind of question (cups, modular-sums, list-reversal, or your own given with --data)",
    )
    .everyday(),
    s(
        "val_fraction",
        Number,
        "Fraction held out for validation: of the text, from its end; or of the training images of each class",
    )
    .within(0.0, 0.9)
    .only(&[Language, Images]),
    Setting::choice(
        "data",
        "tokenizer",
        &["char", "byte", "gpt2"],
        "Tokens: the characters of the text, the bytes of UTF-8, or GPT-2's byte-pair encoding",
    )
    .only(&[Language])
    .everyday(),
    Setting::choice(
        "data",
        "sampling",
        &["random", "epochs"],
        "Training windows: at random positions (nanoGPT), or each window once per epoch",
    )
    .only(&[Language]),
    s("num_puzzles", Integer, "Distinct training puzzles, before augmentation")
        .at_least(1)
        .only(&[Puzzles])
        .everyday(),
    s("num_val_puzzles", Integer, "Validation puzzles").at_least(0).only(&[Puzzles]),
    s("min_guesses", Integer, "Minimum difficulty: guesses that a backtracking solver needs")
        .only(&[Puzzles]),
    s("max_guesses", Integer, "Maximum difficulty: guesses that a backtracking solver needs")
        .only(&[Puzzles]),
    s("equal_grades", Flag, "Equally many Sudokus of each grade (0, 1–5, 6–15, 16–40, 41 or more guesses) within these limits")
        .only(&[Puzzles]),
    s("augment", Flag, "Apply a new random augmentation each time a puzzle is shown").only(&[Puzzles]),
    s("num_aug", Integer, "Augmented copies of each ARC task, each with an embedding of its own")
        .at_least(0)
        .only(&[Puzzles]),
    s("resize", Flag, "Resize images of another size to image_size and crop their centre")
        .only(&[Images])
        .everyday(),
    s(
        "random_crop",
        Integer,
        "Augmentation: pixels of padding around a training image before a random crop; 0 disables it",
    )
    .at_least(0)
    .only(&[Images])
    .everyday(),
    s("flip", Flag, "Augmentation: flip half of the training images horizontally").only(&[Images]),
    s("pixel_mean", Numbers, "Mean of each channel, subtracted from pixel values in 0..1; empty means 0.5")
        .within(-10.0, 10.0)
        .only(&[Images]),
    s("pixel_std", Numbers, "Standard deviation of each channel, by which pixel values are divided; empty means 0.5")
        .within(1e-6, 1e6)
        .only(&[Images]),
    s("num_questions", Integer, "Distinct training questions to generate")
        .at_least(1)
        .only(&[Questions])
        .everyday(),
    s(
        "num_val_questions",
        Integer,
        "Validation questions, and the same number of harder ones; at most a fifth of your own questions",
    )
    .at_least(1)
    .only(&[Questions]),
    s(
        "min_difficulty",
        Integer,
        "Minimum difficulty of generated questions: swaps of cups, terms of a sum, or words of a list",
    )
    .within(1.0, MAX_DIFFICULTY as f64)
    .only(&[Questions]),
    s(
        "max_difficulty",
        Integer,
        "Maximum difficulty of generated questions; the harder ones go up to twice that",
    )
    .within(1.0, MAX_DIFFICULTY as f64)
    .only(&[Questions])
    .everyday(),
    s(
        "curriculum_iters",
        Integer,
        "Curriculum: updates over which the difficulty grows to max_difficulty; 0 trains on all from the start",
    )
    .at_least(0)
    .only(&[Questions]),
];
