//! Checkpoints on top of a frozen base.

use burn::tensor::Device;
use serde_json::Value;
use trm_core::Init;
use trm_core::layers::Linear;
use trm_spec::{RunConfig, Vocab};

use super::*;

/// A small model on top of a frozen one.
#[derive(Module, Debug)]
struct OnTop {
    base: Linear,
    head: Linear,
}

fn model(mut init: Init) -> OnTop {
    OnTop { base: Linear::new(3, 4, &mut init), head: Linear::new(4, 2, &mut init) }
}

fn numbers_of(linear: &Linear) -> Vec<f32> {
    linear.weight.val().into_data().try_into_vec().unwrap()
}

/// Runs a future that never waits: the CPU answers at once.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the CPU made somebody wait"),
    }
}

#[test]
fn weights_of_a_frozen_base_are_left_out_and_named() {
    let device = Device::flex();
    let base = Base { name: "smol.gguf".into(), sha256: "ab".repeat(32), weights: None };
    let header = Header {
        config: RunConfig::default(),
        vocab: Vocab::Byte,
        step: 3,
        metrics: Value::Null,
        base: Some(base.clone()),
    };
    let trained = model(Init::new(1, &device));
    let bytes = wait(write(&trained, &header)).unwrap();
    assert_eq!(read_header(&bytes).unwrap().base, Some(base));
    let checkpoint = Checkpoint::read(&bytes).unwrap();
    assert_eq!(checkpoint.tensors.names(), ["head.weight"]);

    // The base is what the module has already; the rest comes from the file.
    let other = model(Init::new(2, &device));
    let restored = checkpoint.restore(other.clone()).unwrap();
    assert_eq!(numbers_of(&restored.head), numbers_of(&trained.head));
    assert_eq!(numbers_of(&restored.base), numbers_of(&other.base));

    // Without one, every tensor is in the file, or it is refused.
    let bytes = wait(write(&trained, &Header { base: None, ..header })).unwrap();
    let checkpoint = Checkpoint::read(&bytes).unwrap();
    let restored = checkpoint.restore(model(Init::zeros(&device))).unwrap();
    assert_eq!(numbers_of(&restored.base), numbers_of(&trained.base));
    assert_eq!(numbers_of(&restored.head), numbers_of(&trained.head));
    let header = Header { base: None, ..checkpoint.header };
    let bytes = to_bytes(&[], pairs(&header).unwrap()).unwrap();
    let failure = Checkpoint::read(&bytes).unwrap().restore(model(Init::zeros(&device)));
    let message = failure.expect_err("refused").message;
    assert!(message.contains("tensor `base.weight` is missing"), "{message}");
}

#[test]
fn a_header_whose_base_cannot_be_read_is_refused() {
    let header = Header {
        config: RunConfig::default(),
        vocab: Vocab::Byte,
        step: 0,
        metrics: Value::Null,
        base: None,
    };
    let mut pairs = pairs(&header).unwrap();
    pairs.insert("base".into(), "{\"name\": 3}".into());
    let bytes = to_bytes(&[], pairs).unwrap();
    let failure = read_header(&bytes).unwrap_err();
    assert!(failure.message.contains("`base` in the header"), "{failure}");
}
