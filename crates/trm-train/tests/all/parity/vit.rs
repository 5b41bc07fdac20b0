//! The ViT of Hugging Face.

use burn::tensor::{Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::Value;
use trm_core::{Engine, Recursive};
use trm_data::images::Preprocessing;
use trm_spec::Vocab;
use trm_train::HfVitOptions;
use trm_train::checkpoint::read_header;

use crate::support::fixtures::*;

#[test]
fn a_vit_has_its_hidden_states_and_logits() {
    for folder in vits() {
        let io = tensors(&bytes(folder.join("io.safetensors")));
        for checkpoint in converted(&folder, HfVitOptions::default()) {
            let (spec, _) = spec_of_vit(&checkpoint);
            for device in [Device::flex(), Device::flex().autodiff()] {
                let model = vit(&checkpoint, &device);
                let patches = patches(input(&io, "pixel_values", &device), spec.patch_size);
                let states = model.hidden_states(patches.clone(), spec.n_layers);
                assert_eq!(states.len(), spec.n_layers + 1);
                for (depth, state) in states.into_iter().enumerate() {
                    let name = format!("hidden_states.{depth}");
                    close(&name, &host(state.clone()), &io[&name].1, TOLERANCE);
                    // A head on top reads the same, without the final layer norm.
                    assert_eq!(host(model.features(patches.clone(), depth)), host(state));
                }
                let context = model.encode(&patches);
                let end = Engine::new(1).run(&model, &context, model.start(&context), |_, _| {});
                let logits = model.read(&end).logits;
                close("logits", &host(logits.clone()), &io["logits"].1, TOLERANCE);
                let rows = |weights: Tensor<4>| host(weights.sum_dim(3));
                for weights in model.attend(&context, &model.start(&context)) {
                    close(
                        "attention",
                        &rows(weights.clone()),
                        &vec![1.0; rows(weights).len()],
                        TOLERANCE,
                    );
                }
                if device.is_autodiff() {
                    gradients(&model, cross_entropy(logits, 1));
                }
            }
        }
    }
}

#[test]
fn a_vit_goes_back_to_the_naming_of_the_hub() {
    for folder in vits() {
        let saved = folder.join("hf_save_pretrained");
        let original = tensors(&bytes(saved.join("model.safetensors")));
        let preprocessor = r#"{"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.25]}"#;
        let ours = trm_train::hf_vit(
            &bytes(saved.join("model.safetensors")),
            &text(saved.join("config.json")),
            Some(preprocessor),
            HfVitOptions::default(),
            &Device::flex(),
        )
        .unwrap();
        let header = read_header(&ours).unwrap();
        assert_eq!(header.config.data.pixel_mean, [0.4, 0.5, 0.6]);
        assert_eq!(header.config.data.pixel_std, [0.2, 0.3, 0.25]);
        let back = trm_train::to_hf_vit(&ours).unwrap();
        assert_eq!(tensors(&back.weights), original);
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let (before, after) = (json(&text(saved.join("config.json"))), json(&back.config));
        for (key, value) in after.as_object().unwrap() {
            if !["encoder_stride", "initializer_range"].contains(&key.as_str()) {
                assert_eq!(Some(value), before.get(key), "{key}");
            }
        }
        assert_eq!(json(&back.preprocessor)["image_mean"], json(preprocessor)["image_mean"]);
        let (spec, _) = spec_of_vit(&ours);
        images_are_made_as_here(&ours, true, |size| {
            serde_json::json!({
                "crop_size": { "height": size, "width": size },
                "do_center_crop": true,
                "do_resize": true,
                "image_processor_type": "CLIPImageProcessor",
                "resample": 2,
                "size": { "shortest_edge": size },
            })
        });
        images_are_made_as_here(&ours, false, |size| {
            serde_json::json!({
                "do_resize": false,
                "image_processor_type": "ViTImageProcessor",
                "size": { "height": size, "width": size },
            })
        });
        assert_eq!(json(&back.preprocessor)["do_convert_rgb"], spec.num_channels == 3);
        // What was written is read again, to the same checkpoint.
        let again = trm_train::hf_vit(
            &back.weights,
            &back.config,
            Some(&back.preprocessor),
            HfVitOptions::default(),
            &Device::flex(),
        );
        let again = again.unwrap();
        assert_eq!(tensors(&again), tensors(&ours));
        assert_eq!(read_header(&again).unwrap().config, header.config);
    }
}

/// The preprocessor of `checkpoint`, if its run resizes images or not, has the entries of
/// `expected` for the size of the model, and is read as the preprocessing of such a run.
fn images_are_made_as_here(checkpoint: &[u8], resize: bool, expected: impl Fn(usize) -> Value) {
    let mut config = read_header(checkpoint).unwrap().config;
    config.data.resize = resize;
    let (_, metadata) = SafeTensors::read_metadata(checkpoint).unwrap();
    let mut pairs = metadata.metadata().clone().unwrap();
    pairs.insert("config".into(), serde_json::to_string(&config).unwrap());
    let file = SafeTensors::deserialize(checkpoint).unwrap();
    let file = safetensors::serialize(file.tensors(), Some(pairs)).unwrap();
    let written = trm_train::to_hf_vit(&file).unwrap().preprocessor;
    let (spec, _) = spec_of_vit(&file);
    let entries: Value = serde_json::from_str(&written).unwrap();
    for (key, value) in expected(spec.image_size).as_object().unwrap() {
        assert_eq!(&entries[key], value, "{key}");
    }
    assert_eq!(entries.get("do_center_crop").is_some(), resize);
    let read = Preprocessing::from_preprocessor_config(&written, spec.num_channels).unwrap();
    let new = if resize { Preprocessing::resizing } else { Preprocessing::new };
    let wanted = Preprocessing {
        mean: config.data.pixel_mean,
        std: config.data.pixel_std,
        ..new(spec.num_channels, spec.image_size)
    };
    assert_eq!(read, wanted);
}

#[test]
fn a_vit_can_be_cut_off_and_take_images_of_another_size() {
    let folder = vits().remove(0);
    let io = tensors(&bytes(folder.join("io.safetensors")));
    let device = Device::flex();
    let cut = HfVitOptions { depth: Some(1), image_size: None };
    for checkpoint in converted(&folder, cut) {
        let (spec, _) = spec_of_vit(&checkpoint);
        let patches = patches(input(&io, "pixel_values", &device), spec.patch_size);
        let features = vit(&checkpoint, &device).features(patches, 1);
        close("features", &host(features), &io["hidden_states.1"].1, TOLERANCE);
    }
    let whole = converted(&folder, HfVitOptions::default()).remove(0);
    let (spec, _) = spec_of_vit(&whole);
    let wider = HfVitOptions { depth: None, image_size: Some(2 * spec.image_size) };
    let wider = converted(&folder, wider).remove(0);
    let positions = |file: &[u8]| tensors(file)["embeddings.position_embeddings"].clone();
    let ((old_shape, old), (new_shape, new)) = (positions(&whole), positions(&wider));
    assert_eq!(new_shape[1], 4 * (old_shape[1] - 1) + 1);
    assert_eq!(new[..old_shape[2]], old[..old_shape[2]], "the class token's");
}

#[test]
fn a_vit_without_a_classifier_is_a_base() {
    let folder = vits().remove(0);
    let file = bytes(folder.join("weights.safetensors"));
    let file = SafeTensors::deserialize(&file).unwrap();
    // As `ViTModel` is saved: without the prefix and the classifier, with a pooler.
    let bare =
        file.tensors().into_iter().filter_map(|(name, view)| match name.strip_prefix("vit.") {
            Some(name) => Some((name.to_owned(), view)),
            None => (name == "classifier.bias").then_some(("pooler.dense.bias".to_owned(), view)),
        });
    let bare = safetensors::serialize(bare, None).unwrap();
    let config = text(folder.join("config.json"));
    let options = HfVitOptions::default();
    let checkpoint = trm_train::hf_vit(&bare, &config, None, options, &Device::flex()).unwrap();
    let io = tensors(&bytes(folder.join("io.safetensors")));
    let (spec, _) = spec_of_vit(&checkpoint);
    let patches = patches(input(&io, "pixel_values", &Device::flex()), spec.patch_size);
    let features = vit(&checkpoint, &Device::flex()).features(patches, spec.n_layers);
    let last = format!("hidden_states.{}", spec.n_layers);
    close("features", &host(features), &io[&last].1, TOLERANCE);
}

#[test]
fn classes_have_the_originals_names() {
    for checkpoint in converted(&vits()[0], HfVitOptions::default()) {
        let Vocab::Classes { names } = read_header(&checkpoint).unwrap().vocab else {
            panic!("classes")
        };
        assert_eq!(names[0], "LABEL_0");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = &vits()[0];
    let weights = bytes(folder.join("weights.safetensors"));
    let config: Value = serde_json::from_str(&text(folder.join("config.json"))).unwrap();
    let convert = |config: &Value, options: HfVitOptions| {
        trm_train::hf_vit(&weights, &config.to_string(), None, options, &Device::flex())
            .expect_err("refused")
            .message
    };
    let changed = |key: &str, value: Value| {
        let mut config = config.clone();
        config[key] = value;
        config
    };
    let plain = HfVitOptions::default();
    for (key, value, expected) in [
        ("model_type", Value::from("deit"), "deit"),
        ("hidden_act", Value::from("relu"), "hidden_act"),
        ("num_hidden_layers", Value::from(4), "layers.3"),
        ("patch_size", Value::from(7), "patch_size"),
        ("id2label", serde_json::json!({ "0": "one", "1": "two" }), "id2label"),
    ] {
        let message = convert(&changed(key, value), plain);
        assert!(message.contains(expected), "{message}");
    }
    let message = convert(&config, HfVitOptions { depth: Some(9), ..plain });
    assert!(message.contains("9 blocks"), "{message}");
    let message = convert(&config, HfVitOptions { image_size: Some(30), ..plain });
    assert!(message.contains("multiple"), "{message}");
}

/// Sizes of a configuration, and shapes, are checked before they are counted by.
#[test]
fn sizes_that_the_weights_do_not_have_are_refused() {
    let folder = &vits()[0];
    let weights = bytes(folder.join("weights.safetensors"));
    let config: Value = serde_json::from_str(&text(folder.join("config.json"))).unwrap();
    let file = SafeTensors::deserialize(&weights).unwrap();
    // The same file with another shape of a tensor, which is none where there is no shape.
    let reshaped = |end: &str, shape: Option<Vec<usize>>| {
        let zeros = vec![0_u8; 4 * shape.iter().flatten().product::<usize>()];
        let views = file.tensors().into_iter().filter_map(|(name, view)| {
            let view = match (&shape, name.ends_with(end)) {
                (_, false) => view,
                (None, true) => return None,
                (Some(shape), true) => {
                    TensorView::new(safetensors::Dtype::F32, shape.clone(), &zeros).unwrap()
                }
            };
            Some((name, view))
        });
        safetensors::serialize(views, None).unwrap()
    };
    let refused = |weights: &[u8], config: &Value, words: &str| {
        let options = HfVitOptions::default();
        let found = trm_train::hf_vit(weights, &config.to_string(), None, options, &Device::flex());
        let message = found.expect_err("refused").message;
        assert!(message.contains(words), "{message}");
    };
    let kernel = "embeddings.patch_embeddings.projection.weight";
    for (end, shape) in [
        (kernel, vec![]),
        (kernel, vec![1 << 30, 0]),
        ("classifier.weight", vec![]),
        ("classifier.weight", vec![1 << 40, 0]),
    ] {
        refused(&reshaped(end, Some(shape)), &config, &format!("`{end}` has shape"));
    }
    // Without a classifier or biases, zeros would be made of these sizes.
    let mut wide = config.clone();
    wide["hidden_size"] = (1_u64 << 50).into();
    wide["qkv_bias"] = false.into();
    for weights in [&weights, &reshaped("classifier.weight", None)] {
        refused(weights, &wide, "hidden_size");
    }
    // A size of images that was never there.
    let mut large = config.clone();
    let patch = large["patch_size"].as_u64().unwrap();
    large["image_size"] = (patch << 40).into();
    let options = HfVitOptions { image_size: Some(2 * patch as usize), ..HfVitOptions::default() };
    let found = trm_train::hf_vit(&weights, &large.to_string(), None, options, &Device::flex());
    assert!(found.expect_err("refused").message.contains("position_embeddings"));
}
