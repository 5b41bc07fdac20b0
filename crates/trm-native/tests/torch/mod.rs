//! Writes a checkpoint in PyTorch's container: a zip archive with a pickle of
//! the names and one entry for each tensor's bytes.

use std::io::{Cursor, Write};

use safetensors::SafeTensors;
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// `{"model": weights, "config": settings}`, as nanoGPT's relatives save it.
pub fn checkpoint(weights: &SafeTensors, config: &Value) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut entry = |name: &str, bytes: &[u8]| {
        archive.start_file(format!("ckpt/{name}"), stored).expect("a new entry");
        archive.write_all(bytes).expect("written");
    };
    let mut pickle = Pickle(vec![0x80, 2]);
    pickle.dict(|pickle| {
        pickle.text("model");
        pickle.dict(|pickle| {
            for (number, (name, view)) in weights.tensors().into_iter().enumerate() {
                entry(&format!("data/{number}"), view.data());
                pickle.text(&name);
                pickle.tensor(&number.to_string(), view.shape());
            }
        });
        pickle.text("config");
        pickle.dict(|pickle| {
            for (key, value) in config.as_object().expect("settings") {
                pickle.text(key);
                pickle.setting(key, value);
            }
        });
    });
    pickle.0.push(b'.');
    entry("data.pkl", &pickle.0);
    entry("version", b"3\n");
    entry("byteorder", b"little");
    archive.finish().expect("finished").into_inner()
}

/// Opcodes of Python's pickle, protocol 2.
struct Pickle(Vec<u8>);

impl Pickle {
    fn dict(&mut self, items: impl FnOnce(&mut Self)) {
        self.0.extend(b"}(");
        items(self);
        self.0.push(b'u');
    }

    fn tuple(&mut self, items: impl FnOnce(&mut Self)) {
        self.0.push(b'(');
        items(self);
        self.0.push(b't');
    }

    fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    fn integer(&mut self, number: usize) {
        self.0.push(b'J');
        self.0.extend(i32::try_from(number).expect("small").to_le_bytes());
    }

    fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").bytes());
    }

    fn setting(&mut self, key: &str, value: &Value) {
        match value {
            // The original notes a size that its data replaces later.
            _ if key == "vocab_size" => self.integer(50_304),
            Value::Bool(value) => self.0.push(if *value { 0x88 } else { 0x89 }),
            Value::String(text) => self.text(text),
            Value::Number(number) => match number.as_u64() {
                Some(number) => self.integer(number as usize),
                None => {
                    self.0.push(b'G');
                    self.0.extend(number.as_f64().expect("a number").to_be_bytes());
                }
            },
            other => panic!("{other} is no setting"),
        }
    }

    /// `torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`.
    fn tensor(&mut self, storage: &str, shape: &[usize]) {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.tuple(|pickle| {
            pickle.tuple(|pickle| {
                pickle.text("storage");
                pickle.global("torch", "FloatStorage");
                pickle.text(storage);
                pickle.text("cpu");
                pickle.integer(shape.iter().product());
            });
            pickle.0.push(b'Q');
            pickle.integer(0);
            pickle.tuple(|pickle| shape.iter().for_each(|&size| pickle.integer(size)));
            pickle.tuple(|pickle| {
                (0..shape.len())
                    .for_each(|axis| pickle.integer(shape[axis + 1..].iter().product()));
            });
            pickle.0.push(0x89);
            pickle.global("collections", "OrderedDict");
            pickle.0.extend(b")R");
        });
        self.0.push(b'R');
    }
}
