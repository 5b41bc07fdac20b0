//! Images: digits are learned, classified and scored; heads need their frozen base.

use serde_json::json;
use trm_spec::{
    Classification, Command, DataSource, Event, FailureKind, ImageInput, ImageScores, ImageSplit,
    RunConfig, ShownImage, overlay,
};

use trm_wasm::Session;

use super::failures::refused;
use super::support::*;

fn small(model: serde_json::Value) -> RunConfig {
    let patch = json!({
        "model": model,
        "data": { "dataset": "digits" },
        "train": { "batch_size": 16, "max_iters": 100, "learning_rate": 5e-3, "warmup_iters": 2 },
    });
    overlay(&RunConfig::default(), &patch).expect("a configuration")
}

pub(super) fn head() -> RunConfig {
    small(json!({ "variant": "trm_vit", "hidden_size": 16, "inner_steps": 1, "outer_steps": 2 }))
}

ask!(create_images(config: RunConfig) -> trm_spec::RunSummary,
    Command::Create { config, data: DataSource::Named }, Event::Ready { summary } => summary);
ask!(classify(input: ImageInput, outer_steps: usize) -> Classification,
    Command::Classify { input, inner_steps: 0, outer_steps },
    Event::Classified { classification, .. } => classification);
ask!(score(outer_steps: usize) -> ImageScores,
    Command::EvaluateImages { split: ImageSplit::Val, images: 60, inner_steps: 0, outer_steps },
    Event::ImagesEvaluated { scores, .. } => scores);
ask!(show(indexes: Vec<usize>) -> Vec<ShownImage>,
    Command::ShowImages { split: ImageSplit::Val, indexes }, Event::Images { images } => images);

pub async fn digits_are_learned_classified_and_scored() {
    let mut session = open().await;
    let summary = create_images(&mut session, head()).await;
    assert_eq!((summary.train_tokens, summary.val_tokens), (1259, 179));
    let before = score(&mut session, 0).await;
    step(&mut session, 60).await;
    let after = score(&mut session, 4).await;
    assert_eq!((after.steps.len(), after.images), (4, 60));
    assert!(after.steps[1].loss < before.steps[1].loss, "{:?}", after.steps);
    // A mistake is shown and classified as it was counted.
    let mistake = after.mistakes.first().expect("so small a model errs");
    let image = show(&mut session, vec![mistake.index]).await.remove(0);
    assert_eq!((image.label, image.size, image.pixels.len()), (Some(mistake.label), 8, 64));
    let input = ImageInput::Stored { split: ImageSplit::Val, index: mistake.index };
    let found = classify(&mut session, input, 4).await;
    assert_eq!(found.steps[3].argmax, mistake.predicted);
    assert_eq!(found.image, image);
    // A drawing, as bytes.
    let mut bitmap = vec![0; 32 * 32];
    bitmap[..16].fill(1);
    let drawn = classify(&mut session, ImageInput::Drawing { bitmap }, 3).await;
    assert_eq!((drawn.steps.len(), drawn.image.label), (3, None));
}

pub async fn heads_are_loaded_with_their_frozen_base() {
    let mut session = open().await;
    let vit = json!({
        "variant": "vit", "hidden_size": 16, "n_layers": 1, "num_heads": 2, "intermediate_size": 16,
    });
    create_images(&mut session, small(vit)).await;
    let base = save(&mut session).await.checkpoint;
    let file = trm_train::BaseFile { name: "vit", bytes: &base };
    let config = trm_train::on_base(&head(), &file).expect("fits");
    let data = trm_data::Dataset::load(&DataSource::Named, &config, None).expect("digits");
    let device = burn::tensor::Device::flex();
    let run = trm_train::create_on(&config, data, Some(file), &device).expect("a run");
    let checkpoint = run.export(serde_json::Value::Null).await.expect("exported");
    let load = |base: Option<Vec<u8>>| Command::Load {
        checkpoint: checkpoint.clone(),
        optimizer: None,
        data: Some(DataSource::Named),
        base,
    };
    refused(&mut session, load(None), FailureKind::Base).await;
    let Event::Ready { summary } = handle(&mut session, &load(Some(base))).await else {
        panic!("not loaded")
    };
    assert!(summary.trainable);
    assert!(step(&mut session, 1).await[0].loss.is_finite());
}
