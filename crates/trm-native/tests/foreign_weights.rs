//! Weights as other programs leave them: wrapped, in double precision, in parts.

mod common;

use std::fs;
use std::path::Path;

use common::{Place, bytes, content, says, shipped};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// A converted official model to start from, and the names and numbers that it had.
fn official(place: &Place) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let solver = shipped("sudoku-4x4.safetensors");
    let typed =
        ["convert", &solver, "--from", "trm", "--dtype", "f32", "--to-format", "samsung-trm"];
    place.done(&[&typed[..], &["--to", "model.safetensors"]].concat());
    let bytes = bytes(&place.path("model.safetensors"));
    let file = SafeTensors::deserialize(&bytes).expect("whole");
    let numbers = |data: &[u8]| {
        data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    };
    file.tensors()
        .into_iter()
        .map(|(name, view)| (name, view.shape().to_vec(), numbers(view.data())))
        .collect()
}

fn write(path: &Path, tensors: &[(String, Vec<usize>, Vec<f32>)], wide: bool) {
    let stored: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, numbers)| match wide {
            true => numbers.iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect(),
            false => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
        })
        .collect();
    let dtype = if wide { Dtype::F64 } else { Dtype::F32 };
    let views = tensors.iter().zip(&stored).map(|((name, shape, _), data)| {
        (name.as_str(), TensorView::new(dtype, shape.clone(), data).expect("a tensor"))
    });
    fs::write(path, safetensors::serialize(views, None).expect("written")).expect("written");
}

#[test]
fn wrapped_wide_and_divided_weights_are_the_same_model() {
    let place = Place::new();
    let tensors = official(&place);
    let convert = |input: &str, out: &str| {
        place.done(&[
            "convert",
            input,
            "--from",
            "samsung-trm",
            "--config",
            "config.json",
            "--to",
            out,
        ]);
        content(&place.path(out))
    };
    let expected = convert("model.safetensors", "expected.safetensors");
    let bare = |name: &str| name.rsplit_once("inner.").map_or(name, |(_, bare)| bare).to_owned();
    for (number, prefix) in
        ["", "module.inner.", "_orig_mod.module.model._orig_mod.inner.", "state_dict.model.inner."]
            .into_iter()
            .enumerate()
    {
        let renamed: Vec<_> = tensors
            .iter()
            .map(|(name, shape, numbers)| {
                (format!("{prefix}{}", bare(name)), shape.clone(), numbers.clone())
            })
            .chain([("optimizer.state.0.exp_avg".to_owned(), vec![1], vec![0.5])])
            .collect();
        let (input, out) = (format!("w{number}.safetensors"), format!("o{number}.safetensors"));
        write(&place.path(&input), &renamed, number % 2 == 1);
        assert!(convert(&input, &out) == expected, "{prefix}");
    }
    // In two parts with an index, given as a folder, as the index and as one of the parts.
    fs::create_dir(place.path("parts")).expect("a folder");
    fs::copy(place.path("config.json"), place.path("parts/config.json")).expect("copied");
    let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let (first, second) = tensors.split_at(tensors.len() / 2);
    write(&place.path("parts").join(names[0]), first, false);
    write(&place.path("parts").join(names[1]), second, false);
    let map: Vec<String> = (first.iter().map(|t| (&t.0, names[0])))
        .chain(second.iter().map(|t| (&t.0, names[1])))
        .map(|(tensor, file)| format!("{tensor:?}: {file:?}"))
        .collect();
    let index = format!("{{\"weight_map\": {{{}}}}}", map.join(", "));
    place.write("parts/model.safetensors.index.json", index);
    for (number, input) in
        ["parts", "parts/model.safetensors.index.json", "parts/model-00002-of-00002.safetensors"]
            .into_iter()
            .enumerate()
    {
        assert!(convert(input, &format!("p{number}.safetensors")) == expected, "{input}");
    }
    fs::remove_file(place.path("parts").join(names[0])).expect("removed");
    let typed = ["convert", "parts", "--from", "samsung-trm", "--to", "x.safetensors"];
    says(&place.refused(1, &typed), &[names[0]]);
}

#[test]
fn what_is_missing_comes_with_what_is_there() {
    let place = Place::new();
    let mut tensors = official(&place);
    let place_of = tensors.iter().position(|(name, ..)| name.contains("layers.0.mlp.down_proj"));
    let (missing, ..) = tensors.remove(place_of.expect("a layer"));
    write(&place.path("less.safetensors"), &tensors, false);
    let typed = ["convert", "less.safetensors", "--from", "samsung-trm", "--to", "x.safetensors"];
    let error = place.refused(1, &typed);
    let bare = missing.rsplit_once("inner.").map_or(missing.as_str(), |(_, bare)| bare);
    says(&error, &["less.safetensors", bare, "is missing", "nearest", "tensors", "hint:"]);
    assert!(!error.contains("convert the original"), "it is being converted:\n{error}");
    let gpt = [("transformer.h.0.attn.c_attn.weight", 4), ("transformer.wte.weight", 4)]
        .map(|(name, size)| (name.to_owned(), vec![size], vec![0.0; size]));
    write(&place.path("gpt.safetensors"), &gpt, false);
    let typed = ["convert", "gpt.safetensors", "--from", "samsung-trm", "--to", "x.safetensors"];
    says(&place.refused(1, &typed), &["gpt.safetensors", "GPT-2 or nanoGPT"]);
    let error = place.refused(1, &["generate", "gpt.safetensors", "--device", "cpu"]);
    says(&error, &["gpt.safetensors", "GPT-2 or nanoGPT"]);
}
