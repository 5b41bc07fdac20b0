//! GGUF files: what is read, and what is refused.

use half::f16;
use trm_data::gguf::{Gguf, Value};

/// A file in the making.
#[derive(Default)]
struct File {
    keys: Vec<u8>,
    values: u64,
    entries: Vec<u8>,
    tensors: u64,
    data: Vec<u8>,
}

impl File {
    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
    }

    fn value(mut self, key: &str, kind: u32, bytes: &[u8]) -> Self {
        self.keys.extend([&Self::text(key)[..], &kind.to_le_bytes(), bytes].concat());
        self.values += 1;
        self
    }

    /// `shape` as the file has it: the fastest dimension first.
    fn tensor(mut self, name: &str, shape: &[u64], kind: u32, bytes: &[u8]) -> Self {
        self.entries.extend(Self::text(name));
        self.entries.extend((shape.len() as u32).to_le_bytes());
        self.entries.extend(shape.iter().flat_map(|size| size.to_le_bytes()));
        self.entries.extend(kind.to_le_bytes());
        self.entries.extend((self.data.len() as u64).to_le_bytes());
        self.data.extend(bytes);
        self.data.resize(self.data.len().next_multiple_of(32), 0);
        self.tensors += 1;
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3u32.to_le_bytes());
        file.extend(self.tensors.to_le_bytes());
        file.extend(self.values.to_le_bytes());
        file.extend(&self.keys);
        file.extend(&self.entries);
        file.resize(file.len().next_multiple_of(32), 0);
        file.extend(&self.data);
        file
    }
}

fn half(number: f32) -> [u8; 2] {
    f16::from_f32(number).to_le_bytes()
}

/// Two tensors of floats, every quantised type, and a value of every kind.
fn sample() -> File {
    let nibbles: Vec<u8> = (0..16).map(|i| i | (15 - i) << 4).collect();
    let bytes: Vec<u8> = (0..32).map(|i| (i - 16) as u8).collect();
    let floats: Vec<u8> = [1.5f32, -2.0, 3.25, 4.0, 5.0, 6.5].map(f32::to_le_bytes).concat();
    let list = [&8u32.to_le_bytes()[..], &2u64.to_le_bytes(), &File::text("a"), &File::text("é")];
    File::default()
        .value("general.architecture", 8, &File::text("some"))
        .value("count", 4, &7u32.to_le_bytes())
        .value("below", 5, &(-7i32).to_le_bytes())
        .value("share", 6, &0.5f32.to_le_bytes())
        .value("flag", 7, &[1])
        .value("list", 9, &list.concat())
        .tensor("floats", &[3, 2], 0, &floats)
        .tensor("halves", &[2], 1, &[half(0.5), half(-3.0)].concat())
        .tensor("brain", &[1], 30, &1.25f32.to_le_bytes()[2..])
        .tensor("q8", &[32], 8, &[&half(0.5)[..], &bytes].concat())
        .tensor("q4", &[32], 2, &[&half(2.0)[..], &nibbles].concat())
        .tensor("q41", &[32, 1], 3, &[&half(2.0)[..], &half(-1.0), &nibbles].concat())
}

#[test]
fn every_kind_of_value_and_number_is_read() {
    let bytes = sample().bytes();
    let file = Gguf::read(&bytes).unwrap();
    assert_eq!(file.text("general.architecture"), Some("some"));
    assert_eq!(file.integer("count"), Some(7));
    assert_eq!(file.get("below"), Some(&Value::Integer(-7)));
    assert_eq!((file.integer("below"), file.number("below")), (None, Some(-7.0)));
    assert_eq!(file.number("share"), Some(0.5));
    assert_eq!(file.get("flag"), Some(&Value::Flag(true)));
    let texts = ["a", "é"].map(|text| Value::Text(text.into()));
    let list = file.list("list").unwrap();
    assert_eq!((list.len(), list.values().collect::<Vec<_>>()), (2, texts.to_vec()));
    assert_eq!(file.shape("floats"), Some(&[2, 3][..]), "row-major");
    assert_eq!(file.tensor("floats").unwrap(), [1.5, -2.0, 3.25, 4.0, 5.0, 6.5]);
    assert_eq!(file.tensor("halves").unwrap(), [0.5, -3.0]);
    assert_eq!(file.tensor("brain").unwrap(), [1.25]);
    let (q8, q4, q41) = (file.tensor("q8"), file.tensor("q4"), file.tensor("q41"));
    for (i, number) in q8.unwrap().into_iter().enumerate() {
        assert_eq!(number, (i as f32 - 16.0) * 0.5);
    }
    for (i, (q4, q41)) in q4.unwrap().into_iter().zip(q41.unwrap()).enumerate() {
        let nibble = if i < 16 { i as f32 } else { 31.0 - i as f32 };
        assert_eq!((q4, q41), ((nibble - 8.0) * 2.0, nibble * 2.0 - 1.0), "{i}");
    }
    assert_eq!(file.tensor("nothing").unwrap_err(), "tensor `nothing` is missing");
}

#[test]
fn a_file_that_ends_too_early_is_refused_wherever_it_ends() {
    let bytes = sample().bytes();
    let whole = Gguf::read(&bytes).unwrap();
    // Behind the last number there is only padding.
    let end = bytes.len() - (32 - 20);
    for length in (0..end).step_by(3).chain([end - 1]) {
        let error = Gguf::read(&bytes[..length]).unwrap_err();
        let words = if length < 4 { "begin like" } else { "truncated" };
        assert!(error.contains(words), "{length}: {error}");
    }
    assert!(Gguf::read(&bytes[..end]).is_ok());
    let error = Gguf::read(&bytes[..end - 1]).unwrap_err();
    assert_eq!(error, "it is truncated: it ends before the end of tensor `q41`");
    assert_eq!(whole.names().count(), 6);
}

#[test]
fn what_is_not_read_is_named() {
    let refused = |file: File| Gguf::read(&file.bytes()).unwrap_err();
    let error = refused(File::default().tensor("w", &[256], 12, &[0; 144]));
    assert_eq!(error, "tensor `w` holds Q4_K, but only F32, F16, BF16, Q8_0, Q4_0, Q4_1 are read");
    let error = refused(File::default().tensor("w", &[32], 99, &[0; 64]));
    assert!(error.contains("the unknown type 99"), "{error}");
    let error = refused(File::default().tensor("w", &[33], 8, &[0; 64]));
    assert!(error.contains("blocks of 32"), "{error}");
    let error = refused(File::default().value("strange", 77, &[0; 8]));
    assert_eq!(error, "the value of `strange` has the unknown type 77");
    // Sizes that the file cannot hold take no memory.
    let error = refused(File::default().tensor("w", &[1 << 40, 1 << 40], 0, &[0; 64]));
    assert!(error.contains("truncated"), "{error}");
    let mut twice = File::default().tensor("a", &[64], 0, &[0; 256]);
    twice.data.clear();
    let error = refused(twice.tensor("b", &[64], 0, &[0; 256]));
    assert_eq!(error, "its tensors take 512 bytes, and it holds 256");
    let endless = [&0u32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat();
    let error = refused(File::default().value("endless", 9, &endless));
    assert_eq!(error, "it is truncated: it ends within endless");
    let error = refused(sample().value("count", 4, &8u32.to_le_bytes()));
    assert_eq!(error, "it has two keys `count`");
    let mut other = sample().bytes();
    other[4] = 2;
    let error = Gguf::read(&other).unwrap_err();
    assert!(error.starts_with("its version is 2, and 3 is read;"), "{error}");
    other[4..8].reverse();
    let error = Gguf::read(&other).unwrap_err();
    assert_eq!(error, "its numbers are big-endian, and little-endian ones are read");
    assert_eq!(Gguf::read(b"PK\x03\x04").unwrap_err(), "it does not begin like a GGUF file");
}
