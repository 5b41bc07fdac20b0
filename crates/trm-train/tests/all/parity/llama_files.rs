//! Files of decoders: other layouts of the same model, and what does not belong together.

use burn::tensor::Device;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use super::llama::{close, convert, decoders, logits, spec_of};
use crate::support::fixtures::{bytes, tensors, text};

/// The tensors of a file, changed and written again.
fn rewritten(file: &[u8], keep: impl Fn(&str) -> bool, add: &[(&str, &str)]) -> Vec<u8> {
    let file = SafeTensors::deserialize(file).unwrap();
    let kept = file.tensors().into_iter().filter(|(name, _)| keep(name));
    let added = add.iter().map(|(name, of)| ((*name).to_owned(), file.tensor(of).unwrap()));
    safetensors::serialize(kept.chain(added).collect::<Vec<(String, TensorView<'_>)>>(), None)
        .unwrap()
}

#[test]
fn other_layouts_of_the_same_model_give_the_same_numbers() {
    let folder = decoders().remove(0);
    let file = bytes(folder.join("model.safetensors"));
    let config: Value = serde_json::from_str(&text(folder.join("config.json"))).unwrap();
    let whole = convert(&folder);
    let row = [5u32, 1, 17, 23, 9];
    let wanted = logits(&whole, &row);
    let convert = |files: &[Vec<u8>], config: &Value| {
        trm_train::hf_llama(files, &config.to_string(), None, &Device::flex()).unwrap()
    };
    // The place of the rotary base in older files.
    let mut old = config.clone();
    let rope = old.as_object_mut().unwrap().remove("rope_parameters").unwrap();
    old["rope_theta"] = rope["rope_theta"].clone();
    let same = convert(std::slice::from_ref(&file), &old);
    assert!((tensors(&same), spec_of(&same)) == (tensors(&whole), spec_of(&whole)));
    old["rope_theta"] = json!(10.0);
    assert_ne!(logits(&convert(std::slice::from_ref(&file), &old), &row), wanted);
    // Two files.
    let first = |name: &str| name.contains("layers.0");
    let parts = [rewritten(&file, first, &[]), rewritten(&file, |name| !first(name), &[])];
    assert!(tensors(&convert(&parts, &config)) == tensors(&whole), "two files");
    // An output layer of its own, with the same numbers.
    let mut untied = config.clone();
    untied["tie_word_embeddings"] = json!(false);
    let head = [("lm_head.weight", "model.embed_tokens.weight")];
    let untied = convert(&[rewritten(&file, |_| true, &head)], &untied);
    assert!(!spec_of(&untied).0.tie_embeddings);
    assert_eq!(logits(&untied, &row), wanted);
}

#[test]
fn a_layer_without_rotary_positions_does_not_know_the_order() {
    let folder = decoders().remove(0);
    let file = bytes(folder.join("model.safetensors"));
    let mut config: Value = serde_json::from_str(&text(folder.join("config.json"))).unwrap();
    config["num_hidden_layers"] = json!(1);
    let file =
        rewritten(&file, |name| !name.contains("layers.") || name.contains("layers.0."), &[]);
    let mut ends = |no_rope: Value| {
        config["no_rope_layers"] = no_rope;
        let file = std::slice::from_ref(&file);
        let ours = trm_train::hf_llama(file, &config.to_string(), None, &Device::flex()).unwrap();
        // The attention of a position sums over a set, if nothing says where they are.
        [[5u32, 17, 9, 4], [9, 5, 17, 4]].map(|row| logits(&ours, &row).pop().unwrap())
    };
    let [one, other] = ends(json!([0]));
    close("in another order", &one, &other, 1e-5);
    let [one, other] = ends(json!([1]));
    assert!(one.iter().zip(&other).any(|(a, b)| (a - b).abs() > 1e-3), "with positions");
}

#[test]
fn a_tensor_that_a_device_does_not_hold_is_refused() {
    for folder in decoders() {
        let ours = convert(&folder);
        let bytes = |(_, numbers): &(_, Vec<f32>)| 4 * numbers.len() as u64;
        let largest = tensors(&ours).values().map(bytes).max().unwrap();
        let open = |buffer: u64| {
            let file = trm_train::BaseFile { name: "base", bytes: &ours };
            trm_train::open_decoder(file, &Device::flex(), Some(buffer)).map(drop)
        };
        open(largest).unwrap();
        let refused = open(largest - 1).unwrap_err();
        assert!(refused.message.contains("holds at most"), "{refused}");
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let folder = decoders().remove(0);
    let file = [bytes(folder.join("model.safetensors"))];
    let config: Value = serde_json::from_str(&text(folder.join("config.json"))).unwrap();
    let refused = |config: &Value, tokenizer: Option<&str>| {
        let error = trm_train::hf_llama(&file, &config.to_string(), tokenizer, &Device::flex());
        error.unwrap_err().message
    };
    let with = |key: &str, value: Value| {
        let mut config = config.clone();
        config[key] = value;
        refused(&config, None)
    };
    assert!(with("model_type", json!("gpt_neox")).contains("`gpt_neox`"));
    assert!(with("hidden_act", json!("gelu")).contains("`gelu`"));
    assert!(with("attention_bias", json!(true)).contains("biases"));
    assert!(with("rope_scaling", json!({"type": "yarn"})).contains("`yarn`"));
    assert!(with("no_rope_layers", json!([1])).contains("no_rope_layers"));
    assert!(with("num_hidden_layers", json!(9)).contains("layers.3"));
    assert!(with("num_key_value_heads", json!(4)).contains("num_kv_heads"));
    assert!(with("intermediate_size", json!(95)).contains("has shape"));
    let letters = |extra: usize| {
        let seen = (0u32..256).map(|byte| match byte {
            33..=126 | 161..=172 | 174..=255 => byte,
            0..=32 => 256 + byte,
            127..=160 => 256 + byte - 94,
            _ => 256 + 67,
        });
        let tokens = seen.map(|letter| char::from_u32(letter).unwrap().to_string());
        let more = (0..extra).map(|number| format!("<{number}>"));
        let vocab: serde_json::Map<String, Value> =
            tokens.chain(more).zip(0..).map(|(text, token)| (text, json!(token))).collect();
        json!({
            "model": { "type": "BPE", "vocab": vocab, "merges": [] },
            "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false },
        })
        .to_string()
    };
    let error = refused(&config, Some(&letters(0)));
    let rows = config["vocab_size"].as_u64().unwrap();
    assert!(error.contains("256 tokens") && error.contains(&format!("{rows} rows")), "{error}");
    assert!(refused(&config, Some("{")).contains("tokenizer.json"));
}
