//! What several tests share.

pub mod fixtures;
pub mod kinds;
pub mod questions;

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use trm_data::TextDataset;
use trm_spec::{ChatTrmSpec, DataSource, RunConfig, VariantSpec};
use trm_train::Run;

/// Runs a future that never waits: the CPU answers at once.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the CPU made somebody wait"),
    }
}

pub const TEXT: &str = "To be, or not to be: that is the question:\nWhether 'tis nobler in the mind to suffer\nThe slings and arrows of outrageous fortune,\nOr to take arms against a sea of troubles\nAnd by opposing end them. To die: to sleep;\nNo more; and by a sleep to say we end\nThe heart-ache and the thousand natural shocks\nThat flesh is heir to, 'tis a consummation\nDevoutly to be wish'd.\n";

/// Held by every test with dropout: Burn draws the masks of all tests from one generator.
static DROPOUT: Mutex<()> = Mutex::new(());

pub fn alone() -> MutexGuard<'static, ()> {
    // A test that failed has left nothing behind that another one needs.
    DROPOUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `text`, to learn from.
pub fn text_source(text: &str) -> DataSource {
    DataSource::Text { name: "text".into(), text: text.into() }
}

/// A configuration small enough to train in a test.
pub fn tiny() -> RunConfig {
    let mut config = RunConfig {
        model: VariantSpec::ChatTrm(ChatTrmSpec {
            hidden_size: 32,
            num_heads: 2,
            n_layers: 2,
            recursion_steps: 3,
            block_size: 16,
            ..ChatTrmSpec::default()
        }),
        ..RunConfig::default()
    };
    config.data.val_fraction = 0.2;
    config.train.batch_size = 4;
    config.train.max_iters = 60;
    config.train.warmup_iters = 5;
    config.train.learning_rate = 3e-3;
    config.train.seed = 7;
    config
}

/// The causal part of a configuration.
pub fn model(config: &mut RunConfig) -> &mut ChatTrmSpec {
    let VariantSpec::ChatTrm(spec) = &mut config.model else { panic!("chat_trm") };
    spec
}

pub fn corpus(config: &RunConfig) -> TextDataset {
    TextDataset::from_spec(&config.data, TEXT, None).unwrap()
}

pub fn start(config: &RunConfig) -> Box<dyn Run> {
    trm_train::create(config, corpus(config), &Device::flex()).unwrap()
}

/// Compares gradients with those that are expected; some parameters may have none.
pub fn expect_same(found: &[Option<Vec<f32>>], expected: &[Option<Vec<f32>>], said: &str) {
    assert_eq!(found.len(), expected.len(), "{said}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.is_some(), expected.is_some(), "{said}");
        for (a, b) in found.iter().flatten().zip(expected.iter().flatten()) {
            let error = (a - b).abs();
            assert!(error <= 1e-5 * b.abs().max(1.0), "{said}: {a} for {b}");
        }
    }
}
