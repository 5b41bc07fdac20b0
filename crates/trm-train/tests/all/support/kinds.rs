//! Every kind of model that writes text, small, as tests of all of them take it.

use burn::tensor::Device;
use trm_core::{Autoregressive, Init};

use trm_core::models::chat_trm::ChatTrm;
use trm_core::models::chunk_lm::ChunkLm;
use trm_core::models::llama::Llama;
use trm_core::models::trm_lm::TrmLm;
use trm_spec::{
    ChunkLmSpec, DraftStart, Injection, LlamaSpec, RunConfig, StateStart, StateUpdate, TrainSpec,
    TrmLmSpec, VariantSpec,
};
use trm_train::LanguageTask;

use super::{model, tiny};

/// Tokens of the models that [`Check`] is given.
pub const VOCAB: usize = 30;

/// Makes the task that trains a model at a depth.
pub type Tasks<'a, M> = &'a dyn Fn(usize, &TrainSpec) -> LanguageTask<M>;

/// A test of one model, whatever its type.
pub trait Check {
    fn check<M: Autoregressive>(
        &mut self,
        config: &RunConfig,
        build: &dyn Fn(&Device) -> M,
        task: Tasks<'_, M>,
    );
}

/// Every way in which a causal model treats its input and its state.
fn causal() -> Vec<RunConfig> {
    let mut kinds = Vec::new();
    for injection in [Injection::Add, Injection::Adapter] {
        for update in [StateUpdate::Replace, StateUpdate::Gated] {
            let mut config = tiny();
            model(&mut config).input_injection = injection;
            model(&mut config).state_update = update;
            kinds.push(config);
        }
    }
    kinds
}

/// A chunk model that drafts `chunk_size` tokens from `draft_start`.
pub fn chunk(chunk_size: usize, draft_start: DraftStart) -> RunConfig {
    let mut config = tiny();
    config.model = VariantSpec::ChunkLm(ChunkLmSpec {
        hidden_size: 32,
        num_heads: 2,
        n_layers: 2,
        recursion_steps: 2,
        l_cycles: 2,
        block_size: 16,
        chunk_size,
        draft_start,
        ..ChunkLmSpec::default()
    });
    config.train.objective = trm_spec::Objective::EveryCycle;
    config.train.detach_cycles = true;
    config
}

/// A chunk model with a matrix of its own to read out with.
fn untied() -> RunConfig {
    let mut config = chunk(4, DraftStart::Queries);
    let VariantSpec::ChunkLm(spec) = &mut config.model else { unreachable!() };
    spec.tie_embeddings = false;
    spec.n_layers = 1;
    config
}

/// A chunk model whose readout sees `tokens` tokens before a position.
fn reading(chunk_size: usize, tokens: usize, draft_start: DraftStart) -> RunConfig {
    let mut config = chunk(chunk_size, draft_start);
    let VariantSpec::ChunkLm(spec) = &mut config.model else { unreachable!() };
    spec.readout_context = tokens;
    config
}

/// A TRM-LM.
pub fn last_token(state_start: StateStart, alpha: f64, learnable_alpha: bool) -> RunConfig {
    let mut config = tiny();
    config.model = VariantSpec::TrmLm(TrmLmSpec {
        hidden_size: 32,
        num_heads: 2,
        n_layers: 2,
        recursion_steps: 2,
        l_cycles: 2,
        block_size: 16,
        alpha,
        learnable_alpha,
        state_start,
        ..TrmLmSpec::default()
    });
    config
}

/// A decoder whose query heads share key and value heads, and whose second layer has no
/// rotary positions.
pub fn decoder(tie_embeddings: bool) -> RunConfig {
    let mut config = tiny();
    config.model = VariantSpec::Llama(LlamaSpec {
        hidden_size: 32,
        n_layers: 2,
        num_heads: 4,
        num_kv_heads: 2,
        intermediate_size: 48,
        block_size: 16,
        tie_embeddings,
        no_rope_layers: vec![1.0],
        ..LlamaSpec::default()
    });
    config
}

/// The depth to run a model at: `wanted`, where it has a recursion.
pub fn depth(config: &RunConfig, wanted: usize) -> usize {
    if config.model.depth_key().is_some() { wanted } else { 1 }
}

/// Every kind, but for the one that shows the leak.
pub fn honest() -> Vec<RunConfig> {
    let mut kinds = causal();
    kinds.extend([
        chunk(4, DraftStart::Queries),
        chunk(4, DraftStart::LastToken),
        chunk(1, DraftStart::Queries),
        chunk(16, DraftStart::LastToken),
        untied(),
        reading(4, 2, DraftStart::LastToken),
        reading(4, 1, DraftStart::Queries),
        reading(16, 3, DraftStart::LastToken),
        last_token(StateStart::Normal, 0.0, false),
        last_token(StateStart::Learned, 0.3, false),
        last_token(StateStart::Zero, 0.0, true),
        decoder(true),
        decoder(false),
    ]);
    kinds
}

/// Every kind.
pub fn all() -> Vec<RunConfig> {
    let mut kinds = honest();
    kinds.push(chunk(4, DraftStart::Targets));
    kinds
}

/// Gives `check` the model of each configuration.
pub fn for_each(kinds: Vec<RunConfig>, check: &mut impl Check) {
    for config in kinds {
        match &config.model {
            VariantSpec::ChatTrm(spec) => check.check(
                &config,
                &|device| ChatTrm::new(spec, VOCAB, &mut Init::new(5, device)),
                &LanguageTask::new,
            ),
            VariantSpec::ChunkLm(spec) => check.check(
                &config,
                &|device| ChunkLm::new(spec, VOCAB, &mut Init::new(5, device)),
                &match spec.draft_start {
                    DraftStart::Targets => LanguageTask::leak_demo as fn(_, &_) -> _,
                    _ => LanguageTask::new,
                },
            ),
            VariantSpec::TrmLm(spec) => check.check(
                &config,
                &|device| TrmLm::new(spec, VOCAB, &mut Init::new(5, device)),
                &LanguageTask::new,
            ),
            VariantSpec::Llama(spec) => check.check(
                &config,
                &|device| Llama::new(spec, VOCAB, &mut Init::new(5, device)),
                &LanguageTask::new,
            ),
            _ => unreachable!("it writes no text"),
        }
    }
}
