//! What a trace shows: the tokens and no padding, the cells of a puzzle, and no numbers that are
//! not finite.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_core::models::chat_trm::ChatTrm;
use trm_core::models::trm::{PuzzleInput, Trm};
use trm_core::models::vit::Vit;
use trm_core::{Init, Recursive};
use trm_spec::{Failure, FailureKind, RunConfig, TraceStep, TrmSpec, VariantSpec, VitSpec, Vocab};
use trm_train::{
    Classifier, ClassifyRequest, ImageTask, LanguageTask, PuzzleTask, Run, Task, TraceRequest,
    TrainRun, Writer,
};

use crate::support::fixtures::host;
use crate::support::kinds::{depth, honest};
use crate::support::{start, tiny, wait};

/// The mean squares of rows that are traced together are those of the rows by themselves.
#[test]
fn padding_has_no_part_in_the_size_of_a_state() {
    let sizes: [fn(&TraceStep) -> f32; 2] = [|step| step.state_rms, |step| step.state_change];
    for config in honest() {
        let run = start(&config);
        let trace = |tokens: Vec<Vec<u32>>| {
            let depth = depth(&config, 2);
            wait(run.trace(&TraceRequest { tokens, depth, ..TraceRequest::default() })).unwrap()
        };
        let rows: Vec<Vec<u32>> =
            [3, 16, 1, 9].map(|length| (0..length).map(|i| i * 5 % 20).collect()).to_vec();
        let together = trace(rows.clone());
        let alone: Vec<_> = rows.iter().map(|row| trace(vec![row.clone()])).collect();
        for (number, step) in together.steps.iter().enumerate() {
            for size in sizes {
                let squares = rows.iter().zip(&alone).map(|(row, trace)| {
                    f64::from(size(&trace.steps[number])).powi(2) * row.len() as f64
                });
                let expected = (squares.sum::<f64>() / rows.concat().len() as f64).sqrt();
                let found = f64::from(size(step));
                assert!(
                    (found - expected).abs() <= 1e-4 * expected.max(1.0),
                    "{:?}: {found} for {expected}",
                    config.model
                );
            }
        }
    }
}

/// A puzzle's embedding stands before its cells; it is no cell.
#[test]
fn attention_of_a_puzzle_is_from_its_cells_to_its_cells() {
    const CELLS: usize = 6;
    let spec = TrmSpec {
        hidden_size: 16,
        num_heads: 2,
        n_layers: 2,
        h_cycles: 1,
        l_cycles: 1,
        seq_len: CELLS,
        puzzle_emb_ndim: 32,
        puzzle_emb_len: 3,
        expansion: 1.0,
        ..TrmSpec::default()
    };
    let device = Device::flex();
    let model = Trm::new(&spec, 5, &mut Init::new(7, &device));
    let config = RunConfig { model: spec.clone().into(), ..RunConfig::of("trm").unwrap() };
    let task = PuzzleTask::new(&spec, &config.train);
    let rows: [[u32; CELLS]; 2] = [[1, 4, 0, 2, 2, 3], [0, 1, 2, 3, 4, 0]];
    let tokens: Vec<i32> = rows.concat().into_iter().map(|token| token as i32).collect();
    let input = PuzzleInput {
        tokens: Tensor::from_data(TensorData::new(tokens, [2, CELLS]), &device),
        embedding: model.embedding(Tensor::<1, Int>::from_data([0, 0], &device)),
    };
    let context = model.encode(&input);
    let all = model.attend(&context, &model.start(&context));
    let positions = 3 + CELLS;
    for cell in [0, 4] {
        let request = TraceRequest {
            tokens: rows.map(|row| row.to_vec()).to_vec(),
            depth: 1,
            attention: Some(cell),
            ..TraceRequest::default()
        };
        let trace = wait(task.trace(&config, &Vocab::Plain { size: 5 }, &model, &request)).unwrap();
        let found = &trace.steps[0].attention;
        assert_eq!((found.len(), found[0].len(), found[0][0].len()), (2, 2, 2));
        for (block, weights) in all.iter().enumerate() {
            assert_eq!(weights.dims(), [2, 2, positions, positions]);
            for (number, row) in host(weights.clone()).chunks_exact(positions).enumerate() {
                if number % positions != 3 + cell {
                    continue;
                }
                let (puzzle, head) = (number / positions / 2, number / positions % 2);
                let shares = &found[puzzle][block][head];
                assert_eq!(shares.len(), CELLS);
                for (share, expected) in shares.iter().zip(&row[3..]) {
                    assert!((share - expected).abs() < 1e-6, "{share} for {expected}");
                }
            }
        }
    }
}

/// A model whose weights are all NaN, as a diverged run leaves it.
fn broken<M: Module>(model: M) -> M {
    struct Break;
    impl ModuleMapper for Break {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|old| {
                let dims = old.dims();
                let nan = vec![f32::NAN; dims.iter().product()];
                let new = Tensor::from_data(TensorData::new(nan, dims), &old.device());
                if old.is_require_grad() { new.require_grad() } else { new }
            })
        }
    }
    model.map(&mut Break)
}

fn expect_diverged<T>(what: &str, found: Result<T, Failure>) {
    let failure = found.err().unwrap_or_else(|| panic!("{what} is given"));
    assert_eq!(failure.kind, FailureKind::Diverged, "{what}: {failure}");
    assert!(failure.message.contains("NaN or infinite"), "{what}: {failure}");
}

#[test]
fn numbers_that_are_not_finite_are_neither_shown_nor_written() {
    let device = Device::flex().autodiff();
    let config = tiny();
    let VariantSpec::ChatTrm(spec) = &config.model else { unreachable!() };
    let model = broken(ChatTrm::new(spec, 30, &mut Init::new(3, &device)));
    let task: LanguageTask<ChatTrm> = LanguageTask::new(config.model.depth(), &config.train);
    let run = TrainRun::new(config.clone(), Vocab::Plain { size: 30 }, None, model, task);
    let tokens = vec![vec![1, 2, 3]];
    let request = TraceRequest { tokens, depth: 2, ..TraceRequest::default() };
    expect_diverged("a trace", wait(run.trace(&request)));
    expect_diverged("a draft", wait(run.draft(&request)));
    expect_diverged("a checkpoint", wait(run.export(serde_json::Value::Null)));
    expect_diverged("a saved run", wait(run.save(serde_json::Value::Null)));

    let spec = VitSpec {
        hidden_size: 16,
        n_layers: 1,
        num_heads: 2,
        intermediate_size: 32,
        ..VitSpec::default()
    };
    let config = RunConfig { model: spec.clone().into(), ..RunConfig::of("vit").unwrap() };
    let shape = config.model.image().unwrap();
    let model = broken(Vit::new(&spec, 10, &mut Init::new(3, &device)));
    let task: ImageTask<Vit> = ImageTask::new(shape, None, 1, &config.train);
    let names = (0..10).map(|class| class.to_string()).collect();
    let run = TrainRun::new(config, Vocab::Classes { names }, None, model, task);
    let request = ClassifyRequest::Pixels { values: vec![0.5; 64], images: 1 };
    expect_diverged("a class", wait(run.classify_all(&request, 0, 0)));
}
