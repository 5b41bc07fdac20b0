//! Image classifiers: training on digits, saving, scoring, and frozen bases.

use burn::tensor::Device;
use serde_json::Value;
use trm_data::Dataset;
use trm_data::images::{Features, ImageSplit};
use trm_spec::{
    DataSource, FailureKind, ImageInput, Mixing, RunConfig, StateStart, TrmVitSpec, VitSpec,
};
use trm_train::checkpoint::read_header;
use trm_train::{BaseFile, ClassifyRequest, ImageScoring, Run};

use crate::support::wait;

fn small() -> TrmVitSpec {
    TrmVitSpec { hidden_size: 16, inner_steps: 2, outer_steps: 2, ..TrmVitSpec::default() }
}

fn plain() -> VitSpec {
    VitSpec {
        hidden_size: 16,
        n_layers: 2,
        num_heads: 2,
        intermediate_size: 32,
        ..VitSpec::default()
    }
}

fn config(model: impl Into<trm_spec::VariantSpec>) -> RunConfig {
    let model = model.into();
    let mut config = RunConfig::of(model.name()).expect("a model");
    config.model = model;
    config.train.batch_size = 16;
    config.train.warmup_iters = 2;
    config.train.learning_rate = 5e-3;
    config.train.max_iters = 200;
    config
}

fn digits(config: &RunConfig) -> Dataset {
    Dataset::load(&DataSource::Named, config, None).expect("the digits")
}

fn fresh(config: &RunConfig) -> Box<dyn Run> {
    trm_train::create(config, digits(config), &Device::flex()).expect("a run")
}

fn scoring(images: usize, outer_steps: usize) -> ImageScoring {
    ImageScoring { split: ImageSplit::Val, images, inner_steps: 0, outer_steps }
}

/// Configurations that differ in what they compute.
fn kinds() -> Vec<RunConfig> {
    let head = small();
    vec![
        config(head.clone()),
        config(TrmVitSpec { mixing: Mixing::Attention, num_heads: 2, ..head.clone() }),
        config(TrmVitSpec { residual: true, n_layers: 2, ..head.clone() }),
        config(TrmVitSpec {
            learnable_alpha: false,
            state_start: StateStart::Learned,
            ..head.clone()
        }),
        config(TrmVitSpec { state_start: StateStart::Zero, ..head }),
        config(plain()),
    ]
}

#[test]
fn every_kind_of_classifier_learns_digits() {
    for config in kinds() {
        let mut run = fresh(&config);
        let before =
            wait(run.classifier().expect("one").evaluate_images(&scoring(0, 0), &mut |_, _| ()));
        let before = before.expect("scores").steps.last().expect("a step").loss;
        assert!((before - 10f64.ln()).abs() < 1.0, "{:?} starts at {before}", config.model);
        wait(run.steps(80)).expect("steps");
        let scores =
            wait(run.classifier().expect("one").evaluate_images(&scoring(0, 0), &mut |_, _| ()));
        let scores = scores.expect("scores");
        let last = scores.steps.last().expect("a step");
        assert!(last.loss < before - 0.2, "{:?}: {last:?}", config.model);
        // Attention without a residual path learns slowly: every position sees the same.
        let slow = matches!(&config.model, trm_spec::VariantSpec::TrmVit(spec)
            if spec.mixing == Mixing::Attention);
        assert!(last.top1 > if slow { 0.15 } else { 0.3 }, "{:?}: {last:?}", config.model);
        assert!(last.top5 >= last.top1);
        // The table of confusions and the list of mistakes tell the same.
        let total: usize = scores.confusion.iter().flatten().sum();
        let right: usize = (0..10).map(|class| scores.confusion[class][class]).sum();
        assert_eq!((total, scores.images), (179, 179));
        assert_eq!(scores.mistakes.len(), total - right);
        assert_eq!(last.top1, right as f64 / total as f64);
    }
}

/// One update moves every trained number's tensor, but no fixed start.
#[test]
fn gradients_reach_every_parameter() {
    for config in kinds() {
        let mut run = fresh(&config);
        let bytes = |run: &dyn Run| wait(run.save(Value::Null)).expect("saved").checkpoint;
        let before = bytes(run.as_ref());
        // Two steps: gradients of what lies behind a layer that starts at zero come later.
        wait(run.steps(3)).expect("steps");
        let after = bytes(run.as_ref());
        let [before, after] = [&before, &after]
            .map(|bytes| safetensors::SafeTensors::deserialize(bytes).expect("a checkpoint"));
        for (name, old) in before.tensors() {
            let same = old.data() == after.tensor(&name).expect("the same names").data();
            let fixed = config.model.name() == "trm_vit" && name.ends_with("_init");
            let learned = matches!(&config.model, trm_spec::VariantSpec::TrmVit(spec)
                if spec.state_start == StateStart::Learned);
            assert_eq!(same, fixed && !learned, "{name} of {:?}", config.model);
        }
    }
}

#[test]
fn a_resumed_run_goes_on_bit_equal() {
    for mut config in kinds() {
        config.data.random_crop = 1;
        config.train.ema_decay = 0.9;
        let mut unbroken = fresh(&config);
        wait(unbroken.steps(3)).expect("steps");
        let saved = wait(unbroken.save(Value::Null)).expect("saved");
        let expected = wait(unbroken.steps(3)).expect("steps");
        let mut resumed = trm_train::load(
            &saved.checkpoint,
            Some(&saved.optimizer),
            Some(&DataSource::Named),
            &Device::flex(),
        )
        .expect("loads");
        assert_eq!(wait(resumed.steps(3)).expect("steps"), expected);
        let of = |run: &dyn Run| wait(run.save(Value::Null)).expect("saved");
        let (resumed, unbroken) = (of(resumed.as_ref()), of(unbroken.as_ref()));
        for (resumed, unbroken) in
            [(resumed.checkpoint, unbroken.checkpoint), (resumed.optimizer, unbroken.optimizer)]
        {
            let [resumed, unbroken] = [&resumed, &unbroken]
                .map(|bytes| safetensors::SafeTensors::deserialize(bytes).expect("a file"));
            for (name, tensor) in unbroken.tensors() {
                let same = resumed.tensor(&name).expect("the same names").data() == tensor.data();
                assert!(same, "{name} of {:?}", config.model);
            }
        }
    }
}

/// Evaluation and classification are the same computation, and repeat exactly.
#[test]
fn classification_agrees_with_the_scores() {
    let mut run = fresh(&config(small()));
    wait(run.steps(20)).expect("steps");
    let classifier = run.classifier().expect("one");
    let scores = wait(classifier.evaluate_images(&scoring(20, 5), &mut |_, _| ())).expect("scores");
    assert_eq!(scores.steps.len(), 5);
    let mut right = 0;
    // The twenty are spread over the split, in which images of a class lie together.
    for index in (0..20).map(|number| number * 179 / 20) {
        let input = ImageInput::Stored { split: ImageSplit::Val, index };
        let found = wait(classifier.classify(&input, 0, 5)).expect("a class");
        assert_eq!(found.steps.len(), 5);
        let label = found.image.label.expect("known");
        let last = &found.steps[4];
        assert_eq!((last.prob.len(), last.moved.len(), last.attention.len()), (10, 16, 0));
        assert!((last.prob.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let wrong = scores.mistakes.iter().find(|mistake| mistake.index == index);
        assert_eq!(wrong.map_or(label, |mistake| mistake.predicted), last.argmax);
        right += usize::from(wrong.is_none());
        let again = wait(classifier.classify(&input, 0, 5)).expect("a class");
        assert_eq!(again, found);
        // More inner steps are another computation.
        let other = wait(classifier.classify(&input, 4, 5)).expect("a class");
        assert_ne!(other.steps[4].logits, last.logits);
    }
    assert_eq!(scores.steps[4].top1, right as f64 / 20.0);
    let beyond = ImageInput::Stored { split: ImageSplit::Val, index: 179 };
    let refused = wait(classifier.classify(&beyond, 0, 1)).expect_err("no such image");
    assert_eq!(refused.kind, FailureKind::Image);
    // A model without a recursion has one depth.
    let refused = wait(fresh(&config(plain())).evaluate(&[2], 0)).expect_err("no such depth");
    assert_eq!(refused.kind, FailureKind::Config);
}

/// Less than an image is an image, not all of them.
#[test]
fn few_tokens_are_one_image() {
    let run = fresh(&config(small()));
    let scored = |tokens| wait(run.evaluate(&[2], tokens)).expect("scores")[0].loss;
    assert_eq!(scored(1), scored(16));
    assert_ne!(scored(1), scored(0));
}

/// A drawing becomes the same pixels as an image of the data.
#[test]
fn drawings_and_pictures_are_read() {
    let run = fresh(&config(small()));
    let classifier = run.classifier().expect("one");
    let mut bitmap = vec![0; 32 * 32];
    bitmap[..16].fill(1);
    let input = ImageInput::Drawing { bitmap: bitmap.clone() };
    let found = wait(classifier.classify(&input, 0, 0)).expect("a class");
    assert_eq!(found.image.pixels[..8], [64, 64, 64, 64, 0, 0, 0, 0]);
    assert_eq!(found.steps.len(), 2);
    for bitmap in [vec![], vec![1; 5]] {
        let refused = wait(classifier.classify(&ImageInput::Drawing { bitmap }, 0, 0));
        assert_eq!(refused.expect_err("no drawing").kind, FailureKind::Image);
    }
    let rgba = [255, 255, 255, 255].repeat(20 * 30);
    let picture = ImageInput::Picture { width: 20, height: 30, rgba };
    let found = wait(classifier.classify(&picture, 0, 0)).expect("a class");
    assert_eq!(found.image.pixels, [255; 64]);
    let cut = ImageInput::Picture { width: 20, height: 30, rgba: vec![0; 7] };
    wait(classifier.classify(&cut, 0, 0)).expect_err("too few bytes");
}

#[test]
fn heads_name_their_frozen_base_and_leave_its_weights_out() {
    let device = Device::flex();
    let mut vit = fresh(&config(plain()));
    wait(vit.steps(5)).expect("steps");
    let bytes = wait(vit.export(Value::Null)).expect("exported");
    let base = BaseFile { name: "vit.safetensors", bytes: &bytes };
    let config = config(small());
    let config = trm_train::on_base(&config, &base).expect("fits");
    let mut run =
        trm_train::create_on(&config, digits(&config), Some(base), &device).expect("a run");
    let reports = wait(run.steps(3)).expect("steps");
    assert!(reports.iter().all(|report| report.loss.is_finite()));
    let saved = wait(run.save(Value::Null)).expect("saved");
    let header = read_header(&saved.checkpoint).expect("a header");
    assert_eq!(header.base.as_ref(), Some(&base.identity()));
    assert!(saved.checkpoint.len() < bytes.len() + 4 * run.summary().parameters);

    let open =
        |base| trm_train::load_on(&saved.checkpoint, None, Some(digits(&config)), base, &device);
    let same = open(Some(base)).expect("opens");
    let scores = |run: &dyn Run| {
        wait(run.classifier().expect("one").evaluate_images(&scoring(30, 3), &mut |_, _| ()))
    };
    assert_eq!(scores(same.as_ref()).expect("scores"), scores(run.as_ref()).expect("scores"));

    let refused = |base| open(base).err().expect("refused");
    let missing = refused(None);
    assert_eq!(missing.kind, FailureKind::Base);
    assert!(missing.message.contains("vit.safetensors"), "{missing}");
    assert!(missing.hint.contains(&base.identity().sha256), "{}", missing.hint);
    let other = wait(fresh(&config_of_plain(7)).export(Value::Null)).expect("exported");
    let refused = refused(Some(BaseFile { name: "other", bytes: &other }));
    assert_eq!(refused.kind, FailureKind::Base);
    assert!(refused.message.contains("not the frozen base"), "{refused}");
}

fn config_of_plain(seed: u64) -> RunConfig {
    let mut config = config(plain());
    config.train.seed = seed;
    config
}

/// Cached features give the losses that the base gives, up to half precision.
#[test]
fn cached_features_stand_for_the_base() {
    let device = Device::flex();
    let bytes = wait(fresh(&config(plain())).export(Value::Null)).expect("exported");
    let base = BaseFile { name: "vit", bytes: &bytes };
    let config = trm_train::on_base(&config(small()), &base).expect("fits");
    let shape = config.model.image().expect("images");
    let Dataset::Images(mut images) = digits(&config) else { panic!("images") };
    let frozen = trm_train::open_base(&config, base, &device).expect("a base");
    let counts = ImageSplit::ALL.map(|split| images.set(split).len());
    let mut features = Features::in_memory(17, 16, counts);
    let mut keep = |dims: [usize; 3], values: &[f32]| {
        assert_eq!(dims[1..], [17, 16]);
        features.push(values);
        Ok::<_, trm_spec::Failure>(std::ops::ControlFlow::Continue(()))
    };
    wait(frozen.features_of(&images, shape, &device, &mut keep)).expect("computed");
    let features = std::sync::Arc::new(features);
    let losses = |images: Dataset| {
        let mut run = trm_train::create_on(&config, images, Some(base), &device).expect("a run");
        let scores =
            wait(run.classifier().expect("one").evaluate_images(&scoring(40, 2), &mut |_, _| ()));
        let scores = scores.expect("scores").steps[1].loss;
        [scores, wait(run.steps(1)).expect("steps")[0].loss]
    };
    let run = losses(images.clone().into());
    // Another split of the same images has features of its own.
    let mut other = config.clone();
    other.data.val_fraction = 0.3;
    let Dataset::Images(mut others) = digits(&other) else { panic!("images") };
    let key = frozen.key(&images, shape);
    assert_ne!(frozen.key(&others, shape).data, key.data);
    // So do the same images with another normalisation.
    let mut brighter = images.clone();
    brighter.preprocessing.mean = vec![0.1];
    let brighter = frozen.key(&brighter, shape);
    assert_eq!(brighter.data, key.data);
    assert_ne!(brighter.preprocessing, key.preprocessing);
    // It is part of a file's name and of a message.
    let hexadecimal = |text: &str| text.chars().all(|digit| digit.is_ascii_hexdigit());
    assert!(hexadecimal(&key.preprocessing), "{}", key.preprocessing);
    others.features = Some(features.clone());
    let refused = trm_train::create_on(&other, Dataset::from(others), Some(base), &device);
    let refused = refused.err().expect("features of another split");
    assert!(refused.message.contains("another split"), "{refused}");
    images.features = Some(features);
    for (with, without) in losses(images.into()).iter().zip(&run) {
        assert!((with - without).abs() < 1e-2, "{with} {without}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let device = Device::flex();
    let run = fresh(&config(small()));
    assert_eq!(run.writer().err().expect("no writer").kind, FailureKind::Prompt);
    assert_eq!(run.solver().err().expect("no solver").kind, FailureKind::Config);
    let refused = |config: &RunConfig, data: Dataset| {
        trm_train::create(config, data, &device).err().expect("refused")
    };
    // A frozen ViT that is not there.
    let head = config(TrmVitSpec { vit_depth: 2, ..small() });
    assert_eq!(refused(&head, digits(&config(small()))).kind, FailureKind::Base);
    // A text for a classifier.
    let text = trm_data::TextDataset::from_text("proverb", &"better late ".repeat(20), 0.1);
    let error = refused(&config(small()), text.expect("a text").into());
    assert!(error.message.contains("a text"), "{error}");
    // Features of another width.
    let classifier = run.classifier().expect("one");
    let request = ClassifyRequest::Features { values: vec![0.0; 10], dims: [1, 2, 5], start: None };
    let error = wait(classifier.classify_all(&request, 0, 1)).expect_err("another shape");
    assert_eq!(error.kind, FailureKind::Image);
}

#[test]
fn a_base_that_is_no_vit_or_not_read_is_refused() {
    let refused = |model: trm_spec::VariantSpec, bytes: &[u8]| {
        let base = BaseFile { name: "base", bytes };
        trm_train::on_base(&config(model), &base).expect_err("refused")
    };
    let gguf = refused(small().into(), b"GGUF\x03\0\0\0");
    assert_eq!(gguf.kind, FailureKind::Base);
    assert_eq!(gguf.message, "base is a GGUF model, but a frozen base is a ViT");
    let damaged = refused(small().into(), b"nothing of the kind");
    assert_eq!(damaged.kind, FailureKind::Checkpoint);
    assert!(damaged.message.starts_with("base: this is "), "{damaged}");
    let none = refused(plain().into(), b"GGUF\x03\0\0\0");
    assert_eq!(
        (none.kind, &*none.message),
        (FailureKind::Base, "a `vit` model has no frozen base")
    );
    // A head that was trained on pixels has no sizes of a base.
    let vit = wait(fresh(&config(plain())).export(Value::Null)).expect("exported");
    let file = BaseFile { name: "vit", bytes: &vit };
    let open = trm_train::open_base(&config(small()), file, &Device::flex());
    let pixels = open.err().expect("refused");
    assert_eq!(pixels.message, "this `trm_vit` model reads pixels and has no frozen base");
}
