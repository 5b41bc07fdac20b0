//! Decoders of the Llama architecture against numbers recorded from the original
//! program, for every recorded folder of their form. `TRM_FIXTURES` may name another
//! place. It has more than 400 lines because both recorded models are read and changed in the
//! same ways.

#[allow(dead_code, reason = "other models use the rest")]
#[path = "images_parity/support.rs"]
mod support;

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};
use support::{bytes, filled, host, root, tensors, text};
use trm_core::models::llama::Llama;
use trm_core::{Engine, Init, Recursive};
use trm_spec::{GenerateOptions, LlamaSpec, LlmTrmSpec, RunConfig, VariantSpec, Vocab};
use trm_train::checkpoint::read_header;
use trm_train::{Run, TraceRequest};

/// On the CPU a future is ready at once.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the CPU is never waited for"),
    }
}

/// Absolute.
const TOLERANCE: f32 = 1e-4;

fn decoders() -> Vec<PathBuf> {
    let found = support::fixtures("\"model_type\": \"llama\"").into_iter().filter(|folder| {
        let io = bytes(folder.join("io.safetensors"));
        let io = SafeTensors::deserialize(&io).unwrap();
        folder.join("model.safetensors").exists() && io.tensor("right.logits").is_ok()
    });
    let found: Vec<_> = found.collect();
    assert!(!found.is_empty(), "no decoder in {}", root().display());
    found
}

/// Whole numbers.
fn integers(file: &SafeTensors<'_>, name: &str) -> (Vec<usize>, Vec<i64>) {
    let view = file.tensor(name).unwrap();
    let number = |b: &[u8]| i64::from_le_bytes(b.try_into().unwrap());
    (view.shape().to_vec(), view.data().chunks_exact(8).map(number).collect())
}

fn close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) -> f32 {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "{what}: largest difference {worst:.1e}");
    worst
}

fn convert(folder: &Path) -> Vec<u8> {
    let weights = [bytes(folder.join("model.safetensors"))];
    trm_train::hf_llama(&weights, &text(folder.join("config.json")), None, &Device::flex()).unwrap()
}

fn spec_of(checkpoint: &[u8]) -> (LlamaSpec, usize) {
    let header = read_header(checkpoint).unwrap();
    let VariantSpec::Llama(spec) = header.config.model else { panic!("a decoder") };
    (spec, header.vocab.size())
}

fn model(checkpoint: &[u8], device: &Device) -> Llama {
    let (spec, vocab) = spec_of(checkpoint);
    filled(Llama::new(&spec, vocab, &mut Init::new(3, device)), checkpoint)
}

fn load(checkpoint: &[u8]) -> Box<dyn Run> {
    trm_train::load(checkpoint, None, None, &Device::flex()).unwrap()
}

/// Logits after each token of one row.
fn logits(checkpoint: &[u8], row: &[u32]) -> Vec<Vec<f32>> {
    let request =
        TraceRequest { tokens: vec![row.to_vec()], depth: 1, logits: true, ..Default::default() };
    let mut trace = block_on(load(checkpoint).trace(&request)).unwrap();
    trace.steps.remove(0).logits.unwrap().remove(0)
}

#[test]
fn a_decoder_has_its_hidden_states_and_logits() {
    for folder in decoders() {
        let (file, checkpoint) = (bytes(folder.join("io.safetensors")), convert(&folder));
        let (io, file) = (tensors(&file), SafeTensors::deserialize(&file).unwrap());
        let (spec, _) = spec_of(&checkpoint);
        let mut worst = [0f32; 2];
        for side in ["right", "left"] {
            let (shape, ids) = integers(&file, &format!("{side}.input_ids"));
            let (_, mask) = integers(&file, &format!("{side}.attention_mask"));
            for row in 0..shape[0] {
                let all = row * shape[1]..(row + 1) * shape[1];
                let real: Vec<usize> = all.filter(|at| mask[*at] == 1).collect();
                let row: Vec<i64> = real.iter().map(|at| ids[*at]).collect();
                let at_real = |name: &str| -> Vec<f32> {
                    let (shape, numbers) = &io[&format!("{side}.{name}")];
                    let width = shape[2];
                    real.iter().flat_map(|at| &numbers[at * width..][..width]).copied().collect()
                };
                for device in [Device::flex(), Device::flex().autodiff()] {
                    let model = model(&checkpoint, &device);
                    let data = TensorData::new(row.clone(), [1, row.len()]);
                    let tokens = Tensor::<2, Int>::from_data(data, &device);
                    let states = model.hidden_states(tokens.clone());
                    assert_eq!(states.len(), spec.n_layers + 1);
                    for (layer, state) in states.into_iter().enumerate() {
                        let mut name = format!("hidden.{layer}");
                        if layer == spec.n_layers {
                            let normed = host(model.normed(state.clone()));
                            let wanted = at_real(&format!("{name}_after_norm"));
                            close("after the norm", &normed, &wanted, TOLERANCE);
                            name.push_str("_before_norm");
                        }
                        let found = host(state);
                        worst[0] = worst[0].max(close(&name, &found, &at_real(&name), TOLERANCE));
                    }
                    let context = model.encode(&tokens);
                    let start = model.start(&context);
                    let end = Engine::new(1).run(&model, &context, start, |_, _| {});
                    let found = host(model.read(&end).logits);
                    worst[1] = worst[1].max(close("logits", &found, &at_real("logits"), TOLERANCE));
                }
            }
        }
        println!("{}: hidden {:.1e}, logits {:.1e}", folder.display(), worst[0], worst[1]);
    }
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
    block_on(stream.pull(count, false)).unwrap().tokens
}

#[test]
fn a_decoder_continues_with_its_cache_as_the_original_does() {
    use trm_train::{Generation, Overflow};
    for folder in decoders() {
        let file = bytes(folder.join("io.safetensors"));
        let file = SafeTensors::deserialize(&file).unwrap();
        let checkpoint = convert(&folder);
        let (shape, ids) = integers(&file, "right.input_ids");
        let (_, mask) = integers(&file, "right.attention_mask");
        for row in 0..shape[0] {
            let all = row * shape[1]..(row + 1) * shape[1];
            let prompt: Vec<u32> =
                all.filter(|at| mask[*at] == 1).map(|at| ids[at] as u32).collect();
            let (_, wanted) = integers(&file, &format!("greedy.row{row}"));
            let options = GenerateOptions {
                prompt: String::new(),
                depth: 1,
                draft_depth: 0,
                temperature: 0.0,
                top_k: 0,
                seed: 1,
                max_new_tokens: wanted.len(),
            };
            let vocab = Vocab::Plain { size: spec_of(&checkpoint).1 };
            let model = model(&checkpoint, &Device::flex());
            let mut stream = Generation::new(model, &vocab, prompt, &options, Overflow::Half);
            let found = block_on(trm_train::TextStream::pull(&mut stream, wanted.len(), false));
            let found: Vec<i64> = found.unwrap().tokens.into_iter().map(i64::from).collect();
            assert_eq!(found, wanted, "row {row}");
        }
    }
}

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

/// A decoder as a GGUF, with rows of queries and keys in pairs of neighbours.
fn gguf(checkpoint_of: &Path, f16: bool) -> Vec<u8> {
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
        key(&format!("llama.{name}"), 4, &size(of).to_le_bytes());
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
            numbers = halved.flat_map(|x| burn::tensor::f16::from_f32(x).to_le_bytes()).collect();
        }
        entries.extend(string(&theirs));
        entries.extend((view.shape().len() as u32).to_le_bytes());
        entries.extend(view.shape().iter().rev().flat_map(|size| (*size as u64).to_le_bytes()));
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
            let file = trm_train::BaseFile { name: "base", bytes };
            trm_train::open_decoder(file, &Device::flex(), None).unwrap()
        });
        assert_eq!(opened.summary().parameters, converted.summary().parameters);
        assert_ne!(opened.identity().sha256, converted.identity().sha256);
        assert_eq!(block_on(opened.weights()).unwrap(), block_on(converted.weights()).unwrap());
        // A question model takes its sizes from either.
        let questions = RunConfig {
            model: LlmTrmSpec { cut: 1, ..LlmTrmSpec::default() }.into(),
            ..RunConfig::default()
        };
        let [on_gguf, on_checkpoint] = [&file, &ours].map(|bytes| {
            trm_train::on_base(&questions, &trm_train::BaseFile { name: "base", bytes }).unwrap()
        });
        assert_eq!(on_gguf, on_checkpoint);
        let halves = trm_train::llama_gguf(&gguf(&folder, true), &Device::flex()).unwrap();
        for (name, (_, numbers)) in tensors(&halves) {
            close(&name, &numbers, &tensors(&ours)[&name].1, 2e-3);
        }
        let cut = trm_train::llama_gguf(&file[..file.len() - 40], &Device::flex()).unwrap_err();
        assert!(cut.message.contains("truncated"), "{cut}");
        let cut = trm_train::BaseFile { name: "base", bytes: &file[..file.len() - 40] };
        let refused = trm_train::open_decoder(cut, &Device::flex(), None).map(drop).unwrap_err();
        assert!(refused.message.contains("truncated"), "{refused}");
    }
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
            let mut step = block_on(run.trace(&request)).unwrap().steps.remove(0);
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
