//! The estimate of a step's memory against what `trm-native bench --peak-of SETTINGS`
//! measured, in megabytes: the peak of two steps on the CPU.

use serde_json::{Map, Value};
use trm_spec::{RunConfig, overlay};
use trm_train::StepMemory;

const NOTHING: &str = "{}";
const CHAT: &str = r#"{"variant": "chat_trm", "hidden_size": 128, "num_heads": 4, "n_layers": 2, "recursion_steps": 4, "block_size": 64, "objective": "every_cycle"}"#;
const TRM_LM: &str = r#"{"variant": "trm_lm", "hidden_size": 128, "num_heads": 4, "n_layers": 2, "recursion_steps": 3, "l_cycles": 6, "block_size": 64}"#;
const CHUNK: &str = r#"{"variant": "chunk_lm", "hidden_size": 128, "num_heads": 4, "n_layers": 2, "recursion_steps": 3, "l_cycles": 1, "block_size": 64, "chunk_size": 4, "draft_start": "last_token", "objective": "every_cycle"}"#;
const TRM: &str = r#"{"variant": "trm", "hidden_size": 128, "num_heads": 4, "n_layers": 2, "h_cycles": 2, "l_cycles": 3, "halt_max_steps": 16, "seq_len": 81, "mlp_t": true, "pos_encodings": "none", "puzzle_emb_ndim": 0, "puzzle_emb_len": 0, "expansion": 2.0}"#;
const VIT: &str = r#"{"variant": "vit", "image_size": 28, "patch_size": 4, "hidden_size": 64, "n_layers": 4, "num_heads": 4, "intermediate_size": 128}"#;
const TRM_VIT: &str = r#"{"variant": "trm_vit", "image_size": 28, "patch_size": 4, "vit_depth": 0, "hidden_size": 64, "inner_steps": 2, "outer_steps": 3, "alpha": 0.5, "objective": "every_cycle"}"#;

const LLAMA: &str = r#"{"variant": "llama", "hidden_size": 128, "n_layers": 4, "num_heads": 4, "num_kv_heads": 2, "intermediate_size": 384, "block_size": 64}"#;
/// On SmolLM2-135M, `trm-native train cups` with `--max-iters 2`: the peak of the process,
/// which reads the frozen decoder.
const CUPS: &str = r#"{"variant": "llm_trm", "cut": 24, "num_latents": 12, "window": 4, "hidden_size": 128, "h_cycles": 2, "l_cycles": 2, "supervision_steps": 3}"#;
const SMALL_LLAMA: &str = r#"{"variant": "llama", "hidden_size": 64, "n_layers": 2, "num_heads": 4, "num_kv_heads": 2, "intermediate_size": 192, "block_size": 64}"#;

/// A model, what is changed of it, its vocabulary, and the measured peak.
const MEASURED: [(&str, &str, usize, f64); 61] = [
    (CHAT, r#"{"batch_size": 4}"#, 65, 93.0),
    (CHAT, r#"{"batch_size": 32}"#, 65, 254.0),
    (CHAT, r#"{"batch_size": 4, "gradient_checkpointing": true}"#, 65, 87.0),
    (CHAT, r#"{"batch_size": 32, "gradient_checkpointing": true}"#, 65, 162.0),
    (CHAT, r#"{"hidden_size": 256, "num_heads": 8, "batch_size": 32}"#, 65, 403.0),
    (CHAT, r#"{"block_size": 256, "batch_size": 8}"#, 65, 254.0),
    (TRM_LM, r#"{"batch_size": 2}"#, 65, 133.0),
    (TRM_LM, r#"{"batch_size": 16}"#, 65, 563.0),
    (TRM_LM, r#"{"l_cycles": 2, "batch_size": 16}"#, 65, 290.0),
    (TRM_LM, r#"{"batch_size": 16, "gradient_checkpointing": true}"#, 65, 259.0),
    (CHUNK, r#"{"batch_size": 2}"#, 65, 143.0),
    (CHUNK, r#"{"batch_size": 16}"#, 65, 420.0),
    (CHUNK, r#"{"hidden_size": 64, "batch_size": 32}"#, 65, 508.0),
    (CHUNK, r#"{"batch_size": 16, "gradient_checkpointing": true}"#, 65, 230.0),
    (TRM, r#"{"batch_size": 4}"#, 11, 94.0),
    (TRM, r#"{"batch_size": 64}"#, 11, 577.0),
    (TRM, r#"{"hidden_size": 256, "batch_size": 16}"#, 11, 325.0),
    (TRM, r#"{"backprop_cycles": 0, "batch_size": 16}"#, 11, 302.0),
    (TRM, r#"{"mlp_t": false, "pos_encodings": "rope", "batch_size": 4}"#, 11, 92.0),
    (TRM, r#"{"mlp_t": false, "pos_encodings": "rope", "batch_size": 32}"#, 11, 232.0),
    (
        TRM,
        r#"{"hidden_size": 256, "num_heads": 8, "mlp_t": false, "pos_encodings": "rope", "batch_size": 16}"#,
        11,
        247.0,
    ),
    (
        TRM,
        r#"{"seq_len": 900, "mlp_t": false, "pos_encodings": "rope", "batch_size": 2}"#,
        6,
        188.0,
    ),
    (
        TRM,
        r#"{"seq_len": 16, "mlp_t": false, "pos_encodings": "rope", "batch_size": 64}"#,
        6,
        133.0,
    ),
    (VIT, r#"{"batch_size": 4}"#, 100, 48.0),
    (VIT, r#"{"batch_size": 128}"#, 100, 159.0),
    (VIT, r#"{"hidden_size": 128, "intermediate_size": 512, "batch_size": 64}"#, 100, 194.0),
    (
        NOTHING,
        r#"{"variant": "trm_vit", "hidden_size": 64, "inner_steps": 2, "outer_steps": 3, "alpha": 0.5, "objective": "every_cycle", "batch_size": 128, "image_size": 8, "patch_size": 2}"#,
        100,
        160.0,
    ),
    (CHAT, r#"{"hidden_size": 512, "num_heads": 8, "n_layers": 4, "batch_size": 4}"#, 65, 421.0),
    (TRM_VIT, r#"{"batch_size": 4}"#, 100, 55.0),
    (TRM_VIT, r#"{"batch_size": 128}"#, 100, 321.0),
    (TRM_VIT, r#"{"hidden_size": 128, "batch_size": 32}"#, 100, 199.0),
    (TRM_VIT, r#"{"inner_steps": 6, "batch_size": 32}"#, 100, 260.0),
    (TRM_VIT, r#"{"inner_steps": 6, "outer_steps": 6, "batch_size": 32}"#, 100, 392.0),
    (VIT, r#"{"n_layers": 8, "batch_size": 64}"#, 100, 159.0),
    (NOTHING, r#"{"variant": "trm", "batch_size": 16}"#, 11, 1006.0),
    (TRM, r#"{"halt_max_steps": 4, "supervision": "unrolled", "batch_size": 8}"#, 11, 127.0),
    (CHAT, r#"{"tokenizer": "gpt2", "batch_size": 8}"#, 50257, 936.0),
    (CHUNK, r#"{"l_cycles": 6, "batch_size": 4}"#, 65, 400.0),
    (
        NOTHING,
        r#"{"variant": "trm", "seq_len": 81, "puzzle_emb_ndim": 128, "puzzle_emb_len": 4, "hidden_size": 128, "num_heads": 4, "expansion": 2.0, "h_cycles": 2, "l_cycles": 3, "halt_max_steps": 8, "batch_size": 16}"#,
        11,
        152.0,
    ),
    (SMALL_LLAMA, r#"{"batch_size": 64}"#, 65, 115.0),
    (SMALL_LLAMA, r#"{"batch_size": 512}"#, 65, 505.0),
    (SMALL_LLAMA, r#"{"hidden_size": 32, "batch_size": 128}"#, 65, 153.0),
    (SMALL_LLAMA, r#"{"n_layers": 8, "intermediate_size": 768, "batch_size": 64}"#, 65, 539.0),
    (SMALL_LLAMA, r#"{"tokenizer": "gpt2", "batch_size": 16}"#, 50257, 633.0),
    (
        SMALL_LLAMA,
        r#"{"hidden_size": 192, "tie_embeddings": true, "tokenizer": "gpt2", "batch_size": 16}"#,
        50257,
        830.0,
    ),
    (
        SMALL_LLAMA,
        r#"{"tie_embeddings": true, "tokenizer": "gpt2", "batch_size": 4}"#,
        50257,
        256.0,
    ),
    (CUPS, r#"{"batch_size": 1}"#, 49153, 1267.0),
    (CUPS, r#"{"batch_size": 8}"#, 49153, 1376.0),
    (CUPS, r#"{"batch_size": 32}"#, 49153, 1757.0),
    (CUPS, r#"{"batch_size": 16, "cut": 12}"#, 49153, 1771.0),
    (CUPS, r#"{"batch_size": 16, "supervision_steps": 1}"#, 49153, 1323.0),
    (CUPS, r#"{"batch_size": 16, "num_latents": 24}"#, 49153, 1609.0),
    (CUPS, r#"{"batch_size": 16, "hidden_size": 256, "intermediate_size": 768}"#, 49153, 1566.0),
    (LLAMA, r#"{"batch_size": 64}"#, 65, 273.0),
    (LLAMA, r#"{"batch_size": 128}"#, 65, 472.0),
    (LLAMA, r#"{"batch_size": 128, "num_kv_heads": 4}"#, 65, 444.0),
    (LLAMA, r#"{"intermediate_size": 128, "batch_size": 128}"#, 65, 325.0),
    (LLAMA, r#"{"n_layers": 1, "batch_size": 64}"#, 65, 140.0),
    (LLAMA, r#"{"n_layers": 6, "batch_size": 64, "gradient_checkpointing": true}"#, 65, 369.0),
    (LLAMA, r#"{"block_size": 2048, "batch_size": 4}"#, 65, 500.0),
    (
        LLAMA,
        r#"{"hidden_size": 512, "num_heads": 8, "num_kv_heads": 8, "intermediate_size": 1536, "batch_size": 16}"#,
        65,
        444.0,
    ),
];

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).expect("an object")
}

/// The configuration of a model with changes, and its settings for people to read.
fn changed(model: &str, changes: &str) -> (RunConfig, String) {
    let mut settings = object(model);
    settings.extend(object(changes));
    let shown = format!("{settings:?}");
    (overlay(&RunConfig::default(), &Value::Object(settings)).expect("settings"), shown)
}

#[test]
fn the_estimate_is_within_fifteen_percent_of_what_was_measured() {
    let mut wrong = Vec::new();
    for (model, changes, vocab, peak) in MEASURED {
        let (config, shown) = changed(model, changes);
        let estimate = StepMemory::of(&config, vocab).rows(config.train.batch_size) / 1e6;
        if !(0.85..=1.15).contains(&(estimate / peak)) {
            wrong.push(format!("{estimate:.0} MB for {peak} MB of {shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tables of positions and masks, counted by hand: four bytes for each number.
#[test]
fn tables_are_part_of_the_estimate() {
    for (model, changes, bytes) in [
        (CHAT, r#"{"block_size": 4096}"#, 4 * 4096 * 32),
        (TRM_LM, r#"{"block_size": 4096}"#, 4 * 4096 * 32),
        (CHUNK, r#"{"block_size": 4096}"#, 4 * (4097 * 32 + 1024 * 4096)),
        (LLAMA, r#"{"block_size": 4096}"#, 4 * 4096 * 32),
        (LLAMA, r#"{"block_size": 4096, "no_rope_layers": [1]}"#, 2 * 4 * 4096 * 32),
        (TRM, NOTHING, 0),
        (TRM, r#"{"mlp_t": false, "pos_encodings": "learned"}"#, 4 * 81 * 32),
        (TRM_VIT, NOTHING, 0),
        (TRM_VIT, r#"{"mixing": "attention"}"#, 4 * 50 * 16),
    ] {
        let (config, shown) = changed(model, changes);
        assert_eq!(config.model.table_bytes(), bytes, "{shown}");
    }
    let fixed = |changes: &str| StepMemory::of(&changed(CHAT, changes).0, 65).rows(0);
    let longer = fixed(r#"{"block_size": 4096}"#) - fixed(r#"{"block_size": 1024}"#);
    assert_eq!(longer, f64::from(4 * (4096 - 1024) * 32));
}
