//! Mixed precision: inside [`autocast`] linear maps multiply in half precision,
//! as under PyTorch's `torch.autocast`. What goes in and what comes out are f32,
//! and so are the weights that an optimizer updates.

use std::cell::Cell;

use burn::tensor::{FloatDType, Tensor};

use crate::general;

thread_local! {
    static PRODUCTS: Cell<Option<FloatDType>> = const { Cell::new(None) };
}

/// Runs `work` with linear maps in `dtype`; `None` changes nothing. Backward
/// passes multiply in what their forward pass multiplied in, wherever they run.
pub fn autocast<T>(dtype: Option<FloatDType>, work: impl FnOnce() -> T) -> T {
    /// Puts the old precision back, also when `work` panics.
    struct Restore(Option<FloatDType>);
    impl Drop for Restore {
        fn drop(&mut self) {
            PRODUCTS.set(self.0);
        }
    }
    let _restore = Restore(PRODUCTS.replace(dtype));
    work()
}

/// Whether a precision is asked for.
pub(crate) fn is_on() -> bool {
    PRODUCTS.get().is_some()
}

/// The linear map in the precision asked for, if one is.
pub(crate) fn linear<const D: usize>(x: &Tensor<D>, w: &Tensor<2>) -> Option<Tensor<D>> {
    let dtype = PRODUCTS.get()?;
    let y = general::linear(x.clone().cast(dtype), w.clone().cast(dtype));
    Some(y.cast(FloatDType::F32))
}
