//! Weights as PyTorch saves them become the same checkpoint as safetensors do.

mod common;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use common::{Place, says};
use safetensors::{Dtype, SafeTensors};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What `torch.save(state_dict)` writes: an archive with a pickle of names, types
/// and shapes, and a file of numbers for each tensor.
struct Saved {
    archive: ZipWriter<Cursor<Vec<u8>>>,
    pickle: Vec<u8>,
    tensors: usize,
}

impl Saved {
    fn new() -> Self {
        // Protocol 2, an empty dictionary, and a mark before its items.
        let pickle = b"\x80\x02}(".to_vec();
        Self { archive: ZipWriter::new(Cursor::new(Vec::new())), pickle, tensors: 0 }
    }

    fn file(&mut self, name: &str, bytes: &[u8]) {
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        self.archive.start_file(format!("archive/{name}"), stored).expect("a file");
        self.archive.write_all(bytes).expect("written");
    }

    fn text(&mut self, text: &str) {
        self.pickle.push(b'X');
        self.pickle.extend((text.len() as u32).to_le_bytes());
        self.pickle.extend(text.as_bytes());
    }

    fn numbers(&mut self, numbers: &[usize]) {
        self.pickle.push(b'(');
        for number in numbers {
            self.pickle.push(b'J');
            self.pickle.extend((*number as i32).to_le_bytes());
        }
        self.pickle.push(b't');
    }

    fn tensor(&mut self, name: &str, storage: &str, shape: &[usize], data: &[u8]) {
        let key = self.tensors.to_string();
        self.tensors += 1;
        self.text(name);
        self.pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage");
        self.pickle.extend(format!("ctorch\n{storage}\n").bytes());
        self.text(&key);
        self.text("cpu");
        self.pickle.push(b'J');
        self.pickle.extend((shape.iter().product::<usize>() as i32).to_le_bytes());
        // The storage by reference, and where in it the tensor begins.
        self.pickle.extend(b"tQK\x00");
        self.numbers(shape);
        let stride = |axis: usize| shape[axis + 1..].iter().product();
        self.numbers(&(0..shape.len()).map(stride).collect::<Vec<_>>());
        self.pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        self.file(&format!("data/{key}"), data);
    }

    fn finish(mut self) -> Vec<u8> {
        self.pickle.extend(b"u.");
        let pickle = std::mem::take(&mut self.pickle);
        self.file("data.pkl", &pickle);
        self.file("byteorder", b"little");
        self.file("version", b"3\n");
        self.archive.finish().expect("an archive").into_inner()
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/trm_official_attention")
        .join(name)
}

/// The fixture's weights, named as the official code names them, in whole or in
/// half precision.
fn saved(half: bool) -> Vec<u8> {
    let bytes = fs::read(fixture("weights.safetensors")).expect("weights");
    let mut saved = Saved::new();
    for (name, view) in SafeTensors::deserialize(&bytes).expect("safetensors").tensors() {
        assert_eq!(view.dtype(), Dtype::F32);
        let name = format!("_orig_mod.model.{name}");
        // The upper half of an f32 is a bf16.
        let upper: Vec<u8> = view.data().chunks_exact(4).flat_map(|b| [b[2], b[3]]).collect();
        match half {
            true => saved.tensor(&name, "BFloat16Storage", view.shape(), &upper),
            false => saved.tensor(&name, "FloatStorage", view.shape(), view.data()),
        }
    }
    saved.finish()
}

fn convert(input: &str, out: &str) -> Vec<String> {
    let config = fixture("config.json").display().to_string();
    let typed = ["convert", input, "--from", "samsung-trm", "--to", out, "--config", &config];
    typed.iter().map(ToString::to_string).collect()
}

#[test]
fn pytorch_files_become_the_same_checkpoint() {
    let place = Place::new();
    let run =
        |typed: Vec<String>| place.done(&typed.iter().map(String::as_str).collect::<Vec<_>>());
    let weights = fixture("weights.safetensors").display().to_string();
    run(convert(&weights, "ours.safetensors"));
    // Official checkpoints have no ending.
    place.write("step_100", saved(false));
    run(convert("step_100", "same.safetensors"));
    let (ours, same) = (place.path("ours.safetensors"), place.path("same.safetensors"));
    let (ours, same) = (fs::read(ours).expect("ours"), fs::read(same).expect("the same"));
    let ours = SafeTensors::deserialize(&ours).expect("safetensors");
    let same = SafeTensors::deserialize(&same).expect("safetensors");
    assert_eq!(ours.len(), same.len());
    for (name, view) in ours.tensors() {
        assert_eq!(same.tensor(&name).expect("there"), view, "{name}");
    }
    place.write("half.pt", saved(true));
    run(convert("half.pt", "half.safetensors"));
}

/// Where a number of the largest tensor stands in an archive of [`saved`]. Tensors come in any
/// order, so that another fixed place may be one that nothing depends on, such as a date.
fn number_in(archive: &[u8]) -> usize {
    let weights = fs::read(fixture("weights.safetensors")).expect("weights");
    let tensors = SafeTensors::deserialize(&weights).expect("safetensors");
    let data = tensors.iter().map(|(_, view)| view.data()).max_by_key(|data| data.len());
    let data = data.expect("a tensor");
    archive.windows(data.len()).position(|part| part == data).expect("it is stored") + 1
}

#[test]
fn a_damaged_pytorch_file_is_refused_by_name() {
    let place = Place::new();
    let whole = saved(false);
    let mut flipped = whole.clone();
    flipped[number_in(&whole)] ^= 1;
    for (what, bytes) in [
        ("cut short", whole[..whole.len() / 2].to_vec()),
        ("a number changed", flipped),
        ("an empty archive", Saved::new().archive.finish().expect("an archive").into_inner()),
        ("no tensors", Saved::new().finish()),
        ("only the beginning", b"PK\x03\x04".to_vec()),
    ] {
        place.write("weights.pt", bytes);
        let typed = convert("weights.pt", "ours.safetensors");
        let typed: Vec<_> = typed.iter().map(String::as_str).collect();
        let refused = place.refused(1, &typed);
        says(&refused, &["weights.pt"]);
        assert!(!place.path("ours.safetensors").exists(), "{what}");
    }
}
