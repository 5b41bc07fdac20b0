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

/// Depths are capped one by one: of 1 to 8, each of at most four cycles has a way back.
#[test]
fn the_way_back_is_averaged_over_the_drawn_depths() {
    let mut config = RunConfig { model: VariantSpec::ChatTrm(spec()), ..RunConfig::default() };
    config.model.set_depth(8);
    config.train.depth_sampling = DepthSampling::Uniform;
    config.train.min_depth = 1;
    config.train.backprop_cycles = 4;
    let cycle = 2.0 * 2.0 * (BLOCK + ATTENTION);
    let back = (1.0 + 2.0 + 3.0 + 5.0 * 4.0) / 8.0;
    let expected = (4.5 + 2.0 * back) * cycle + 6.0 * HEAD;
    assert_eq!(config.training_flops_per_token(65), expected);
}

/// What fits must fit the deepest pass that is drawn.
#[test]
fn memory_is_that_of_the_deepest_drawn_pass() {
    let mut config = RunConfig { model: VariantSpec::ChatTrm(spec()), ..RunConfig::default() };
    let kept = |config: &RunConfig, depth, sampling, back| {
        let mut config = config.clone();
        config.model.set_depth(depth);
        config.train.depth_sampling = sampling;
        config.train.backprop_cycles = back;
        config.model.kept_bytes(&config.train, 65)
    };
    config.train.min_depth = 1;
    let (fixed, drawn) = (DepthSampling::Fixed, DepthSampling::LogNormal);
    assert_eq!(kept(&config, 8, drawn, 0), kept(&config, 32, fixed, 0));
    assert_eq!(kept(&config, 8, drawn, 4), kept(&config, 8, fixed, 4));
}

#[test]
fn a_step_sees_all_its_batches() {
    let mut config = RunConfig { model: VariantSpec::ChatTrm(spec()), ..RunConfig::default() };
    config.train.batch_size = 3;
    config.train.gradient_accumulation_steps = 5;
    assert_eq!(config.tokens_per_step(), 3 * 5 * 32);
}

/// A token of a chunk model is read once, and then two slots of it go through every
/// call, in blocks that see the context and the chunk's slots. The last block only projects
/// the second.
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
    let call = 3.0 * (BLOCK + 40.0 * seen) + (96 * 288) as f64;
    let whole = read + 3.0 * 3.0 * call + 3.0 * HEAD;
    assert_eq!(config.training_flops_per_token(65), 6.0 * whole);
    // Cut off, refinements before the last have no way back where they have no loss.
    config.train.objective = Objective::LastCycle;
    let whole = 6.0 * read + (6.0 + 2.0 + 2.0) * 3.0 * call + 6.0 * HEAD;
    assert_eq!(config.training_flops_per_token(65), whole);
    // A readout that sees two tokens adds a gated MLP from three widths to two to one.
    let VariantSpec::ChunkLm(spec) = &mut config.model else { unreachable!() };
    spec.readout_context = 2;
    let mlp = 2.0 * 96.0 * 96.0 * (3.0 * 4.0 + 2.0);
    assert_eq!(config.training_flops_per_token(65), whole + 3.0 * mlp);
    let VariantSpec::ChunkLm(spec) = &mut config.model else { unreachable!() };
    (spec.n_layers, spec.readout_context) = (1, 0);
    let [read, call] = [BLOCK + 32.0 * seen, BLOCK + 40.0 * seen + (96 * 288) as f64];
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
