//! What a session must do wherever it runs. The tests speak to it as
//! JavaScript does, in plain objects, so that the conversion is tested too.

mod arc;
mod failures;
mod group;
mod images;
mod products;
mod puzzles;
mod support;
#[cfg(feature = "toy-model")]
mod toy_model;
mod training;

pub use arc::*;
pub use failures::*;
pub use group::*;
pub use images::*;
pub use products::*;
pub use puzzles::*;
#[cfg(feature = "toy-model")]
pub use toy_model::*;
pub use training::*;

/// Makes a browser test of each of the stories.
macro_rules! run {
    ($($story:ident,)*) => {
        $(
            #[wasm_bindgen_test::wasm_bindgen_test]
            async fn $story() {
                stories::$story().await;
            }
        )*
    };
}
pub(crate) use run;
