//! Decoders as GGUF files: a small one that is written here, and pretrained models.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, f16};
use safetensors::SafeTensors;
use serde_json::Value;
use trm_spec::{GenerateOptions, LlmTrmSpec, RunConfig};
use trm_train::{BaseFile, Run, TraceRequest, on_base, open_decoder};

use super::llama::{close, convert, decoders, load, spec_of};
use crate::support::fixtures::{bytes, root, tensors, text};
use crate::support::wait;

/// A decoder as a GGUF, with rows of queries and keys in pairs of neighbours.
fn gguf(checkpoint_of: &Path, f16: bool) -> Vec<u8> {
    changed(checkpoint_of, f16, &|_, value| value, &|_, shape| shape)
}

/// [`gguf`] with other values of its keys, and other shapes of its tensors.
fn changed(
    checkpoint_of: &Path,
    f16: bool,
    value: &dyn Fn(&str, u32) -> u32,
    shape: &dyn Fn(&str, Vec<usize>) -> Vec<usize>,
) -> Vec<u8> {
    let file = bytes(checkpoint_of.join("model.safetensors"));
    let file = SafeTensors::deserialize(&file).unwrap();
    let config: Value = serde_json::from_str(&text(checkpoint_of.join("config.json"))).unwrap();
    let size = |key: &str| config[key].as_u64().unwrap() as u32;
    let string = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut keys = Vec::new();
    let mut count = 0u64;
    let mut key = |name: &str, kind: u32, value: &[u8]| {
        keys.extend([&string(name)[..], &kind.to_le_bytes(), value].concat());
        count += 1;
    };
    key("general.architecture", 8, &string("llama"));
    for (name, of) in [
        ("block_count", "num_hidden_layers"),
        ("context_length", "max_position_embeddings"),
        ("embedding_length", "hidden_size"),
        ("feed_forward_length", "intermediate_size"),
        ("attention.head_count", "num_attention_heads"),
        ("attention.head_count_kv", "num_key_value_heads"),
    ] {
        key(&format!("llama.{name}"), 4, &value(name, size(of)).to_le_bytes());
    }
    let theta = config["rope_parameters"]["rope_theta"].as_f64().unwrap() as f32;
    key("llama.rope.freq_base", 6, &theta.to_le_bytes());
    let eps = config["rms_norm_eps"].as_f64().unwrap();
    key("llama.attention.layer_norm_rms_epsilon", 12, &eps.to_le_bytes());
    let (mut entries, mut data, mut tensors) = (Vec::new(), Vec::new(), 0u64);
    for (name, view) in file.tensors() {
        let mut theirs = name.replace("model.", "").replace("layers.", "blk.");
        for (ours, part) in [
            ("self_attn.q_proj", "attn_q"),
            ("self_attn.k_proj", "attn_k"),
            ("self_attn.v_proj", "attn_v"),
            ("self_attn.o_proj", "attn_output"),
            ("input_layernorm", "attn_norm"),
            ("post_attention_layernorm", "ffn_norm"),
            ("mlp.gate_proj", "ffn_gate"),
            ("mlp.up_proj", "ffn_up"),
            ("mlp.down_proj", "ffn_down"),
            ("embed_tokens", "token_embd"),
        ] {
            theirs = theirs.replace(ours, part);
        }
        if theirs == "norm.weight" {
            theirs = "output_norm.weight".into();
        }
        let heads = match () {
            () if theirs.contains("attn_q.") => Some(size("num_attention_heads") as usize),
            () if theirs.contains("attn_k.") => Some(size("num_key_value_heads") as usize),
            () => None,
        };
        let width = view.shape()[view.shape().len() - 1];
        let mut numbers = view.data().to_vec();
        if let Some(heads) = heads {
            let rows: Vec<&[u8]> = view.data().chunks_exact(4 * width).collect();
            let half = rows.len() / heads / 2;
            let order = (0..rows.len()).map(|row| {
                let (head, at) = (row / (2 * half), row % (2 * half));
                rows[head * 2 * half + at % 2 * half + at / 2]
            });
            numbers = order.flatten().copied().collect();
        }
        let halves = f16 && view.shape().len() == 2;
        if halves {
            let number = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
            let halved = numbers.chunks_exact(4).map(number);
            numbers = halved.flat_map(|x| f16::from_f32(x).to_le_bytes()).collect();
        }
        entries.extend(string(&theirs));
        let shape = shape(&theirs, view.shape().to_vec());
        entries.extend((shape.len() as u32).to_le_bytes());
        entries.extend(shape.iter().rev().flat_map(|size| (*size as u64).to_le_bytes()));
        entries.extend(u32::from(halves).to_le_bytes());
        entries.extend((data.len() as u64).to_le_bytes());
        data.extend(numbers);
        data.resize(data.len().next_multiple_of(32), 0);
        tensors += 1;
    }
    let mut whole = b"GGUF".to_vec();
    whole.extend(3u32.to_le_bytes());
    whole.extend(tensors.to_le_bytes());
    whole.extend(count.to_le_bytes());
    whole.extend(keys);
    whole.extend(entries);
    whole.resize(whole.len().next_multiple_of(32), 0);
    whole.extend(data);
    whole
}

#[test]
fn a_gguf_gives_the_same_weights_and_bad_ones_are_refused() {
    for folder in decoders() {
        let ours = convert(&folder);
        let file = gguf(&folder, false);
        let found = trm_train::llama_gguf(&file, &Device::flex()).unwrap();
        assert!(tensors(&found) == tensors(&ours), "another order of the rows");
        assert_eq!(spec_of(&found), spec_of(&ours));
        // Opened as it is, it is the same model: whatever the header says.
        let [opened, converted] = [&file, &ours].map(|bytes| {
            let file = BaseFile { name: "base", bytes };
            open_decoder(file, &Device::flex(), None).unwrap()
        });
        assert_eq!(opened.summary().parameters, converted.summary().parameters);
        assert_ne!(opened.identity().sha256, converted.identity().sha256);
        assert_eq!(wait(opened.weights()).unwrap(), wait(converted.weights()).unwrap());
        // A question model takes its sizes from either.
        let questions = RunConfig {
            model: LlmTrmSpec { cut: 1, ..LlmTrmSpec::default() }.into(),
            ..RunConfig::default()
        };
        let [on_gguf, on_checkpoint] = [&file, &ours]
            .map(|bytes| on_base(&questions, &BaseFile { name: "base", bytes }).unwrap());
        assert_eq!(on_gguf, on_checkpoint);
        let halves = trm_train::llama_gguf(&gguf(&folder, true), &Device::flex()).unwrap();
        for (name, (_, numbers)) in tensors(&halves) {
            close(&name, &numbers, &tensors(&ours)[&name].1, 2e-3);
        }
        let cut = trm_train::llama_gguf(&file[..file.len() - 40], &Device::flex()).unwrap_err();
        assert!(cut.message.contains("truncated"), "{cut}");
        let cut = BaseFile { name: "base", bytes: &file[..file.len() - 40] };
        let refused = open_decoder(cut, &Device::flex(), None).map(drop).unwrap_err();
        assert!(refused.message.contains("truncated"), "{refused}");
    }
}

/// What a file says of sizes is refused before anything is allocated or counted by it.
#[test]
fn a_gguf_that_is_not_what_it_says_is_refused() {
    let folder = decoders().remove(0);
    let refused = |file: &[u8]| {
        let failure = trm_train::llama_gguf(file, &Device::flex()).unwrap_err();
        let base = BaseFile { name: "base", bytes: file };
        let opened = open_decoder(base, &Device::flex(), None).map(drop).unwrap_err();
        assert_eq!(opened.message, failure.message);
        failure.message
    };
    let keys = |change: &dyn Fn(&str, u32) -> u32| changed(&folder, false, change, &|_, s| s);
    let long = keys(&|name, value| match name {
        "context_length" => 1 << 24,
        "attention.head_count" | "attention.head_count_kv" => 1,
        _ => value,
    });
    assert!(refused(&long).contains("tables of 3.2 GB"), "{}", refused(&long));
    let deep = keys(&|name, value| if name == "block_count" { 1 << 24 } else { value });
    assert!(refused(&deep).contains("16777216 layers"), "{}", refused(&deep));
    // Tensors that are put below each other have rows.
    let scalar = changed(&folder, false, &|_, value| value, &|name, shape| {
        if name.contains("ffn_gate") || name.contains("ffn_up") { Vec::new() } else { shape }
    });
    assert!(refused(&scalar).contains("mlp.gate_up_proj"), "{}", refused(&scalar));
}

/// The most probable next tokens, one after the other.
fn greedy(run: &dyn Run, prompt: &str, count: usize) -> Vec<u32> {
    let options = GenerateOptions {
        prompt: prompt.into(),
        depth: 1,
        draft_depth: 0,
        temperature: 0.0,
        top_k: 0,
        seed: 1,
        max_new_tokens: count,
    };
    let mut stream = run.writer().unwrap().generate(&options).unwrap();
    wait(stream.pull(count, false)).unwrap().tokens
}

/// The recorded texts and prompts of pretrained models.
fn pretrained() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|path| path.join("tokenise.json").exists()).collect()
}

/// The GGUF that a folder is about: in it, or where `scripts/datasets.mjs` puts it.
fn weights(folder: &Path) -> Option<Vec<u8>> {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/smollm2");
    let files = [folder, &fetched].into_iter().flat_map(|place| {
        let entries = std::fs::read_dir(place).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path())
    });
    let found = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "gguf"));
    if found.is_none() {
        println!(
            "NOT TESTED: {} needs the model itself; run `node scripts/datasets.mjs smollm2`",
            folder.display()
        );
    }
    found.map(bytes)
}

#[test]
fn a_pretrained_model_reads_and_writes_as_recorded() {
    for folder in pretrained() {
        let Some(file) = weights(&folder) else { continue };
        let checkpoint = trm_train::llama_gguf(&file, &Device::flex()).unwrap();
        let run = load(&checkpoint);
        let ids = |value: &Value| -> Vec<u32> {
            value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
        };
        let texts: Value = serde_json::from_str(&text(folder.join("tokenise.json"))).unwrap();
        let texts = texts.as_array().unwrap();
        let vocab = run.summary().vocab;
        for recorded in texts {
            let text = recorded["text"].as_str().unwrap();
            let found = trm_data::encode(&vocab, text).unwrap();
            assert_eq!(found, ids(&recorded["ids"]), "{text:?}");
            assert_eq!(trm_data::decode(&vocab, &found), text);
        }
        println!("{} texts have their tokens", texts.len());
        let io = bytes(folder.join("io.safetensors"));
        let io = tensors(&io);
        let prompts: Value = serde_json::from_str(&text(folder.join("prompts.json"))).unwrap();
        for prompt in prompts.as_array().unwrap() {
            let name = prompt["name"].as_str().unwrap();
            let tokens = ids(&prompt["ids"]);
            let request = TraceRequest {
                tokens: vec![tokens.clone()],
                depth: 1,
                logits: true,
                top: 5,
                ..TraceRequest::default()
            };
            let mut step = wait(run.trace(&request)).unwrap().steps.remove(0);
            let logits = step.logits.take().unwrap().remove(0);
            let last = &logits[logits.len() - 1];
            let worst = close(name, last, &io[&format!("{name}.last_logits")].1, 2e-3);
            let best: Vec<u32> =
                step.top[0].last().unwrap().iter().map(|candidate| candidate.token).collect();
            assert_eq!(best, ids(&prompt["top5_ids"]), "{name}");
            let next: Vec<f32> =
                tokens[1..].iter().zip(&logits).map(|(id, row)| row[*id as usize]).collect();
            let next = close(name, &next, &io[&format!("{name}.logits_of_next")].1, 2e-3);
            let wanted = ids(&prompt["greedy"]);
            let margins = prompt["margins"].as_array().unwrap();
            let sure = margins.iter().take_while(|margin| margin.as_f64().unwrap() > 0.02).count();
            let start = std::time::Instant::now();
            let text = prompt["text"].as_str().unwrap();
            let found = greedy(run.as_ref(), text, wanted.len());
            println!(
                "{name}: logits {worst:.1e}, {next:.1e}; {sure} of {} tokens sure; {:.2} s",
                wanted.len(),
                start.elapsed().as_secs_f64()
            );
            assert_eq!(found[..sure], wanted[..sure], "{name}");
        }
    }
}
