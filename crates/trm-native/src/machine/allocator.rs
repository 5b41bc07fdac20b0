//! A pooling allocator: every training step allocates and frees many tensors.

use std::ffi::c_int;

use libmimalloc_sys::{mi_option_large_os_pages, mi_option_set};
use mimalloc::MiMalloc;

use crate::machine::memory::Ending;

#[global_allocator]
static ALLOCATOR: Ending<MiMalloc> = Ending(MiMalloc);

/// `mi_option_purge_delay`, which the crate does not name.
const PURGE_DELAY: c_int = 15;

/// Keeps freed memory for the next tensors instead of returning it to the system: a step
/// frees what the next one needs again, and every page that comes back from the system is
/// cleared first, which took a quarter of a large step's time. The peak is the same.
pub fn keep_memory() {
    // SAFETY: both calls set a number, before the program has other threads.
    unsafe {
        mi_option_set(PURGE_DELAY, -1);
        mi_option_set(mi_option_large_os_pages, 1);
    }
}
