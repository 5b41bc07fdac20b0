//! States that are kept in a file, and the frozen model alone.

use burn::tensor::Device;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use trm_data::questions::{Question, QuestionDataset, QuestionKind, QuestionSource, generate};
use trm_data::{Dataset, TextDataset};
use trm_spec::{LlamaSpec, RunConfig, VariantSpec};
use trm_train::{BaseFile, Run, create, create_on, few_shot, load_on, question_baselines};

use crate::support::questions::{base, compressed_below, config, opened, questions};
use crate::support::wait;

#[test]
fn states_below_the_cut_are_kept_and_saved_like_those_at_it() {
    let (base, config) = (base(32), compressed_below());
    let file = || Some(BaseFile { name: "base.safetensors", bytes: &base });
    let folder = tempfile::tempdir().unwrap();
    let set = |keep: bool| {
        let Dataset::Questions(set) = questions(&config) else { unreachable!() };
        let states_in = keep.then(|| folder.path().to_owned());
        Dataset::Questions(QuestionDataset { states_in, ..set })
    };
    let trained = |keep: bool| {
        let mut run = create_on(&config, set(keep), file(), &Device::flex()).unwrap();
        let reports = wait(run.steps(4)).unwrap();
        (reports.iter().map(|report| report.loss).collect::<Vec<_>>(), run)
    };
    let (without, _) = trained(false);
    let (computed, _) = trained(true);
    let (read, mut run) = trained(true);
    assert_eq!(computed, read, "states from the file");
    for (kept, exact) in read.iter().zip(&without) {
        assert!((kept - exact).abs() < 1e-2 * exact, "{kept} for {exact}: rounded to half");
    }
    // At the cut the losses are others, so the lower states are used.
    let mut cut = config.clone();
    let VariantSpec::LlmTrm(spec) = &mut cut.model else { unreachable!() };
    spec.compressor_layer = 0;
    let mut other = create_on(&cut, questions(&cut), file(), &Device::flex()).unwrap();
    assert!((wait(other.steps(1)).unwrap()[0].loss - without[0]).abs() > 1e-4);
    // The measured numbers are in the checkpoint.
    let saved = wait(run.save(serde_json::Value::Null)).unwrap();
    let data = Some(set(true));
    let mut again =
        load_on(&saved.checkpoint, Some(&saved.optimizer), data, file(), &Device::flex()).unwrap();
    let loss = |run: &mut Box<dyn Run>| wait(run.steps(1)).unwrap()[0].loss;
    assert_eq!(loss(&mut run), loss(&mut again));
}

/// Two questions of the same length are no sign of the same question.
#[test]
fn states_of_another_order_are_not_used() {
    let (base, mut config) = (base(32), config());
    let file = || Some(BaseFile { name: "base.safetensors", bytes: &base });
    let folder = tempfile::tempdir().unwrap();
    let questions = generate(QuestionKind::Cups, 2..=2, 20, 1).unwrap();
    let source = QuestionSource::Given { name: "own".into(), questions: questions.into() };
    let mut trained = |seed: u64, keep: bool| {
        config.train.seed = seed;
        let set = QuestionDataset::load(&source, &config.data, seed).unwrap();
        let states_in = keep.then(|| folder.path().to_owned());
        let set = Dataset::Questions(QuestionDataset { states_in, ..set });
        let mut run = create_on(&config, set, file(), &Device::flex()).unwrap();
        let reports = wait(run.steps(4)).unwrap();
        reports.iter().map(|report| report.loss).collect::<Vec<_>>()
    };
    let first = trained(1, true);
    for (kept, exact) in trained(2, true).iter().zip(trained(2, false)) {
        assert!((kept - exact).abs() < 1e-2 * exact, "{kept} for {exact}: rounded to half");
    }
    // Nor does the other run lose what it kept.
    assert_eq!(trained(1, true), first);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

/// Each fits into the 256 characters, but the longest question with the longest answer does not.
#[test]
fn a_long_question_beside_a_long_answer_fits() {
    let (base, mut config) = (base(32), config());
    config.train.batch_size = 2;
    let question = |question: &str, answer: &str| Question {
        question: question.into(),
        answer: answer.into(),
        difficulty: 1,
    };
    let pair = vec![question(&"a".repeat(220), "b"), question("a", &"b".repeat(200))];
    let Dataset::Questions(set) = questions(&config) else { unreachable!() };
    let set = QuestionDataset { train: pair.clone(), val: pair, harder: Vec::new(), ..set };
    let file = Some(BaseFile { name: "base.safetensors", bytes: &base });
    let mut run = create_on(&config, Dataset::Questions(set), file, &Device::flex()).unwrap();
    assert!(wait(run.steps(1)).unwrap()[0].loss.is_finite());
}

#[test]
fn baselines_have_weights_for_their_own_steps() {
    let mut config = config();
    config.train.cycle_weights = vec![1.0, 2.0];
    let all = question_baselines(&config).unwrap();
    assert!(all.len() > 2);
    for (name, config) in all {
        assert!(config.validate().is_ok(), "{name}");
    }
}

/// A decoder whose answer to every question is A: what follows a character depends on it
/// alone.
fn answers_a() -> Vec<u8> {
    const WIDTH: usize = 128;
    let spec = LlamaSpec {
        hidden_size: WIDTH,
        n_layers: 1,
        num_heads: 2,
        num_kv_heads: 2,
        intermediate_size: 32,
        block_size: 256,
        tie_embeddings: false,
        ..LlamaSpec::default()
    };
    let config = RunConfig { model: spec.into(), ..RunConfig::default() };
    // The vocabulary, in the order of its tokens.
    let characters: Vec<char> = std::iter::once('\n').chain(' '..='~').collect();
    let text: String = characters.iter().collect::<String>().repeat(60);
    let text = TextDataset::from_text("characters", &text, 0.1).unwrap();
    let run = create(&config, text, &Device::flex()).unwrap();
    let bytes = wait(run.export(serde_json::Value::Null)).unwrap();

    let next = |character: char| match character {
        ':' => ' ',
        ' ' => 'A',
        'A' => '\n',
        other => other,
    };
    let token = |character: char| characters.iter().position(|c| *c == character).unwrap();
    let matrix = |row_of: &dyn Fn(usize) -> usize| {
        let mut numbers = vec![0.0_f32; characters.len() * WIDTH];
        (0..characters.len()).for_each(|i| numbers[row_of(i) * WIDTH + i] = 1.0);
        numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()
    };
    let changed = |name: &str, old: &[u8]| match name {
        "embed_tokens" => matrix(&|i| i),
        "lm_head.weight" => matrix(&|i| token(next(characters[i]))),
        // The layers add nothing.
        _ if name.ends_with("o_proj.weight") => vec![0; old.len()],
        _ if name.ends_with("down_proj.weight") => vec![0; old.len()],
        _ => old.to_vec(),
    };
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let numbers = changed(&name, view.data());
            (name, view.shape().to_vec(), numbers)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, numbers)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), numbers).unwrap())
    });
    safetensors::serialize(views, header.metadata().clone()).unwrap()
}

#[test]
fn examples_that_do_not_fit_are_left_out() {
    let base = opened(&answers_a());
    let Dataset::Questions(set) = questions(&config()) else { unreachable!() };
    let asked = ["A", "B", "A", "A", "AA"].map(|answer| Question {
        question: "Which cup?".into(),
        answer: answer.into(),
        difficulty: 1,
    });
    assert_eq!(wait(few_shot(&base, &[], &asked)).unwrap(), 0.6);
    // Far more than 256 characters: as many as fit.
    assert_eq!(wait(few_shot(&base, &set.train, &asked)).unwrap(), 0.6);
    let long = "very ".repeat(60);
    let long = Question { question: long, answer: "A".into(), difficulty: 1 };
    let refused = wait(few_shot(&base, &set.train[..1], &[long])).unwrap_err();
    assert!(refused.message.contains("256"), "{refused:?}");
}
