//! The checkpoints that come with the page still open, and go on training.

mod support;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use support::wait;
use trm_train::TraceRequest;

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
        assert_eq!(header.base, None);
        let run = trm_train::load(&bytes, None, None, &Device::flex())
            .unwrap_or_else(|failure| panic!("{}: {failure}", path.display()));
        let summary = run.summary();
        assert_eq!(summary.config, header.config);
        assert_eq!(summary.step, header.step);
        assert_eq!(run.as_writer().is_some(), run.as_solver().is_none(), "one family");
        let tokens = match run.as_writer() {
            Some(writer) => writer.encode("O Romeo").unwrap(),
            None => vec![1; header.config.model.length()],
        };
        let request = TraceRequest { tokens: vec![tokens], depth: 1, ..TraceRequest::default() };
        let trace = wait(run.trace(&request)).unwrap();
        assert!(trace.steps[0].entropy[0].iter().all(|entropy| entropy.is_finite()));
        opened += 1;
    }
    assert!(opened >= 6, "only {opened} checkpoints in {}", folder.display());
}
