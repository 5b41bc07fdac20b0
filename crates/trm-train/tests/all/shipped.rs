//! The checkpoints that come with the page still open, and go on training; a solver among
//! them is scored on copies.

use std::fs;
use std::path::Path;

use crate::support::wait;
use burn::tensor::{Device, f16};
use safetensors::SafeTensors;
use trm_data::puzzles::PuzzleKind;
use trm_spec::Family;
use trm_train::{BaseFile, ClassifyRequest, Copies, CopyScoring, TraceRequest};

/// How many weights a file in half precision has; all are finite.
fn finite_weights(file: &[u8]) -> usize {
    let mut weights = 0;
    for (name, tensor) in SafeTensors::deserialize(file).unwrap().iter() {
        for pair in tensor.data().chunks_exact(2) {
            let weight = f16::from_le_bytes([pair[0], pair[1]]);
            assert!(weight.is_finite(), "{name}");
            weights += 1;
        }
    }
    weights
}

#[test]
fn every_shipped_checkpoint_opens_and_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/checkpoints");
    let mut opened = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "safetensors") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let header = trm_train::checkpoint::read_header(&bytes).unwrap();
        opened += 1;
        if header.config.model.family() == Family::Questions {
            // Its base is a pretrained language model, which does not come with the page.
            let weights = finite_weights(&bytes);
            assert_eq!(weights, header.config.model.parameters(header.vocab.size()));
            let failure = trm_train::load_on(&bytes, None, None, None, &Device::flex());
            let failure = failure.map(drop).unwrap_err();
            assert!(failure.message.contains(&header.base.unwrap().name), "{failure}");
            continue;
        }
        let base = header.base.as_ref().map(|base| fs::read(folder.join(&base.name)).unwrap());
        let base = base.as_deref().map(|bytes| BaseFile { name: "base", bytes });
        let run = trm_train::load_on(&bytes, None, None, base, &Device::flex())
            .unwrap_or_else(|failure| panic!("{}: {failure}", path.display()));
        let summary = run.summary();
        assert_eq!(summary.config, header.config);
        assert_eq!(summary.step, header.step);
        let families =
            [run.as_writer().is_some(), run.as_solver().is_some(), run.as_classifier().is_some()];
        assert_eq!(families.iter().filter(|is| **is).count(), 1, "one family");
        if let Some(classifier) = run.as_classifier() {
            let shape = header.config.model.image().unwrap();
            let values = vec![0.5; shape.channels * shape.size * shape.size];
            let request = ClassifyRequest::Pixels { values, images: 1 };
            let steps = wait(classifier.classify_all(&request, 0, 0)).unwrap().remove(0);
            assert!(steps.iter().flat_map(|step| &step.logits).all(|logit| logit.is_finite()));
        } else {
            let tokens = match run.as_writer() {
                Some(writer) => writer.encode("O Romeo").unwrap(),
                None => vec![1; header.config.model.length()],
            };
            let request =
                TraceRequest { tokens: vec![tokens], depth: 1, ..TraceRequest::default() };
            let trace = wait(run.trace(&request)).unwrap();
            assert!(trace.steps[0].entropy[0].iter().all(|entropy| entropy.is_finite()));
        }
    }
    assert!(opened >= 9, "only {opened} checkpoints in {}", folder.display());
}

/// Scores of many copies take long: how far they are is told after every batch.
#[test]
fn scores_of_copies_tell_how_far_they_are() {
    const PUZZLES: usize = 500;
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/checkpoints/sudoku-4x4.safetensors");
    let bytes = fs::read(path).unwrap();
    let config = trm_train::checkpoint::read_header(&bytes).unwrap().config;
    let source = PuzzleKind::named("sudoku-4x4").unwrap().source(&config.data, 5);
    let data = source.load(1, PUZZLES, false).unwrap();
    let run = trm_train::load_with(&bytes, None, Some(data.into()), &Device::flex()).unwrap();
    let scoring = |copies| CopyScoring { depths: vec![1, 2], puzzles: 0, threshold: 0.5, copies };
    let copies = Copies { augmentations: 8, ..Copies::default() };
    let mut told = Vec::new();
    let mut seen = |done, total| told.push((done, total));
    let scores = wait(run.solver().unwrap().evaluate_copies(&scoring(copies), &mut seen)).unwrap();
    assert_eq!((scores.puzzles, scores.copies, scores.steps.len()), (PUZZLES, 8, 2));
    assert!(scores.steps[1].rules.solved > 0.99, "{scores:?}");
    assert!(told.len() > 1 && told.is_sorted(), "{told:?}");
    assert!(told.iter().all(|(_, total)| *total == PUZZLES));
    assert_eq!(told.last(), Some(&(PUZZLES, PUZZLES)));
    let mut plain = Vec::new();
    let mut seen = |done, total| plain.push((done, total));
    wait(run.solver().unwrap().evaluate_puzzles(2, 0, &mut seen)).unwrap();
    assert_eq!(plain.last(), Some(&(PUZZLES, PUZZLES)));

    // Noise falls on the other copies, not on the puzzle itself.
    let with_noise = |state_noise: f64| {
        let copies = Copies { augmentations: 2, state_noise, ..Copies::default() };
        let solver = run.solver().unwrap();
        wait(solver.evaluate_copies(&scoring(copies), &mut |_, _| {})).unwrap()
    };
    let (plain, noisy) = (with_noise(0.0), with_noise(100.0));
    for (plain, noisy) in plain.steps.iter().zip(&noisy.steps) {
        assert_eq!(plain.single, noisy.single, "after {} steps", plain.step);
    }
    assert_ne!(plain, noisy, "the noise changes something");
}
