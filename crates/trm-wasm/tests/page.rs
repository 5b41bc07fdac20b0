//! The stories of a session on a page's own thread: those that use what differs from a
//! worker, which are the device, the clock and the module's memory. `worker.rs` runs all.
// The stories tell of all families of models.
#![cfg(all(feature = "images", feature = "language", feature = "puzzles"))]
#![cfg(target_arch = "wasm32")]

#[allow(unused, reason = "only some of the stories run here")]
mod stories;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

stories::run! {
    opens_on_the_cpu,
    training_lowers_the_loss,
    memory_is_what_the_module_holds,
    a_benchmark_leaves_the_run_alone,
}
