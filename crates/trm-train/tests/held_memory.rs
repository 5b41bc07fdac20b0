//! Training holds no more memory the longer it runs. Automatic differentiation keeps what a
//! step records until a backward pass reaches it: what has no part in the loss stays for ever.

#[allow(dead_code, reason = "the other tests use all of it")]
#[path = "all/support/mod.rs"]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use burn::tensor::Device;
use support::{kinds, questions};
use trm_data::Dataset;
use trm_spec::{DataSource, Objective, RunConfig, TrmVitSpec, VariantSpec};
use trm_train::{BaseFile, Run, create, create_on};

/// Bytes that are allocated now.
static HELD: AtomicIsize = AtomicIsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promise is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that steps may leave: less than one of [`STEPS`] records, or [`MANY_STEPS`] starts.
const MOST: isize = 100_000;

/// Steps of which each would leave the states between its cycles.
const STEPS: usize = 20;

/// Steps of which each would leave the two nodes of a start, about a kilobyte.
const MANY_STEPS: usize = 400;

fn expect_no_growth(run: &mut dyn Run, steps: usize, said: &str) {
    let mut held = || {
        assert_eq!(support::wait(run.steps(steps)).unwrap().len(), steps, "{said}");
        HELD.load(Ordering::Relaxed)
    };
    held();
    let before = held();
    let growth = held() - before;
    assert!(growth < MOST, "{said}: {steps} steps leave {growth} bytes");
}

/// Truncated backpropagation: the gradient of the start is never computed.
fn truncated(mut config: RunConfig) -> RunConfig {
    config.train.backprop_cycles = 1;
    config.train.max_iters = 3 * MANY_STEPS;
    config.train.batch_size = 1;
    config
}

// One test, because the counter is the process's.
#[test]
fn steps_leave_no_memory_behind() {
    for config in kinds::honest() {
        let said = serde_json::to_string(&config.model).unwrap();
        expect_no_growth(&mut *support::start(&config), STEPS, &said);
    }
    let base = questions::base(32);
    for steps in [0, 1, 2] {
        let mut config = questions::config();
        let VariantSpec::LlmTrm(spec) = &mut config.model else { unreachable!() };
        spec.supervision_steps = steps;
        let file = Some(BaseFile { name: "base.safetensors", bytes: &base });
        let data = questions::questions(&config);
        let mut run = create_on(&config, data, file, &Device::flex()).unwrap();
        expect_no_growth(&mut *run, STEPS, &format!("questions, {steps} supervision steps"));
    }

    // Only the last of the cycles has a loss, and no gradient reaches the others.
    let mut config = support::tiny();
    config.train.objective = Objective::LastCycle;
    config.train.detach_cycles = true;
    expect_no_growth(&mut *support::start(&config), STEPS, "detached, last cycle");

    let mut config = truncated(support::tiny());
    let spec = support::model(&mut config);
    (spec.hidden_size, spec.n_layers, spec.block_size, spec.recursion_steps) = (16, 1, 8, 2);
    expect_no_growth(&mut *support::start(&config), MANY_STEPS, "truncated, text");

    let mut config = truncated(RunConfig::of("trm_vit").unwrap());
    config.model = VariantSpec::TrmVit(TrmVitSpec {
        hidden_size: 16,
        inner_steps: 1,
        outer_steps: 2,
        ..TrmVitSpec::default()
    });
    let digits = Dataset::load(&DataSource::Named, &config, None).unwrap();
    let mut run = create(&config, digits, &Device::flex()).unwrap();
    expect_no_growth(&mut *run, MANY_STEPS, "truncated, images");
}
