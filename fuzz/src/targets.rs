//! The readers.

use std::fs;
use std::path::{Path, PathBuf};

use trm_data::checkpoint::{
    ModelPrefix, Precision, plain, pytorch_weights, read_header, restart, saved_step, tensors,
    values, with_precision,
};
use trm_data::gguf::Gguf;
use trm_data::images::{Preprocessing, decode_image, read_idx_images, read_idx_labels};
use trm_data::puzzles::{PuzzleKind, arc, maze, npy, sudoku};
use trm_data::questions::QuestionSource;
use trm_data::{FileKind, OpenedSource, TokenFile, subwords_of_json};
use trm_spec::{Command, RunConfig, SETTINGS, overlay};

/// A reader and what it may allocate.
pub struct Target {
    /// What it is called, as a fuzz target and as a folder of seeds.
    pub name: &'static str,
    pub(crate) read: fn(&[u8]),
    /// Bytes of one allocation for each byte that was read, where a reader keeps more of
    /// each than [`FACTOR`](crate::FACTOR); `tests/large.rs` has the inputs that need it.
    pub(crate) grown: usize,
    /// Bytes of one allocation that a size allows which is checked by itself.
    pub(crate) most: usize,
}

/// Most bytes that deflate makes of one, in a buffer that doubles.
const INFLATED: usize = 2 * 1032;

/// A value of JSON takes 32 bytes, and a number and its comma two, in a list that doubles.
const JSON: usize = 32;

/// All readers.
pub fn targets() -> Vec<Target> {
    let target = |name, read| Target { name, read, grown: 0, most: 0 };
    let growing = |name, read, grown| Target { grown, ..target(name, read) };
    vec![
        // The place of a field takes 16 bytes, and an empty field one, its comma.
        growing("sudoku", read_sudoku, 32),
        // So it does in tables; a maze of two cells takes 120 bytes, and its lines four.
        growing("maze", read_maze, 32),
        growing("arc", read_arc, JSON),
        target("npy", read_npy),
        // 18 bytes hold 32 weights, which become floats.
        growing("gguf", read_gguf, 8),
        // A picture is compressed; its size is checked before it is decoded.
        Target { most: 8 * (64 << 20), ..target("picture", read_picture) },
        target("idx", read_idx),
        growing("gzip", read_gzip, INFLATED),
        target("tokens", read_tokens),
        target("bins", read_bins),
        // A value takes 32 bytes, and the code of an empty one a single byte.
        growing("meta", read_meta, 64),
        growing("questions", read_questions, JSON),
        growing("tokenizer", read_tokenizer, JSON),
        target("text", read_text),
        // The parser of TOML keeps 56 bytes of a number and its comma.
        growing("config", read_config, 64),
        target("checkpoint", read_checkpoint),
        target("pt", read_pt),
        growing("command", read_command, JSON),
    ]
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read_sudoku(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(lines) = sudoku::parse("puzzles.txt", &text) {
        for line in lines {
            assert_eq!(line.board.len(), line.size.cells());
        }
    }
    if let Ok((size, board)) = sudoku::parse_one("puzzle", &text) {
        // What was read is printed so that it is read again.
        let again = sudoku::parse_one("again", &sudoku::print(&board)).expect("readable");
        assert_eq!(again, (size, board));
    }
    if let Some(kind) = PuzzleKind::named("sudoku-9x9") {
        let _ = kind.read("puzzles.txt", &text);
    }
}

fn read_maze(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(mazes) = maze::parse_all("mazes.txt", &text) {
        for maze in mazes.into_iter().map(|entry| entry.maze) {
            let again = maze::parse("again", &maze::print(maze.tokens(), maze.cols()));
            assert_eq!(again.expect("readable"), maze);
        }
    }
    let _ = maze::parse_line(&text);
}

fn read_arc(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(mut tasks) = arc::parse("task.json", &text) {
        let _ = arc::add_solutions(&mut tasks, "solutions.json", &text);
        let _ = arc::build("task.json", &tasks, 1, 0);
    }
}

fn read_npy(bytes: &[u8]) {
    if let Ok(array) = npy::parse(bytes) {
        assert_eq!(array.values.len(), array.shape.iter().product::<usize>());
    }
}

fn read_gguf(bytes: &[u8]) {
    if let Ok(file) = Gguf::read(bytes) {
        let names: Vec<String> = file.names().map(str::to_owned).collect();
        for name in names {
            let _ = file.tensor(&name);
        }
        let _ = trm_data::subwords_of_gguf(&file);
    }
}

fn read_picture(bytes: &[u8]) {
    for channels in [1, 3] {
        let preprocessing = Preprocessing::resizing(channels, 8);
        let _ = decode_image("picture", bytes, &preprocessing);
    }
    let _ = Preprocessing::from_preprocessor_config(&text(bytes), 3);
}

/// A folder of this process.
fn folder(name: &str) -> PathBuf {
    // In memory where the system has such a place.
    let shared = PathBuf::from("/dev/shm");
    let place = if shared.is_dir() { shared } else { std::env::temp_dir() };
    let folder = place.join(format!("trm-fuzz-{}", std::process::id())).join(name);
    fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// A file of this process with these bytes.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder("files").join(name);
    fs::write(&path, bytes).expect("a temporary file");
    path
}

fn read_idx(bytes: &[u8]) {
    if bytes.starts_with(b"\x1f\x8b") {
        // For the target `gzip`.
        return;
    }
    let path = file("images.idx", bytes);
    if let Ok(images) = read_idx_images(&path) {
        assert_eq!(images.pixels.len(), images.len() * images.height * images.width);
    }
    let _ = read_idx_labels(&path);
}

/// As it comes compressed.
fn read_gzip(bytes: &[u8]) {
    let path = file("images.gz", bytes);
    let _ = read_idx_images(&path);
    let _ = read_idx_labels(&path);
}

fn read_tokens(bytes: &[u8]) {
    let path = file("tokens.safetensors", bytes);
    if let Ok(tokens) = TokenFile::open(&path) {
        let _ = tokens.verify();
        let mut some = Vec::new();
        tokens.read(0..tokens.len().min(16), &mut some);
    }
}

/// A folder as nanoGPT prepares one, with these tokens.
fn read_bins(bytes: &[u8]) {
    let path = folder("bins").join("train.bin");
    fs::write(&path, bytes).expect("a temporary file");
    read_bin(&path);
}

/// The list of its characters.
fn read_meta(bytes: &[u8]) {
    let folder = folder("meta");
    fs::write(folder.join("meta.pkl"), bytes).expect("a temporary file");
    let path = folder.join("train.bin");
    fs::write(&path, [0, 0, 1, 0, 2, 0]).expect("a temporary file");
    read_bin(&path);
}

fn read_bin(path: &Path) {
    if let Ok(tokens) = TokenFile::open_bin(path) {
        let mut some = Vec::new();
        tokens.read(0..tokens.len().min(16), &mut some);
    }
}

fn read_questions(bytes: &[u8]) {
    let _ = QuestionSource::parse("questions.jsonl", &text(bytes));
}

fn read_tokenizer(bytes: &[u8]) {
    let _ = subwords_of_json(&text(bytes));
}

fn read_text(bytes: &[u8]) {
    let _ = FileKind::of(bytes);
    for name in ["text.txt", "text.jsonl"] {
        let path = file(name, bytes);
        if let Ok(opened) = OpenedSource::open_test(&path) {
            let _ = opened.text(&RunConfig::default(), None);
        }
    }
}

fn read_config(bytes: &[u8]) {
    let text = text(bytes);
    let base = RunConfig::default();
    let patches = [serde_json::from_str(&text).ok(), toml::from_str(&text).ok()];
    for patch in patches.into_iter().flatten() {
        if let Ok(config) = overlay(&base, &patch) {
            let _ = config.validate();
        }
    }
    for setting in SETTINGS.iter() {
        let _ = setting.parse(&text);
    }
}

/// A model file, an optimizer file or the weights of somebody else.
fn read_checkpoint(bytes: &[u8]) {
    let _ = saved_step(bytes);
    if let Ok(header) = read_header(bytes) {
        let _ = header.config.validate();
    }
    if let Ok(tensors) = tensors(bytes) {
        for (name, view) in tensors.tensors() {
            if let Ok(numbers) = values(&tensors, &name, view.shape()) {
                assert_eq!(numbers.len(), view.shape().iter().product::<usize>());
            }
        }
    }
    for precision in [Precision::F16, Precision::F32] {
        if let Ok(written) = with_precision(bytes, precision) {
            // What was written is read again.
            tensors(&written).expect("whole");
        }
    }
    let _ = restart(bytes, &RunConfig::default());
    for prefix in [ModelPrefix::Keep, ModelPrefix::Strip] {
        if let Ok(plain) = plain(bytes, prefix) {
            tensors(&plain).expect("whole");
        }
    }
}

/// A file of `torch.save`, of either form.
fn read_pt(bytes: &[u8]) {
    if let Ok(weights) = pytorch_weights(&file("weights.pt", bytes)) {
        let weights = plain(&weights, ModelPrefix::Strip).map(|weights| weights.into_owned());
        if let Ok(weights) = weights {
            tensors(&weights).expect("whole");
        }
    }
}

/// What the page asks of the worker.
fn read_command(bytes: &[u8]) {
    let Ok(command) = serde_json::from_slice::<Command>(bytes) else { return };
    let written = serde_json::to_vec(&command).expect("JSON");
    let again: Command = serde_json::from_slice(&written).expect("readable");
    // Numbers that are none (NaN) are not equal to themselves, but are written alike.
    assert_eq!(serde_json::to_vec(&again).expect("JSON"), written);
    if let Command::Create { config, .. } = command {
        let _ = config.validate();
    }
}
