//! The session's stories where the page runs it: in a dedicated worker.
// The stories tell of both families of models.
#![cfg(all(feature = "language", feature = "puzzles"))]
#![cfg(target_arch = "wasm32")]

mod stories;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

stories::all!();
