//! `classify`: the classes of images after every outer step.

use std::path::{Path, PathBuf};

use anyhow::Context;
use pollster::block_on;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use trm_data::image_preprocessing;
use trm_data::images::{Preprocessing, decode_image};
use trm_spec::{ClassStep, Failure, Family, RunConfig, Vocab};
use trm_train::ClassifyRequest;

use crate::args;
use crate::commands::model_family;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device;
use crate::run_dir::{self, read_checkpoint};
use crate::terminal::output::{print, print_json};
use crate::terminal::report::usage;

/// One image, classified.
#[derive(Serialize)]
struct Classified {
    /// The file, or `tensors[i]`.
    image: String,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    step: usize,
    /// The most probable class.
    argmax: u32,
    /// Its name.
    class: String,
    /// Probability of each class.
    prob: Vec<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logits: Option<Vec<f32>>,
}

/// Runs the command.
///
/// # Errors
/// If the checkpoint is no image classifier's, or an image cannot be read. The results of the
/// images before that one are printed, except as JSON, which is one document or none.
pub fn run(typed: &args::Classify) -> anyhow::Result<()> {
    let (header, bytes) = read_checkpoint(&typed.checkpoint)?;
    let model = &header.config.model;
    model_family::expect(&typed.checkpoint, &header, "classify", &[Family::Images])?;
    let [inner, outer] = [typed.inner_steps, typed.outer_steps];
    if model.depth_key().is_none() && (inner.is_some() || outer.is_some_and(|steps| steps > 1)) {
        return Err(usage!(
            "--inner-steps and --outer-steps: a `{}` model has no recursion",
            model.name()
        ));
    }
    let base = BaseOnDisk::needed(&header, &typed.checkpoint, typed.base.as_deref())?;
    let device = device::open(typed.device)?;
    let file = base.as_ref().map(BaseOnDisk::file);
    let run = trm_train::load_on(&bytes, None, None, file, &device.device)
        .with_context(|| typed.checkpoint.display().to_string())?;
    let classifier = run.classifier()?;
    let classes = match &header.vocab {
        Vocab::Classes { names } => names.as_slice(),
        _ => &[],
    };
    let recursive = model.depth_key().is_some();
    let mut documents = Vec::new();
    let mut classify = |names: Vec<String>, request: &ClassifyRequest| -> anyhow::Result<()> {
        let steps = [inner, outer].map(Option::unwrap_or_default);
        let found = block_on(classifier.classify_all(request, steps[0], steps[1]))?;
        for (image, steps) in names.into_iter().zip(found) {
            if typed.json {
                documents.push(Classified::of(image, steps, classes, typed.logits));
            } else {
                print_image(&image, &steps, classes, typed.top, recursive)?;
            }
        }
        Ok(())
    };
    match &typed.tensors {
        Some(path) => {
            let (names, request) = tensors(path, &header.config)?;
            classify(names, &request)?;
        }
        None => {
            // Whatever data the model was trained on, a picture may have any size.
            let any_size = image_preprocessing(&header.config)?.for_any_size();
            for paths in typed.images.chunks(BATCH) {
                let (pictures, unreadable) = pictures(paths, &any_size);
                // Those before an unreadable one are classified all the same.
                if let Some((names, request)) = pictures {
                    classify(names, &request)?;
                }
                if let Some(error) = unreadable {
                    return Err(error);
                }
            }
        }
    }
    if !typed.json {
        return Ok(());
    }
    // One image is the document itself; several are a list.
    match <[Classified; 1]>::try_from(documents) {
        Ok([one]) => print_json(&one),
        Err(images) => print_json(&serde_json::json!({ "images": images })),
    }
}

impl Classified {
    fn of(image: String, steps: Vec<ClassStep>, classes: &[String], logits: bool) -> Self {
        let step = |step: ClassStep| Step {
            step: step.step,
            argmax: step.argmax,
            class: name(classes, step.argmax as usize),
            prob: step.prob,
            logits: logits.then_some(step.logits),
        };
        Self { image, steps: steps.into_iter().map(step).collect() }
    }
}

/// The name of a class, or its number where the model has no names.
fn name(classes: &[String], class: usize) -> String {
    classes.get(class).cloned().unwrap_or_else(|| class.to_string())
}

/// Prints the `top` most probable classes after every step. The steps are named where a model is
/// `recursive`.
fn print_image(
    image: &str,
    steps: &[ClassStep],
    classes: &[String],
    top: usize,
    recursive: bool,
) -> anyhow::Result<()> {
    print(image)?;
    for step in steps {
        let mut order: Vec<usize> = (0..step.prob.len()).collect();
        order.sort_by(|&a, &b| step.prob[b].total_cmp(&step.prob[a]).then(a.cmp(&b)));
        let top: Vec<_> = order
            .iter()
            .take(top)
            .map(|&class| format!("{} {:.1} %", name(classes, class), step.prob[class] * 100.0))
            .collect();
        let named = if recursive { format!("outer step {:2}  ", step.step) } else { String::new() };
        print(&format!("  {named}{}", top.join(", ")))?;
    }
    Ok(())
}

/// Pictures that are decoded and classified at once; bounds memory, not results.
const BATCH: usize = 64;

/// Pictures as the model takes them, with their names.
type Pictures = (Vec<String>, ClassifyRequest);

/// The pictures at `paths`, up to the first that cannot be read, and why it cannot.
fn pictures(
    paths: &[PathBuf],
    preprocessing: &Preprocessing,
) -> (Option<Pictures>, Option<anyhow::Error>) {
    let (mut names, mut values, mut unreadable) = (Vec::new(), Vec::new(), None);
    for path in paths {
        let name = path.display().to_string();
        match picture(path, &name, preprocessing) {
            Ok(pixels) => {
                values.extend(pixels);
                names.push(name);
            }
            Err(error) => {
                unreadable = Some(error);
                break;
            }
        }
    }
    let images = names.len();
    let pictures = (images > 0).then_some((names, ClassifyRequest::Pixels { values, images }));
    (pictures, unreadable)
}

/// The normalised pixels of one picture.
fn picture(path: &Path, name: &str, preprocessing: &Preprocessing) -> anyhow::Result<Vec<f32>> {
    let bytes = run_dir::read(path)?;
    let pixels = decode_image(name, &bytes, preprocessing).map_err(Failure::from)?;
    Ok(preprocessing.normalised(&pixels, u8::MAX))
}

/// The inputs of a safetensors file.
fn tensors(path: &Path, config: &RunConfig) -> anyhow::Result<(Vec<String>, ClassifyRequest)> {
    let shown = path.display();
    let bytes = run_dir::read(path)?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| usage!("{shown} is not a whole safetensors file ({error})"))?;
    let read = |name: &str| -> anyhow::Result<Option<(Vec<usize>, Vec<f32>)>> {
        let Ok(view) = file.tensor(name) else { return Ok(None) };
        if view.dtype() != Dtype::F32 {
            return Err(usage!("{shown}: `{name}` is {:?}, but must be F32", view.dtype()));
        }
        let values =
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Ok(Some((view.shape().to_vec(), values.collect())))
    };
    let numbered = |images: usize| (0..images).map(|i| format!("tensors[{i}]")).collect();
    if let Some((shape, values)) = read("pixel_values")? {
        let [images, _, _, _] = shape[..] else {
            return Err(usage!(
                "{shown}: `pixel_values` has the shape {shape:?}, not [B, C, H, W]"
            ));
        };
        let preprocessing = image_preprocessing(config)?;
        let wanted = [preprocessing.channels, preprocessing.size, preprocessing.size];
        if shape[1..] != wanted {
            return Err(usage!(
                "{shown}: `pixel_values` has the shape {shape:?}, but this model takes [B, {}, {}, {}]",
                wanted[0],
                wanted[1],
                wanted[2]
            ));
        }
        return Ok((numbered(images), ClassifyRequest::Pixels { values, images }));
    }
    let Some((shape, values)) = read("vit_hidden")? else {
        return Err(usage!("{shown} has neither `pixel_values` nor `vit_hidden`"));
    };
    let [images, positions, width] = shape[..] else {
        return Err(usage!("{shown}: `vit_hidden` has the shape {shape:?}, not [B, P, D]"));
    };
    let start = match (read("y0")?, read("z0")?) {
        (None, None) => None,
        (Some((y_shape, y)), Some((z_shape, z))) if y_shape == z_shape => {
            if y_shape.len() != 3 || y_shape[..2] != [images, positions + 1] {
                return Err(usage!(
                    "{shown}: `y0` and `z0` have the shape {y_shape:?}, not [{images}, {}, hidden size]",
                    positions + 1
                ));
            }
            Some([y, z])
        }
        _ => return Err(usage!("{shown}: give both `y0` and `z0`, of the same shape, or neither")),
    };
    let dims = [images, positions, width];
    Ok((numbered(images), ClassifyRequest::Features { values, dims, start }))
}
