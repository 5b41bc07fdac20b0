//! Walking a module's parameters by name.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// A parameter, flattened.
pub struct Named {
    /// As in checkpoint files, e.g. `blocks.0.mlp.down_proj.weight`.
    pub name: String,
    /// Its shape before it was flattened.
    pub shape: Vec<usize>,
    /// Row-major, without autodiff.
    pub values: Tensor<1>,
    /// Whether gradients train it; buffers and the weights of a model without
    /// autodiff are not trained.
    pub trained: bool,
}

/// All float parameters of a module, in the order of its fields.
pub fn collect<M: Module>(module: &M) -> Vec<Named> {
    struct Collect {
        path: Vec<String>,
        found: Vec<Named>,
    }
    impl ModuleVisitor for Collect {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            let trained = tensor.is_require_grad();
            let tensor = tensor.without_autodiff();
            self.found.push(Named {
                trained,
                name: self.path.join("."),
                shape: tensor.dims().to_vec(),
                values: flat(tensor),
            });
        }
    }
    let mut visitor = Collect { path: Vec::new(), found: Vec::new() };
    module.visit(&mut visitor);
    visitor.found
}

/// A tensor as one axis.
pub(crate) fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let elements = tensor.shape().num_elements();
    tensor.reshape([elements])
}

/// Calls `replace(name, parameter)` for every float parameter.
pub(crate) fn replace<M: Module, R: Replace>(module: M, replace: &mut R) -> M {
    struct Walk<'a, R> {
        path: Vec<String>,
        replace: &'a mut R,
    }
    impl<R: Replace> ModuleMapper for Walk<'_, R> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            self.replace.replace(&self.path.join("."), param)
        }
    }
    module.map(&mut Walk { path: Vec::new(), replace })
}

/// Gives a parameter a new value.
pub(crate) trait Replace {
    fn replace<const D: usize>(&mut self, name: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>>;
}
