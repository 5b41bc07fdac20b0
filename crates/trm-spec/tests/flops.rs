//! What training costs, against numbers counted by hand.

use trm_spec::{
    ChatTrmSpec, ChunkLmSpec, DepthSampling, Injection, ModelSpec, Objective, RunConfig, TrmLmSpec,
    VariantSpec,
};

/// Width 96 makes an inner width of 256.
fn spec() -> ChatTrmSpec {
    ChatTrmSpec {
        hidden_size: 96,
        num_heads: 2,
        n_layers: 2,
        recursion_steps: 4,
        block_size: 32,
        ..ChatTrmSpec::default()
    }
}

/// Multiplications of one token in one block: qkv, output, gate and up, down.
const BLOCK: f64 = (96 * 288 + 96 * 96 + 96 * 512 + 256 * 96) as f64;
/// Those of queries with keys and of probabilities with values, over 32 positions.
const ATTENTION: f64 = (2 * 96 * 32) as f64;
const HEAD: f64 = (96 * 65) as f64;

#[test]
fn six_for_every_weight_in_every_cycle_and_attention() {
    let cycle = 2.0 * (BLOCK + ATTENTION);
    assert_eq!(spec().flops_per_token(65, 1), 6.0 * (cycle + HEAD));
    assert_eq!(spec().flops_per_token(65, 3), 6.0 * (3.0 * cycle + HEAD));
    let adapter = ChatTrmSpec { input_injection: Injection::Adapter, ..spec() };
    let cycle = cycle + (2 * 96 * 96) as f64;
    assert_eq!(adapter.flops_per_token(65, 3), 6.0 * (3.0 * cycle + HEAD));
}

/// nanoGPT's estimate, `6·N + 12·L·H·Q·T`, is the same at depth 1, where every
/// weight but the embedding and the initial state is met once.
#[test]
fn one_cycle_costs_what_nanogpt_counts() {
    let met = spec().parameters(65) - 65 * 96 - 96;
    let nanogpt = 6 * met + 12 * 2 * 96 * 32;
    assert_eq!(spec().flops_per_token(65, 1), nanogpt as f64);
}

#[test]
fn training_counts_drawn_depths_losses_and_gradients() {
    let cycle = 2.0 * (BLOCK + ATTENTION);
    let cost = |change: fn(&mut RunConfig)| {
        let mut config = RunConfig { model: VariantSpec::ChatTrm(spec()), ..RunConfig::default() };
        change(&mut config);
        config.training_flops_per_token(65)
    };
    assert_eq!(cost(|_| {}), spec().flops_per_token(65, 4));
    assert_eq!(
        cost(|c| c.train.objective = Objective::EveryCycle),
        6.0 * (4.0 * cycle + 4.0 * HEAD)
    );
    let uniform = cost(|c| {
        c.train.depth_sampling = DepthSampling::Uniform;
        c.train.min_depth = 2;
    });
    assert_eq!(uniform, spec().flops_per_token(65, 3));
    // Four cycles forward, the way back through one.
    assert_eq!(cost(|c| c.train.backprop_cycles = 1), 2.0 * 6.0 * cycle + 6.0 * HEAD);
    assert_eq!(cost(|c| c.train.backprop_cycles = 9), cost(|_| {}));
}

#[test]
fn a_step_sees_all_its_batches() {
    let mut config = RunConfig { model: VariantSpec::ChatTrm(spec()), ..RunConfig::default() };
    config.train.batch_size = 3;
    config.train.gradient_accumulation_steps = 5;
    assert_eq!(config.tokens_per_step(), 3 * 5 * 32);
}

/// A token of a chunk model is read once, and then two slots of it go through every
/// call, in blocks that see the context and the chunk's slots.
#[test]
fn chunks_cost_two_slots_of_every_token_in_every_call() {
    let mut config = RunConfig::of("chunk_lm").expect("a variant");
    config.model = VariantSpec::ChunkLm(ChunkLmSpec {
        hidden_size: 96,
        num_heads: 2,
        n_layers: 2,
        recursion_steps: 3,
        l_cycles: 2,
        block_size: 32,
        chunk_size: 4,
        ..ChunkLmSpec::default()
    });
    let seen = ATTENTION / 32.0;
    let read = 2.0 * (BLOCK + 32.0 * seen);
    let call = 2.0 * 2.0 * (BLOCK + 40.0 * seen);
    let whole = read + 3.0 * 3.0 * call + 3.0 * HEAD;
    assert_eq!(config.training_flops_per_token(65), 6.0 * whole);
    // Cut off, refinements before the last have no way back where they have no loss.
    config.train.objective = Objective::LastCycle;
    let whole = 6.0 * read + (6.0 + 2.0 + 2.0) * 3.0 * call + 6.0 * HEAD;
    assert_eq!(config.training_flops_per_token(65), whole);
}

#[test]
fn trm_lm_calls_its_network_once_more_than_it_has_inner_steps() {
    let mut config = RunConfig::of("trm_lm").expect("a variant");
    config.model = VariantSpec::TrmLm(TrmLmSpec {
        hidden_size: 96,
        num_heads: 2,
        n_layers: 2,
        recursion_steps: 3,
        l_cycles: 4,
        block_size: 32,
        ..TrmLmSpec::default()
    });
    let whole = 3.0 * 5.0 * 2.0 * (BLOCK + ATTENTION) + HEAD;
    assert_eq!(config.training_flops_per_token(65), 6.0 * whole);
}
