//! The settings of [`TrainSpec`](crate::TrainSpec).

use super::Setting;
use super::SettingKind::{Flag, Integer, Number, Numbers};
use crate::Family::{Images, Language, Puzzles, Questions};

const fn s(key: &'static str, kind: super::SettingKind, help: &'static str) -> Setting {
    Setting::new("train", key, kind, help)
}

const fn choice(
    key: &'static str,
    choices: &'static [&'static str],
    help: &'static str,
) -> Setting {
    Setting::choice("train", key, choices, help)
}

/// Largest seed that TOML, JSON and JavaScript all write down exactly.
const MAX_SEED: u64 = (1 << 53) - 1;

/// The highest decay rate of a moment: one that 32 bits do not round to 1.
const MAX_RATE: f64 = 0.999_999;

pub(crate) const SETTINGS: &[Setting] = &[
    s("batch_size", Integer, "Rows in a batch: sequences, puzzles, images or questions")
        .at_least(1)
        .live()
        .everyday(),
    s(
        "gradient_accumulation_steps",
        Integer,
        "Batches whose gradients are averaged into one update",
    )
    .at_least(1)
    .live(),
    s("max_iters", Integer, "Training steps").at_least(1).resumable().everyday(),
    s("learning_rate", Number, "Peak learning rate").within(0.0, 10.0).resumable().everyday(),
    s("min_lr", Number, "Final learning rate of the cosine schedule").within(0.0, 10.0).live(),
    choice(
        "lr_schedule",
        &["cosine", "constant"],
        "Learning rate after the warmup: cosine decay, or constant",
    )
    .live(),
    s("warmup_iters", Integer, "Steps of linear warmup").at_least(0).live().everyday(),
    s("lr_decay_iters", Integer, "Step at which the cosine decay ends; 0 means max_iters")
        .at_least(0)
        .resumable(),
    choice(
        "optimizer",
        &["adamw", "muon", "adam_atan2"],
        "AdamW; Muon for the matrices inside the blocks and AdamW for the rest; or AdamATan2 (official TRM)",
    )
    .everyday(),
    s("beta1", Number, "AdamW and AdamATan2: decay rate of the first moment")
        .within(0.0, MAX_RATE)
        .live(),
    s("beta2", Number, "AdamW and AdamATan2: decay rate of the second moment")
        .within(0.0, MAX_RATE)
        .live(),
    s("adam_eps", Number, "AdamW: epsilon, added to the root of the second moment")
        .within(1e-37, 1.0)
        .live(),
    s("weight_decay", Number, "Decoupled weight decay").within(0.0, 10.0).live().everyday(),
    choice(
        "decay",
        &["matrices", "all"],
        "Parameters with weight decay: matrices (nanoGPT), or all (Chat-TRM)",
    )
    .live(),
    choice(
        "loss_type",
        &["softmax", "stablemax"],
        "Probabilities in the loss: softmax, or stablemax (official TRM)",
    )
    .only(&[Puzzles]),
    choice(
        "supervision",
        &["carry", "unrolled"],
        "Supervision steps in an update: one, with the states carried to the next update (official TRM), or all of them",
    )
    .only(&[Puzzles]),
    s("halt_loss_weight", Number, "Weight of the halting loss")
        .within(0.0, 100.0)
        .only(&[Puzzles, Questions])
        .live(),
    s(
        "halt_exploration_prob",
        Number,
        "Probability, at each step, that a puzzle may not halt before a random number of steps",
    )
    .within(0.0, 1.0)
    .only(&[Puzzles])
    .live(),
    s("puzzle_emb_lr", Number, "Learning rate of the puzzle embedding (SignSGD)")
        .within(0.0, 10.0)
        .only(&[Puzzles])
        .live(),
    s("puzzle_emb_weight_decay", Number, "Weight decay of the puzzle embedding")
        .within(0.0, 10.0)
        .only(&[Puzzles])
        .live(),
    s("muon_momentum", Number, "Muon: momentum").within(0.0, MAX_RATE).live(),
    s(
        "ema_decay",
        Number,
        "Decay rate of the moving average of the weights, which is evaluated and saved; 0 disables it",
    )
    .within(0.0, 0.999_999_9)
    .live(),
    s("grad_clip", Number, "Maximum global gradient norm; 0 disables clipping")
        .within(0.0, 1e9)
        .live(),
    choice(
        "precision",
        &["f32", "bf16", "f16"],
        "Precision of matrix products in training; weights stay in f32",
    )
    .live()
    .everyday(),
    s(
        "gradient_checkpointing",
        Flag,
        "Recompute cycles in the backward pass: less memory, more time",
    )
    .only(&[Language])
    .resumable(),
    choice(
        "objective",
        &["last_cycle", "every_cycle"],
        "Loss at the last cycle only (Chat-TRM), or at every cycle, which makes every depth usable",
    )
    .only(&[Language, Images])
    .live()
    .everyday(),
    s(
        "cycle_weights",
        Numbers,
        "Loss weights of the cycles (every_cycle) or supervision steps (unrolled, questions); empty means equal (questions: 1, 2, 3, …)",
    )
    .live(),
    choice(
        "depth_sampling",
        &["fixed", "uniform", "log_normal"],
        "Depth of a training step: recursion_steps, uniform up to it, or log-normal around it",
    )
    .only(&[Language])
    .live(),
    s("min_depth", Integer, "Minimum sampled depth").at_least(1).only(&[Language]).live(),
    s("backprop_cycles", Integer, "Truncated backpropagation: number of final cycles with a gradient; 0 means all")
        .only(&[Language, Puzzles, Images])
        .live(),
    s(
        "detach_cycles",
        Flag,
        "Stop the gradient between cycles: each learns from its own loss (published chunk refinement)",
    )
    .only(&[Language])
    .live(),
    choice(
        "prediction",
        &["every_position", "last_position"],
        "Predict after every token, or only after the last token of padded rows of random length (TRM-LM)",
    )
    .only(&[Language])
    .live(),
    s("eval_interval", Integer, "Steps between validations").at_least(1).resumable().everyday(),
    s("save_interval", Integer, "Steps between saved states; 0 saves with every validation").resumable(),
    s("eval_iters", Integer, "Batches in a validation; 0 means the whole split")
        .at_least(0)
        .resumable()
        .cli_only(),
    s("save_top_k", Integer, "Number of best checkpoints to keep")
        .at_least(1)
        .resumable()
        .cli_only(),
    s(
        "early_stopping_patience",
        Integer,
        "Validations without improvement before training stops; 0 disables early stopping",
    )
    .resumable()
    .cli_only(),
    s("log_interval", Integer, "Steps between progress lines").at_least(1).resumable().cli_only(),
    s("sample_interval", Integer, "Steps between printed samples; 0 disables them")
        .only(&[Language])
        .resumable()
        .cli_only(),
    s("seed", Integer, "Random seed of the weights, batches, depths and dropout")
        .within(0.0, MAX_SEED as f64)
        .everyday(),
];
