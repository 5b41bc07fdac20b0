//! The session's stories on a page's own thread.
#![cfg(target_arch = "wasm32")]

mod stories;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

stories::all!();
