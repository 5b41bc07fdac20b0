//! The recursion itself, the same for every model.

use std::iter;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Everything that one cycle hands to the next.
pub trait State: Clone {
    /// The same state with every tensor changed by `change`, in a fixed order.
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self;
    /// The part that is read out, `[batch, seq, dim]`.
    fn answer(&self) -> &Tensor<3>;

    /// The same numbers without their gradient history.
    fn detach(self) -> Self {
        self.map(&mut Tensor::detach)
    }

    /// The positions of `first`, followed by those of `others`.
    fn cat(first: Self, others: &[Self]) -> Self {
        let mut others: Vec<_> = others.iter().map(|state| state.parts().into_iter()).collect();
        first.map(&mut |part| {
            let more = others.iter_mut().filter_map(Iterator::next);
            Tensor::cat(iter::once(part).chain(more).collect(), 1)
        })
    }

    /// Its tensors, in the order of [`map`](Self::map).
    fn parts(&self) -> Vec<Tensor<3>> {
        let mut parts = Vec::new();
        self.clone().map(&mut |part| {
            parts.push(part.clone());
            part
        });
        parts
    }
}

/// The encoded input: named tensors that every cycle reads and none changes. The
/// first axis of each is the batch.
pub trait Context: Clone {
    /// The same context with every tensor changed by `change`, in a fixed order. A
    /// tensor of another rank is passed as a view of rank 3 that keeps its first axis.
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self;

    /// The same numbers without their gradient history.
    fn detach(self) -> Self {
        self.map(&mut Tensor::detach)
    }

    /// Its tensors, in the order of [`map`](Self::map).
    fn parts(&self) -> Vec<Tensor<3>> {
        let mut parts = Vec::new();
        self.clone().map(&mut |part| {
            parts.push(part.clone());
            part
        });
        parts
    }
}

/// The context of models whose cycles read nothing but the embedded input.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// `[batch, seq, dim]`.
    pub x: Tensor<3>,
}

impl Context for Embedded {
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        Self { x: change(self.x) }
    }
}

/// What can be read from a state.
pub struct Readout {
    /// `[batch, seq, vocab]`.
    pub logits: Tensor<3>,
    /// Logit of halting after this cycle, `[batch]`, for models that can halt.
    pub halt: Option<Tensor<1>>,
}

/// A network that refines its answer by applying itself repeatedly.
///
/// The recursion is `context = encode(input)`, `state = start(context)`, then
/// `state = cycle(context, state)` as often as the [`Engine`] says; [`read`](Self::read)
/// works after any cycle. A model sees no targets.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use trm_core::{Engine, Init, Recursive};
/// use trm_core::models::chat_trm::ChatTrm;
/// use trm_spec::ChatTrmSpec;
///
/// let spec = ChatTrmSpec {
///     hidden_size: 16,
///     num_heads: 2,
///     n_layers: 1,
///     block_size: 8,
///     ..ChatTrmSpec::default()
/// };
/// let device = Device::flex();
/// let model = ChatTrm::new(&spec, 10, &mut Init::new(1, &device));
///
/// let tokens = Tensor::from_data([[3, 1, 4, 1]], &device);
/// let context = model.encode(&tokens);
/// let mut state = model.start(&context);
/// for _ in 0..2 {
///     state = model.cycle(&context, state);
/// }
/// let logits = model.read(&state).logits;
/// assert_eq!(logits.dims(), [1, 4, 10]);
///
/// // The engine runs the same loop.
/// let same = Engine::new(2).run(&model, &context, model.start(&context), |_, _| {});
/// assert_eq!(logits.into_data(), model.read(&same).logits.into_data());
/// ```
pub trait Recursive: Module {
    /// What the model is given, without targets.
    type Input;
    /// The encoded input, read by every cycle.
    type Context: Context;
    /// What is handed from one cycle to the next.
    type State: State;

    /// Encodes the input, once for all cycles.
    fn encode(&self, input: &Self::Input) -> Self::Context;
    /// The state before the first cycle.
    fn start(&self, context: &Self::Context) -> Self::State;
    /// One cycle.
    fn cycle(&self, context: &Self::Context, state: Self::State) -> Self::State;
    /// The answer in a state.
    fn read(&self, state: &Self::State) -> Readout;
    /// Attention weights of the cycle that follows `state`: one tensor per attention
    /// layer, `[batch, heads, seq, seq]`. For display; no cycle uses it.
    fn attend(&self, context: &Self::Context, state: &Self::State) -> Vec<Tensor<4>> {
        let _ = (context, state);
        Vec::new()
    }
    /// The device of the weights.
    fn device(&self) -> Device;
}

/// Which cycles record gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tape {
    /// All of them: full backpropagation through the recursion (Chat-TRM).
    #[default]
    All,
    /// Only the last ones: one for the official TRM, a few for models trained at
    /// random depths (truncated backpropagation).
    Last(usize),
    /// All of them, each detached from the one before: every cycle learns from its
    /// own loss alone (chunk refinement).
    Detached,
}

/// Runs a model's cycles.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use trm_core::{Engine, Init, Recursive};
/// use trm_core::models::chat_trm::ChatTrm;
/// use trm_spec::ChatTrmSpec;
///
/// let spec = ChatTrmSpec {
///     hidden_size: 16,
///     num_heads: 2,
///     n_layers: 1,
///     block_size: 8,
///     ..ChatTrmSpec::default()
/// };
/// let device = Device::flex();
/// let model = ChatTrm::new(&spec, 10, &mut Init::new(1, &device));
/// let context = model.encode(&Tensor::from_data([[2, 7]], &device));
///
/// // Depth is an argument, and every cycle can be read out.
/// let mut readouts = Vec::new();
/// Engine::new(3).run(&model, &context, model.start(&context), |cycle, state| {
///     readouts.push((cycle, model.read(state).logits.dims()));
/// });
/// assert_eq!(readouts, [(1, [1, 2, 10]), (2, [1, 2, 10]), (3, [1, 2, 10])]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    /// Number of cycles (the depth), from 1.
    pub cycles: usize,
    /// Which of them record gradients.
    pub tape: Tape,
}

impl Engine {
    /// An engine that records the gradient of every cycle.
    pub fn new(cycles: usize) -> Self {
        Self { cycles, tape: Tape::All }
    }

    /// An engine that records the gradient of the last `taped` cycles; 0 means all.
    pub fn truncated(cycles: usize, taped: usize) -> Self {
        let tape = if taped == 0 || taped >= cycles { Tape::All } else { Tape::Last(taped) };
        Self { cycles, tape }
    }

    /// An engine that detaches every cycle from the one before.
    pub fn detached(cycles: usize) -> Self {
        Self { cycles, tape: Tape::Detached }
    }

    /// First cycles that record no gradients.
    fn untaped(&self) -> usize {
        match self.tape {
            Tape::All | Tape::Detached => 0,
            Tape::Last(taped) => self.cycles.saturating_sub(taped),
        }
    }

    /// The state that [`run`](Self::run) begins at, made by `start`. It records no gradients
    /// where the first cycle records none: `run` detaches it there, and automatic
    /// differentiation would keep for ever what no backward pass reaches.
    pub fn start<M: Recursive>(
        &self,
        model: &M,
        context: &M::Context,
        start: impl FnOnce(&M, &M::Context) -> M::State,
    ) -> M::State {
        if self.untaped() == 0 {
            return start(model, context);
        }
        start(&model.clone().no_grad(), &context.clone().detach())
    }

    /// Runs the cycles from `state` and returns the last state. `on_cycle` sees the
    /// state after every cycle, counted from 1, and can change nothing.
    pub fn run<M: Recursive>(
        &self,
        model: &M,
        context: &M::Context,
        mut state: M::State,
        mut on_cycle: impl FnMut(usize, &M::State),
    ) -> M::State {
        let untaped = self.untaped();
        if untaped > 0 {
            // Weights without gradient record nothing, so that these cycles cost
            // no memory either.
            let frozen = model.clone().no_grad();
            let context = context.clone().detach();
            state = state.detach();
            for cycle in 1..=untaped {
                state = frozen.cycle(&context, state);
                on_cycle(cycle, &state);
            }
        }
        for cycle in untaped + 1..=self.cycles {
            // The start is learned too, so that only what a cycle made is detached.
            if self.tape == Tape::Detached && cycle > 1 {
                state = state.detach();
            }
            state = model.cycle(context, state);
            on_cycle(cycle, &state);
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use trm_spec::ChatTrmSpec;

    use super::*;
    use crate::Init;
    use crate::models::chat_trm::ChatTrm;

    /// What `run` would detach is not recorded at all; the numbers are the same.
    #[test]
    fn a_start_without_gradient_is_not_recorded() {
        let spec =
            ChatTrmSpec { hidden_size: 16, num_heads: 2, block_size: 8, ..ChatTrmSpec::default() };
        let device = Device::flex().autodiff();
        let model = ChatTrm::new(&spec, 10, &mut Init::new(1, &device));
        let context = model.encode(&Tensor::from_data([[2, 7]], &device));
        let start = |engine: Engine| engine.start(&model, &context, ChatTrm::start).z;
        let (whole, last) = (start(Engine::new(3)), start(Engine::truncated(3, 1)));
        assert!(whole.is_tracked() && !last.is_tracked());
        assert!(start(Engine::truncated(3, 3)).is_tracked());
        assert!(start(Engine::detached(3)).is_tracked(), "its first cycle learns");
        assert_eq!(whole.without_autodiff().into_data(), last.without_autodiff().into_data());
    }
}
