//! Generated questions, files of questions, and the batches of both.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use trm_data::Dataset;
use trm_data::questions::{Question, QuestionDataset, QuestionKind, QuestionSource, generate};
use trm_spec::{DataSource, DataSpec, FailureKind, RunConfig};

/// The answer to a generated question and its difficulty, from its text alone.
fn solved(kind: QuestionKind, question: &str) -> (String, usize) {
    match kind {
        QuestionKind::Cups => {
            let mut sentences = question.split(['.', '?']).map(str::trim);
            let start = sentences.next().expect("the ball").strip_prefix("The ball is under cup ");
            let mut cup = start.expect("a cup").to_owned();
            let mut swaps = 0;
            for sentence in sentences {
                let Some((one, other)) =
                    sentence.strip_prefix("Swap ").and_then(|pair| pair.split_once(" and "))
                else {
                    assert!(["Which cup", ""].contains(&sentence), "{question}");
                    continue;
                };
                swaps += 1;
                if cup == one {
                    cup = other.into();
                } else if cup == other {
                    cup = one.into();
                }
            }
            (cup, swaps)
        }
        QuestionKind::ModularSums => {
            let sum = question.strip_prefix("What is the last digit of ").expect("a sum");
            let terms: Vec<usize> = sum
                .trim_end_matches('?')
                .split(" + ")
                .map(|term| term.parse().expect("a number"))
                .collect();
            assert!(terms.iter().all(|term| *term < 10));
            ((terms.iter().sum::<usize>() % 10).to_string(), terms.len())
        }
        QuestionKind::ListReversal => {
            let list = question.strip_prefix("Reverse the list: ").expect("a list");
            let mut words: Vec<_> = list.split(' ').collect();
            assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
            words.reverse();
            (words.join(" "), words.len())
        }
    }
}

fn check(kind: QuestionKind, questions: &[Question]) {
    for question in questions {
        let (answer, difficulty) = solved(kind, &question.question);
        assert_eq!((&question.answer, question.difficulty), (&answer, difficulty), "{question:?}");
    }
    assert_eq!(texts(questions).len(), questions.len(), "all different");
}

fn texts(questions: &[Question]) -> HashSet<&str> {
    questions.iter().map(|question| question.question.as_str()).collect()
}

/// How many questions there are of each difficulty.
fn counts(questions: &[Question]) -> Vec<(usize, usize)> {
    let mut counts = BTreeMap::new();
    for question in questions {
        *counts.entry(question.difficulty).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

fn spec(train: usize, val: usize, difficulties: std::ops::RangeInclusive<usize>) -> DataSpec {
    DataSpec {
        num_questions: train,
        num_val_questions: val,
        min_difficulty: *difficulties.start(),
        max_difficulty: *difficulties.end(),
        ..DataSpec::default()
    }
}

fn any_kind() -> impl Strategy<Value = QuestionKind> {
    prop::sample::select(&QuestionKind::ALL[..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn generated_answers_are_right(kind in any_kind(), easiest in 2_usize..9, more in 0_usize..4, seed: u64) {
        let questions = generate(kind, easiest..=easiest + more, 27, seed).expect("enough");
        prop_assert_eq!(questions.len(), 27);
        check(kind, &questions);
        let counts = counts(&questions);
        prop_assert_eq!(counts.len(), more + 1);
        prop_assert!(counts.iter().all(|(_, count)| count.abs_diff(27 / (more + 1)) <= 1), "{:?}", counts);
    }

    #[test]
    fn sets_of_a_dataset_share_no_question(kind in any_kind(), max in 3_usize..9, seed: u64) {
        let source = QuestionSource::Generated(kind);
        let data = QuestionDataset::load(&source, &spec(80, 20, 1..=max), seed).expect("enough");
        let sets = [&data.train, &data.val, &data.harder];
        prop_assert_eq!(sets.map(Vec::len), [80, 20, 20]);
        let all: Vec<_> = sets.into_iter().flatten().cloned().collect();
        check(kind, &all);
        prop_assert!(data.train.iter().chain(&data.val).all(|each| (1..=max).contains(&each.difficulty)));
        prop_assert!(data.harder.iter().all(|each| (max + 1..=2 * max).contains(&each.difficulty)));
        prop_assert!(data.train.is_sorted_by_key(|question| question.difficulty));
    }

    #[test]
    fn every_question_within_the_limit_comes_once_in_an_epoch(seed: u64, size in 1_usize..7, limit in 1_usize..4, epoch in 0_u64..3) {
        let data = generated(QuestionKind::Cups, 1..=3, 60, 6);
        let within = data.train.iter().filter(|each| each.difficulty <= limit).count() as u64;
        // Single questions, and the same in batches.
        let rows: Vec<_> =
            (epoch * within..(epoch + 1) * within).flat_map(|k| data.train_rows(seed, k, 1, limit)).collect();
        prop_assert_eq!(rows.iter().collect::<HashSet<_>>().len() as u64, within);
        prop_assert!(rows.iter().all(|row| data.train[*row].difficulty <= limit));
        let number = epoch * within / size as u64;
        let batch = data.train_rows(seed, number, size, limit);
        let single = |k| data.train_rows(seed, k, 1, limit)[0];
        let first = number * size as u64;
        prop_assert_eq!(batch, (first..first + size as u64).map(single).collect::<Vec<_>>());
    }

    #[test]
    fn damaged_files_give_errors(text in "[\\[\\]{}\":,a-z0-9 \n]{0,40}") {
        prop_assert!(QuestionSource::parse("f", &text).is_err());
    }
}

fn generated(
    kind: QuestionKind,
    difficulties: std::ops::RangeInclusive<usize>,
    train: usize,
    val: usize,
) -> QuestionDataset {
    let source = QuestionSource::Generated(kind);
    QuestionDataset::load(&source, &spec(train, val, difficulties), 5).expect("enough")
}

#[test]
fn questions_are_short_and_plain() {
    let ask =
        |kind, difficulty| generate(kind, difficulty..=difficulty, 1, 3).expect("one")[0].clone();
    let cups = ask(QuestionKind::Cups, 2).question;
    assert_eq!(cups.len(), "The ball is under cup A. Swap A and B. Swap B and C. Which cup?".len());
    let sum = ask(QuestionKind::ModularSums, 3).question;
    assert_eq!(sum.len(), "What is the last digit of 3 + 8 + 5?".len());
    for kind in QuestionKind::ALL {
        assert_eq!(QuestionKind::named(kind.name()), Some(kind));
    }
    assert_eq!(QuestionKind::named("cup"), None);
}

#[test]
fn all_questions_of_a_difficulty_can_be_had() {
    for (kind, difficulty, all) in [
        (QuestionKind::Cups, 1, 9),
        (QuestionKind::Cups, 4, 243),
        (QuestionKind::ModularSums, 2, 100),
        (QuestionKind::ModularSums, 3, 1000),
        (QuestionKind::ListReversal, 1, 128),
        (QuestionKind::ListReversal, 2, 128 * 127),
    ] {
        check(kind, &generate(kind, difficulty..=difficulty, all, 1).expect("all of them"));
        let error = generate(kind, difficulty..=difficulty, all + 1, 1).expect_err("one too many");
        assert!(error.to_string().contains(&format!("only {all} different")), "{error}");
    }
}

#[test]
fn rare_difficulties_are_filled_up_from_others() {
    let made = |kind, difficulties, count| {
        counts(&generate(kind, difficulties, count, 8).expect("enough"))
    };
    assert_eq!(made(QuestionKind::Cups, 1..=3, 100), [(1, 9), (2, 27), (3, 64)]);
    assert_eq!(made(QuestionKind::Cups, 1..=3, 9), [(1, 3), (2, 3), (3, 3)]);
    // No sum has a single term.
    assert_eq!(made(QuestionKind::ModularSums, 1..=3, 300), [(2, 100), (3, 200)]);
}

#[test]
fn each_cup_is_the_answer_of_a_third() {
    let data = generated(QuestionKind::Cups, 2..=6, 1500, 90);
    for set in [&data.train, &data.val, &data.harder] {
        for cup in ["A", "B", "C"] {
            let share = set.iter().filter(|question| question.answer == cup).count();
            // At most one more than another for each difficulty.
            assert!(share.abs_diff(set.len() / 3) <= 5, "{cup}: {share} of {}", set.len());
        }
    }
}

#[test]
fn very_long_questions_are_right_and_different() {
    for kind in QuestionKind::ALL {
        check(kind, &generate(kind, 120..=128, 180, 2).expect("enough"));
    }
}

#[test]
fn seeds_decide_which_questions_are_drawn() {
    let load = |seed| {
        let source = QuestionSource::Generated(QuestionKind::ListReversal);
        QuestionDataset::load(&source, &spec(100, 10, 2..=4), seed).expect("enough")
    };
    assert_eq!(load(1), load(1));
    assert_ne!(load(1).sha256, load(2).sha256);
    assert!(texts(&load(1).train).intersection(&texts(&load(2).train)).count() < 10);
    // The first validation questions are of all difficulties.
    assert_eq!(counts(&load(1).val[..8]).len(), 3);
}

#[test]
fn too_few_questions_say_what_to_change() {
    let load = |kind, spec: &DataSpec| {
        QuestionDataset::load(&QuestionSource::Generated(kind), spec, 1).expect_err("too few")
    };
    let error = load(QuestionKind::Cups, &DataSpec::default());
    assert_eq!(
        error.to_string(),
        "`cups` has only 70 different questions of difficulty 1 to 4 to hold out, but 512 are needed"
    );
    assert_eq!(error.hint(), "Raise max_difficulty to 8, or lower num_val_questions to 70.");
    let error = load(QuestionKind::Cups, &spec(1000, 50, 1..=4));
    assert_eq!(
        error.to_string(),
        "`cups` has only 310 different questions of difficulty 1 to 4 to train on, but 1000 are needed"
    );
    assert_eq!(error.hint(), "Raise max_difficulty to 5, or lower num_questions to 310.");
    let error = load(QuestionKind::ModularSums, &spec(10, 10, 1..=1));
    assert_eq!(error.hint(), "Raise max_difficulty to 2.");
    let error = load(QuestionKind::Cups, &DataSpec { min_difficulty: 3, ..spec(10, 1, 1..=2) });
    assert_eq!(error.to_string(), "difficulties 3 to 2 cannot be generated");
    for difficulties in [0..=2, 100..=129] {
        generate(QuestionKind::Cups, difficulties, 1, 1).expect_err("not generated");
    }
}

#[test]
fn names_open_generated_questions() {
    for kind in QuestionKind::ALL {
        let mut config = RunConfig { data: spec(50, 5, 2..=3), ..RunConfig::default() };
        config.data.dataset = kind.name().into();
        let Dataset::Questions(data) =
            Dataset::load(&DataSource::Named, &config, None).expect("generated")
        else {
            panic!("{} are questions", kind.name());
        };
        assert_eq!((data.name.as_str(), data.train.len()), (kind.name(), 50));
        config.data.num_questions = 1 << 24;
        config.data.max_difficulty = 2;
        let failure = Dataset::load(&DataSource::Named, &config, None).expect_err("too many");
        assert_eq!(failure.kind, FailureKind::Config);
    }
}

#[test]
fn the_curriculum_rises_to_the_most_difficult() {
    let data = generated(QuestionKind::Cups, 2..=6, 200, 10);
    let limits = |spec: &DataSpec, steps: &[u64]| -> Vec<_> {
        steps.iter().map(|step| data.hardest(*step, spec)).collect()
    };
    let spec = DataSpec { curriculum_iters: 100, ..spec(200, 10, 2..=6) };
    assert_eq!(limits(&spec, &[0, 24, 25, 50, 99, 100, 1 << 60]), [2, 2, 3, 4, 5, 6, 6]);
    assert_eq!(limits(&DataSpec { curriculum_iters: 0, ..spec }, &[0, 1]), [6, 6]);
    // Sums of a single term do not exist: the easiest there are come first.
    let sums = generated(QuestionKind::ModularSums, 1..=3, 100, 10);
    assert!(sums.train_rows(1, 0, 50, 1).iter().all(|row| sums.train[*row].difficulty == 2));
}
