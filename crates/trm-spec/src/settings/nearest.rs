//! The known name that is nearest to a wrong one.

use super::SETTINGS;

/// The known setting whose name is closest to `key`, if any is close.
pub fn nearest(key: &str) -> Option<&'static str> {
    let key = key.replace('-', "_");
    let usual = OTHERS.iter().find(|(other, _)| key.eq_ignore_ascii_case(other));
    match usual {
        Some((_, own)) => Some(*own),
        None => closest(&key, SETTINGS.iter().map(|setting| setting.key)),
    }
}

/// What other programs call settings.
const OTHERS: [(&str, &str); 30] = [
    ("n_embd", "hidden_size"),
    ("d_model", "hidden_size"),
    ("dim", "hidden_size"),
    ("embed_dim", "hidden_size"),
    ("width", "hidden_size"),
    ("n_head", "num_heads"),
    ("n_heads", "num_heads"),
    ("num_attention_heads", "num_heads"),
    ("n_layer", "n_layers"),
    ("num_layers", "n_layers"),
    ("num_hidden_layers", "n_layers"),
    ("l_layers", "n_layers"),
    ("layers", "n_layers"),
    ("context_length", "block_size"),
    ("seq_length", "block_size"),
    ("max_seq_len", "block_size"),
    ("n_ctx", "block_size"),
    ("lr", "learning_rate"),
    ("global_batch_size", "batch_size"),
    ("per_device_train_batch_size", "batch_size"),
    ("steps", "max_iters"),
    ("max_steps", "max_iters"),
    ("num_steps", "max_iters"),
    ("iterations", "max_iters"),
    ("epochs", "max_iters"),
    ("num_train_epochs", "max_iters"),
    ("warmup_steps", "warmup_iters"),
    ("lr_warmup_steps", "warmup_iters"),
    ("max_grad_norm", "grad_clip"),
    ("lr_decay_steps", "lr_decay_iters"),
];

/// The word of `known` that is closest to `word`, if any is close.
pub fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(name, word), name))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
