//! The checkpoints that come with the page still open, and go on training.

mod support;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use support::wait;
use trm_train::{BaseFile, ClassifyRequest, TraceRequest};

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
        opened += 1;
    }
    assert!(opened >= 9, "only {opened} checkpoints in {}", folder.display());
}
