//! Runs as bytes: nothing is lost on the way, and nothing wrong gets in.

use std::collections::HashMap;

use crate::support::kinds::chunk;
use crate::support::{TEXT, alone, model, start, text_source, tiny, wait};
use burn::tensor::Device;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use trm_spec::{DraftStart, Failure, FailureKind, Saved, VariantSpec};
use trm_train::{Run, checkpoint::read_header};

fn save(run: &dyn Run) -> Saved {
    wait(run.save(serde_json::json!({ "val_loss": 1.5 }))).unwrap()
}

fn load(saved: &Saved, text: Option<&str>) -> Box<dyn Run> {
    let text = text.map(text_source);
    trm_train::load(&saved.checkpoint, Some(&saved.optimizer), text.as_ref(), &Device::flex())
        .unwrap()
}

#[test]
fn an_interrupted_run_continues_as_if_it_had_not_been() {
    let mut config = tiny();
    model(&mut config).dropout = 0.1;
    config.train.depth_sampling = trm_spec::DepthSampling::Uniform;
    continues(&config);
}

#[test]
fn everything_that_training_remembers_is_restored() {
    let mut config = tiny();
    config.train.optimizer = trm_spec::Optimizer::Muon;
    config.train.ema_decay = 0.9;
    config.train.gradient_accumulation_steps = 2;
    config.train.gradient_checkpointing = true;
    config.train.depth_sampling = trm_spec::DepthSampling::LogNormal;
    config.train.backprop_cycles = 2;
    config.data.sampling = trm_spec::Sampling::Epochs;
    model(&mut config).dropout = 0.1;
    model(&mut config).state_update = trm_spec::StateUpdate::Gated;
    model(&mut config).input_injection = trm_spec::Injection::Adapter;
    continues(&config);
}

/// A live change lets a gradient reach the first state, which has then had fewer updates.
#[test]
fn updates_of_a_parameter_that_began_late_are_restored() {
    let mut config = tiny();
    config.train.backprop_cycles = 1;
    let mut run = start(&config);
    wait(run.steps(9)).unwrap();
    let times = |saved: &Saved| {
        let (_, header) = SafeTensors::read_metadata(&saved.optimizer).unwrap();
        header.metadata().clone().unwrap().remove("times")
    };
    assert_eq!(times(&save(run.as_ref())), None, "all that have moments have had all updates");
    config.train.backprop_cycles = 0;
    run.configure(&config).unwrap();
    wait(run.steps(2)).unwrap();
    let saved = save(run.as_ref());
    assert_eq!(times(&saved).as_deref(), Some(r#"{"z_init":2}"#));
    let mut again = load(&saved, Some(TEXT));
    assert_eq!(wait(again.steps(3)).unwrap(), wait(run.steps(3)).unwrap());
    let (found, expected) = (save(again.as_ref()), save(run.as_ref()));
    assert_eq!(weights(&found.checkpoint), weights(&expected.checkpoint));
    assert_eq!(weights(&found.optimizer), weights(&expected.optimizer));
}

/// A run that is saved and loaded on its way makes the same steps.
fn continues(config: &trm_spec::RunConfig) {
    let _alone = alone();
    let mut whole = start(config);
    let expected = wait(whole.steps(30)).unwrap();

    let mut first = start(config);
    let mut found = wait(first.steps(13)).unwrap();
    let mut second = load(&save(first.as_ref()), Some(TEXT));
    found.extend(wait(second.steps(17)).unwrap());
    assert_eq!(found, expected);
    let (found, expected) = (save(second.as_ref()), save(whole.as_ref()));
    assert_eq!(weights(&found.checkpoint), weights(&expected.checkpoint));
    assert_eq!(weights(&found.optimizer), weights(&expected.optimizer));
    assert_eq!(wait(second.evaluate(&[2], 0)).unwrap(), wait(whole.evaluate(&[2], 0)).unwrap());
}

/// Every tensor's bytes by name; the header's order of keys may differ.
fn weights(bytes: &[u8]) -> std::collections::BTreeMap<String, Vec<u8>> {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    tensors.tensors().into_iter().map(|(name, view)| (name, view.data().to_vec())).collect()
}

#[test]
fn the_header_tells_everything() {
    let mut run = start(&tiny());
    wait(run.steps(2)).unwrap();
    let header = read_header(&save(run.as_ref()).checkpoint).unwrap();
    assert_eq!(header.config, tiny());
    assert_eq!(header.vocab, run.summary().vocab);
    assert_eq!(header.step, 2);
    assert_eq!(header.metrics["val_loss"], 1.5);
}

#[test]
fn the_weights_are_under_the_published_names() {
    let saved = save(start(&tiny()).as_ref());
    let tensors = SafeTensors::deserialize(&saved.checkpoint).unwrap();
    for name in [
        "z_init",
        "embed_tokens.embedding_weight",
        "blocks.1.self_attn.qkv_proj.weight",
        "blocks.1.self_attn.o_proj.weight",
        "blocks.1.mlp.gate_up_proj.weight",
        "blocks.1.mlp.down_proj.weight",
        "lm_head.weight",
    ] {
        assert!(tensors.tensor(name).is_ok(), "{name}");
    }
    assert_eq!(tensors.tensor("blocks.0.self_attn.qkv_proj.weight").unwrap().shape(), [96, 32]);
}

#[test]
fn half_precision_files_load() {
    let run = start(&tiny());
    let saved = save(run.as_ref());
    for dtype in [Dtype::F16, Dtype::BF16] {
        let bytes = rewrite(&saved.checkpoint, |_, _, values| {
            let narrow = |x: &f32| match dtype {
                Dtype::F16 => burn::tensor::f16::from_f32(*x).to_le_bytes(),
                _ => burn::tensor::bf16::from_f32(*x).to_le_bytes(),
            };
            (dtype, values.iter().flat_map(narrow).collect())
        });
        let loaded =
            trm_train::load(&bytes, None, Some(&text_source(TEXT)), &Device::flex()).unwrap();
        let loss = |run: &dyn Run| wait(run.evaluate(&[2], 0)).unwrap()[0].loss;
        assert!((loss(loaded.as_ref()) - loss(run.as_ref())).abs() < 0.05);
    }
}

#[test]
fn a_model_without_its_text_can_be_asked_but_not_trained() {
    let saved = save(start(&tiny()).as_ref());
    let mut run = load(&saved, None);
    assert!(!run.summary().trainable);
    assert_eq!(wait(run.steps(1)).unwrap_err().kind, FailureKind::Data);
    assert_eq!(wait(run.evaluate(&[1], 0)).unwrap_err().kind, FailureKind::Data);
    assert!(run.writer().unwrap().encode("To be").is_ok());
}

#[test]
fn a_foreign_text_is_refused() {
    let saved = save(start(&tiny()).as_ref());
    let error = refusal(&saved.checkpoint, None, Some("Größe 123"));
    assert_eq!(error.kind, FailureKind::Data);
    assert!(error.message.contains('ö'), "{error}");
}

fn refusal(checkpoint: &[u8], optimizer: Option<&[u8]>, text: Option<&str>) -> Failure {
    match trm_train::load(checkpoint, optimizer, text.map(text_source).as_ref(), &Device::flex()) {
        Ok(_) => panic!("was accepted"),
        Err(failure) => {
            assert!(!failure.hint.is_empty());
            failure
        }
    }
}

fn refused(what: &str, bytes: &[u8], says: &str) {
    let failure = refusal(bytes, None, None);
    assert_eq!(failure.kind, FailureKind::Checkpoint, "{what}");
    assert!(failure.message.contains(says), "{what}: {failure}");
}

type Numbers = (Dtype, Vec<u8>);

/// The same file with other tensors.
fn rewrite(bytes: &[u8], change: impl Fn(&str, &[usize], Vec<f32>) -> Numbers) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let changed: Vec<(String, Vec<usize>, Numbers)> = tensors
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let values = view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
                .collect();
            let numbers = change(&name, view.shape(), values);
            (name, view.shape().to_vec(), numbers)
        })
        .collect();
    let views = changed.iter().map(|(name, shape, (dtype, bytes))| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, header.metadata().clone()).unwrap()
}

fn plain(values: Vec<f32>) -> Numbers {
    (Dtype::F32, values.iter().flat_map(|x| x.to_le_bytes()).collect())
}

/// The same file with another header.
fn relabel(bytes: &[u8], change: impl Fn(&mut HashMap<String, String>)) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let mut pairs = header.metadata().clone().unwrap();
    change(&mut pairs);
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    safetensors::serialize(tensors.tensors(), Some(pairs)).unwrap()
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let good = save(start(&tiny()).as_ref()).checkpoint;

    for length in [0, 7, 8, 100, good.len() / 2, good.len() - 1] {
        refused("truncated", &good[..length], "whole safetensors file");
    }
    refused("noise", &[0xA5; 4096], "whole safetensors file");
    // A header length that would take all memory.
    let mut huge = good.clone();
    huge[..8].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
    refused("huge header", &huge, "whole safetensors file");

    let no_format = relabel(&good, |pairs| drop(pairs.remove("format")));
    refused("no format", &no_format, "does not say");
    let other = relabel(&good, |pairs| drop(pairs.insert("format".into(), "gguf".into())));
    refused("other format", &other, "`gguf`");
    for key in ["config", "vocab", "step"] {
        let without = relabel(&good, |pairs| drop(pairs.remove(key)));
        refused("no key", &without, key);
        let wrong = relabel(&good, |pairs| drop(pairs.insert(key.into(), "{".into())));
        refused("wrong key", &wrong, key);
    }

    let nan = rewrite(&good, |name, _, mut values| {
        if name == "lm_head.weight" {
            values[17] = f32::NAN;
        }
        plain(values)
    });
    refused("NaN", &nan, "`lm_head.weight` holds NaN at position 17");
    let integers = rewrite(&good, |_, _, values| (Dtype::I32, plain(values).1));
    refused("integers", &integers, "F32");
}

#[test]
fn shapes_are_checked_before_anything_is_allocated() {
    let good = save(start(&tiny()).as_ref()).checkpoint;
    let resized = |width: usize| {
        relabel(&good, |pairs| {
            let mut config = tiny();
            model(&mut config).hidden_size = width;
            pairs.insert("config".into(), serde_json::to_string(&config).unwrap());
        })
    };
    refused("other width", &resized(16), "shape");
    refused("absurd width", &resized(2048), "but the file has only");
}

/// No tensor of the file says how large the tables of positions and masks may be.
#[test]
fn tables_are_checked_before_they_are_allocated() {
    let saved = save(start(&tiny()).as_ref()).checkpoint;
    let mut config = tiny();
    let spec = model(&mut config);
    (spec.block_size, spec.num_heads) = (1 << 24, 1);
    let with = |bytes: &[u8], config: &trm_spec::RunConfig| {
        relabel(bytes, |pairs| {
            pairs.insert("config".into(), serde_json::to_string(config).unwrap());
        })
    };
    refused("absurd context", &with(&saved, &config), "tables of 2.1 GB");
    // A longer context than the model was trained with is none of it.
    model(&mut config).block_size = 1 << 10;
    trm_train::load(&with(&saved, &config), None, None, &Device::flex()).unwrap();

    let mut config = chunk(4, DraftStart::Queries);
    let saved = save(start(&config).as_ref()).checkpoint;
    let VariantSpec::ChunkLm(spec) = &mut config.model else { unreachable!() };
    spec.block_size = 1 << 18;
    refused("absurd mask", &with(&saved, &config), "tables of 68.7 GB");
}

#[test]
fn the_optimizer_must_belong_to_the_model() {
    let mut run = start(&tiny());
    wait(run.steps(2)).unwrap();
    let early = save(run.as_ref());
    wait(run.steps(2)).unwrap();
    let late = save(run.as_ref());
    let error = refusal(&late.checkpoint, Some(&early.optimizer), None);
    assert!(error.message.contains("step 2") && error.message.contains("step 4"), "{error}");
    let error = refusal(&late.checkpoint, Some(&late.checkpoint), None);
    assert!(error.message.contains("trm-optim/1"), "{error}");
    let cut = &late.optimizer[..late.optimizer.len() - 3];
    assert_eq!(refusal(&late.checkpoint, Some(cut), None).kind, FailureKind::Checkpoint);
}
