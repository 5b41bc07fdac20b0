//! The recursion itself, the same for every variant.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// What survives a cycle.
pub trait State: Clone {
    /// The same state with every tensor of it changed.
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self;
    /// The part that is read out, `[batch, seq, dim]`.
    fn answer(&self) -> &Tensor<3>;

    /// The same numbers, cut off from the gradient tape.
    fn detach(self) -> Self {
        self.map(&mut Tensor::detach)
    }

    /// Its tensors, always in the same order.
    fn parts(&self) -> Vec<Tensor<3>> {
        let mut parts = Vec::new();
        self.clone().map(&mut |part| {
            parts.push(part.clone());
            part
        });
        parts
    }
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
    /// What the cycle after `state` looks at: for every layer that attends, the
    /// shares `[batch, heads, seq, seq]`. To be watched; no cycle uses it.
    fn attend(&self, x: &Tensor<3>, state: &Self::State) -> Vec<Tensor<4>> {
        let _ = (x, state);
        Vec::new()
    }
    /// Where the weights are.
    fn device(&self) -> Device;
}

/// Which cycles leave a gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tape {
    /// All of them (Chat-TRM: full backpropagation through the recursion).
    #[default]
    All,
    /// The last ones only: one for the official TRM, a few for models trained at
    /// random depths. Nothing that ran before them leaves a gradient.
    Last(usize),
    /// All of them, each cut off from the one before: every cycle learns from its
    /// own loss alone (chunk refinement).
    Each,
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

    /// An engine that keeps the gradient of the last `kept` cycles; 0 keeps all.
    pub fn keeping(cycles: usize, kept: usize) -> Self {
        let tape = if kept == 0 || kept >= cycles { Tape::All } else { Tape::Last(kept) };
        Self { cycles, tape }
    }

    /// An engine whose cycles learn apart from each other.
    pub fn apart(cycles: usize) -> Self {
        Self { cycles, tape: Tape::Each }
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
        let untaped = match self.tape {
            Tape::All | Tape::Each => 0,
            Tape::Last(kept) => self.cycles.saturating_sub(kept),
        };
        if untaped > 0 {
            // Weights without gradient record nothing, so that these cycles cost
            // no memory either.
            let frozen = model.clone().no_grad();
            let x = x.clone().detach();
            state = state.detach();
            for step in 1..=untaped {
                state = frozen.cycle(&x, state);
                probe(step, &state);
            }
        }
        for step in untaped + 1..=self.cycles {
            // The start is learned too, so that only what a cycle made is cut off.
            if self.tape == Tape::Each && step > 1 {
                state = state.detach();
            }
            state = model.cycle(x, state);
            probe(step, &state);
        }
        state
    }
}
