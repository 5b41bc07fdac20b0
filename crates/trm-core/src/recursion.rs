//! The recursion itself, the same for every variant.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// What survives a cycle.
pub trait State: Clone {
    /// The same numbers, cut off from the gradient tape.
    fn detach(self) -> Self;
    /// The part that is read out, `[batch, seq, dim]`.
    fn answer(&self) -> &Tensor<3>;
}

/// What can be read from a state.
pub struct Readout {
    /// `[batch, seq, vocab]`.
    pub logits: Tensor<3>,
    /// Logit of halting here, `[batch]`, for variants that can halt.
    pub halt: Option<Tensor<1>>,
}

/// A network that refines its answer by applying itself again.
pub trait Recursive: Module {
    /// What it is asked, without targets.
    type Input;
    type State: State;

    /// The input as the recursion sees it, `[batch, seq, dim]`.
    fn encode(&self, input: &Self::Input) -> Tensor<3>;
    /// The state before the first cycle.
    fn start(&self, x: &Tensor<3>) -> Self::State;
    /// One cycle.
    fn cycle(&self, x: &Tensor<3>, state: Self::State) -> Self::State;
    /// The answer after any cycle.
    fn read(&self, state: &Self::State) -> Readout;
    /// Where the weights are.
    fn device(&self) -> Device;
}

/// Which cycles leave a gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tape {
    /// All of them (Chat-TRM: full backpropagation through the recursion).
    #[default]
    All,
    /// The last one only (the official TRM).
    Last,
}

/// Runs a model's cycles.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    /// How many cycles, from 1.
    pub cycles: usize,
    pub tape: Tape,
}

impl Engine {
    /// An engine that keeps the gradient of every cycle.
    pub fn new(cycles: usize) -> Self {
        Self { cycles, tape: Tape::All }
    }

    /// Applies the cycles to `x`, from `state`. `probe` sees the state after
    /// every cycle, counted from 1.
    pub fn think<M: Recursive>(
        &self,
        model: &M,
        x: &Tensor<3>,
        mut state: M::State,
        mut probe: impl FnMut(usize, &M::State),
    ) -> M::State {
        for step in 1..=self.cycles {
            if self.tape == Tape::Last && step == self.cycles {
                state = state.detach();
            }
            state = model.cycle(x, state);
            probe(step, &state);
        }
        state
    }
}
