//! Training holds no more memory the longer it runs. Automatic differentiation keeps what a
//! step records until a backward pass reaches it: what has no part in the loss stays for ever.

#[path = "support/kinds.rs"]
mod kinds;
#[allow(dead_code, reason = "not every test uses all of it")]
#[path = "questions/support.rs"]
mod questions;
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use burn::tensor::Device;
use trm_spec::VariantSpec;
use trm_train::{BaseFile, Run, create_on};

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

/// Bytes that 20 more steps may leave: less than one step's.
const MOST: isize = 100_000;

fn expect_no_growth(run: &mut dyn Run, said: &str) {
    let mut held = || {
        support::wait(run.steps(20)).unwrap();
        HELD.load(Ordering::Relaxed)
    };
    held();
    let before = held();
    let growth = held() - before;
    assert!(growth < MOST, "{said}: 20 steps leave {growth} bytes");
}

// One test, because the counter is the process's.
#[test]
fn steps_leave_no_memory_behind() {
    for config in kinds::honest() {
        let said = serde_json::to_string(&config.model).unwrap();
        expect_no_growth(&mut *support::start(&config), &said);
    }
    let base = questions::base(32);
    for steps in [0, 1, 2] {
        let mut config = questions::config();
        let VariantSpec::LlmTrm(spec) = &mut config.model else { unreachable!() };
        spec.supervision_steps = steps;
        let file = Some(BaseFile { name: "base.safetensors", bytes: &base });
        let data = questions::questions(&config);
        let mut run = create_on(&config, data, file, &Device::flex()).unwrap();
        expect_no_growth(&mut *run, &format!("questions, {steps} supervision steps"));
    }
}
