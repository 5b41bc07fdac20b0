//! What a file is, by its bytes: the one place that knows, for every reader of files in
//! the program and on the page. Nothing here trusts a name or a size that a file claims.

mod words;

use serde::de::IgnoredAny;

/// Bytes from the beginning of a file that are enough to tell what it is.
pub const GLANCE: usize = 1 << 16;

/// Share of control characters above which something is no text: one in so many.
const FEW: usize = 200;

/// Bytes of a line that is longer than those of texts.
const LONG_LINE: usize = 1 << 12;

/// Kinds of files that people give to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "every kind has words in `what`")]
pub enum FileKind {
    Empty,
    /// UTF-8 that is none of the other kinds.
    Text,
    /// UTF-8 whose lines end in carriage returns alone.
    CarriageReturns,
    Json,
    JsonLines,
    Html,
    GitLfs,
    Utf16 {
        big_endian: bool,
    },
    Utf32,
    /// Text that is not UTF-8, as far as can be told.
    OtherEncoding,
    /// Numbers of 16 bits, as nanoGPT writes tokens.
    Numbers16,
    /// Token numbers with the header of llm.c.
    LlmC,
    Safetensors,
    PyTorch,
    PyTorchLegacy,
    Pickle,
    Npy,
    Npz,
    Gguf,
    Ggml,
    Onnx,
    Hdf5,
    Parquet,
    Arrow,
    Sqlite,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    SevenZip,
    Zip,
    Office,
    Tar,
    Pdf,
    Png,
    Jpeg,
    Gif,
    Webp,
    Bmp,
    Tiff,
    /// HEIC and AVIF pictures, and videos in the same container.
    Heif,
    Program,
    /// What macOS keeps beside a file on other file systems.
    AppleDouble,
    /// None of these, and no text.
    Binary,
}

/// First bytes of formats that have such.
const MAGIC: [(&[u8], FileKind); 30] = [
    (b"GGUF", FileKind::Gguf),
    (b"lmgg", FileKind::Ggml),
    (b"\x93NUMPY", FileKind::Npy),
    (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", FileKind::PyTorchLegacy),
    (b"\x1f\x8b", FileKind::Gzip),
    (b"BZh", FileKind::Bzip2),
    (b"\xfd7zXZ\0", FileKind::Xz),
    (b"\x28\xb5\x2f\xfd", FileKind::Zstd),
    (b"7z\xbc\xaf\x27\x1c", FileKind::SevenZip),
    (b"%PDF-", FileKind::Pdf),
    (b"\x89PNG\r\n\x1a\n", FileKind::Png),
    (b"\xff\xd8\xff", FileKind::Jpeg),
    (b"GIF87a", FileKind::Gif),
    (b"GIF89a", FileKind::Gif),
    (b"II*\0", FileKind::Tiff),
    (b"MM\0*", FileKind::Tiff),
    (b"\x89HDF\r\n\x1a\n", FileKind::Hdf5),
    (b"PAR1", FileKind::Parquet),
    (b"ARROW1\0\0", FileKind::Arrow),
    (b"SQLite format 3\0", FileKind::Sqlite),
    (b"\x7fELF", FileKind::Program),
    (b"\xcf\xfa\xed\xfe", FileKind::Program),
    (b"\xca\xfe\xba\xbe", FileKind::Program),
    (b"\x00\x05\x16\x07", FileKind::AppleDouble),
    (b"\x00\x05\x16\x00", FileKind::AppleDouble),
    // 20240520 and 20240801, each before its version.
    (b"\x88\xd8\x34\x01\x01\0\0\0", FileKind::LlmC),
    (b"\xa1\xd9\x34\x01\x01\0\0\0", FileKind::LlmC),
    (b"version https://git-lfs.github.com/", FileKind::GitLfs),
    (b"\x08\x07\x12\x07pytorch", FileKind::Onnx),
    (b"\x08\x08\x12\x07pytorch", FileKind::Onnx),
];

impl FileKind {
    /// What the file is that holds `bytes`, or begins with them.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return *kind;
        }
        if bytes.starts_with(b"PK\x03\x04") {
            return zip(bytes);
        }
        if let Some(kind) = binary(bytes) {
            return kind;
        }
        text(bytes)
    }

    /// As [`of`](Self::of), by the first [`GLANCE`] bytes of `bytes` alone.
    pub fn of_start(bytes: &[u8]) -> Self {
        Self::of(&bytes[..bytes.len().min(GLANCE)])
    }

    /// Whether it is UTF-8, so that it can be read as a text if somebody insists.
    pub fn is_utf8(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::CarriageReturns
                | Self::Json
                | Self::JsonLines
                | Self::Html
                | Self::GitLfs
        )
    }
}

/// A zip archive by the name of its first file.
fn zip(bytes: &[u8]) -> FileKind {
    let two =
        |at: usize| bytes.get(at..at + 2).map_or(0, |b| usize::from(b[0]) | usize::from(b[1]) << 8);
    let name = bytes.get(30..30 + two(26)).unwrap_or_default();
    let ends = |end: &[u8]| name.ends_with(end);
    let parts = [&b"/data.pkl"[..], b"/.format_version", b"/.data/serialization_id", b"/byteorder"];
    let office = [&b"[Content_Types].xml"[..], b"mimetype", b"_rels/.rels"];
    match () {
        () if parts.iter().any(|part| ends(part)) || holds_pickle(bytes) => FileKind::PyTorch,
        () if ends(b".npy") => FileKind::Npz,
        () if office.contains(&name) => FileKind::Office,
        () => FileKind::Zip,
    }
}

/// Whether a file `data.pkl` is named in the part of an archive that is known.
fn holds_pickle(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"/data.pkl";
    bytes.windows(NAME.len()).any(|window| window == NAME)
}

/// Formats that take more than their first bytes to be known.
fn binary(bytes: &[u8]) -> Option<FileKind> {
    let is_safetensors = bytes.len() > 8 && bytes[8] == b'{' && bytes[6..8] == [0; 2];
    let is_pickle = bytes.len() > 2
        && bytes[0] == 0x80
        && (2..=5).contains(&bytes[1])
        && matches!(bytes[2], 0x95 | b'}' | b']' | b'(' | b'c' | b'q' | 0x8a | b'X' | b'K');
    match bytes {
        _ if is_safetensors => Some(FileKind::Safetensors),
        _ if is_pickle => Some(FileKind::Pickle),
        _ if bytes.get(257..262) == Some(b"ustar") => Some(FileKind::Tar),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(FileKind::Webp),
        // The size of the file, and four bytes that are not used.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some(FileKind::Bmp),
        [0, 0, 0, _, b'f', b't', b'y', b'p', ..] => Some(FileKind::Heif),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some(FileKind::Utf32),
        [0xff, 0xfe, ..] => Some(FileKind::Utf16 { big_endian: false }),
        [0xfe, 0xff, ..] => Some(FileKind::Utf16 { big_endian: true }),
        _ => None,
    }
}

/// UTF-8 and other encodings, or no text.
fn text(bytes: &[u8]) -> FileKind {
    let utf8 = match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        // A beginning may end within a character.
        Err(error) if error.error_len().is_none() && bytes.len() >= GLANCE => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    let controls = bytes.iter().filter(|byte| is_control(**byte)).count();
    let is_plain = !bytes.contains(&0) && controls * FEW <= bytes.len();
    // Letters of UTF-16 have a byte that is no letter, and half of Latin ones are NULs. A
    // single one of either in a long text is damage.
    let is_damaged = utf8_for_the_most_part(bytes) && controls * FEW <= bytes.len();
    match utf8 {
        Some(text) if is_plain => kind_of_text(text),
        _ => wide(bytes).filter(|_| !is_damaged).unwrap_or(match utf8 {
            None if is_plain => FileKind::OtherEncoding,
            _ => FileKind::Binary,
        }),
    }
}

/// Whether more than half of the bytes are characters of UTF-8.
fn utf8_for_the_most_part(bytes: &[u8]) -> bool {
    let valid: usize = bytes.utf8_chunks().map(|chunk| chunk.valid().len()).sum();
    2 * valid > bytes.len()
}

/// Whether a byte is a control character that texts do not have.
fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
}

/// Where the first byte stands that no text has, counted from 0.
pub(crate) fn first_control(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| is_control(*byte))
}

fn kind_of_text(text: &str) -> FileKind {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let start = text.trim_start();
    let begins =
        |word: &str| start.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if begins("<!doctype html") || begins("<html") {
        return FileKind::Html;
    }
    if start.starts_with(['{', '[']) {
        match json_values(start) {
            Some(0 | 1) => return FileKind::Json,
            Some(_) => return FileKind::JsonLines,
            None => {}
        }
    }
    // Not a single one in a long line.
    let returns = text.trim().matches('\r').count();
    match returns > 0 && !text.contains('\n') && returns * LONG_LINE >= text.len() {
        true => FileKind::CarriageReturns,
        false => FileKind::Text,
    }
}

/// How many objects and arrays a text consists of, or begins with where it is cut off;
/// none if there is something else in it.
fn json_values(text: &str) -> Option<usize> {
    let cut = text.len() + 4 >= GLANCE;
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut count = 0;
    loop {
        let rest = text.get(values.byte_offset()..).unwrap_or_default().trim_start();
        if !rest.is_empty() && !rest.starts_with(['{', '[']) {
            return None;
        }
        match values.next() {
            None => return Some(count),
            Some(Ok(_)) => count += 1,
            Some(Err(error)) if error.is_eof() && cut => {
                return Some(count + usize::from(count > 0));
            }
            Some(Err(_)) => return None,
        }
    }
}

/// Texts of characters of two or four bytes, and numbers of two.
fn wide(bytes: &[u8]) -> Option<FileKind> {
    let pairs = bytes.as_chunks::<2>().0;
    if pairs.len() < 4 {
        return None;
    }
    let share = |count: usize| count * 100 / pairs.len();
    let quads = bytes.as_chunks::<4>().0;
    let utf32 = |of: fn([u8; 4]) -> u32| {
        quads.iter().all(|quad| char::from_u32(of(*quad)).is_some_and(|c| !is_odd(c)))
    };
    if utf32(u32::from_le_bytes) || utf32(u32::from_be_bytes) {
        return Some(FileKind::Utf32);
    }
    let orders = [(false, u16::from_le_bytes as fn([u8; 2]) -> u16), (true, u16::from_be_bytes)];
    let mut best = None;
    for (big_endian, of) in orders {
        let (mut usual, mut latin, mut odd) = (0, 0, 0);
        for unit in char::decode_utf16(pairs.iter().map(|pair| of(*pair))) {
            match unit {
                Ok(c) if is_odd(c) => odd += 1,
                Ok(c) if is_usual(c) => {
                    usual += 1;
                    latin += usize::from(c.is_ascii());
                }
                _ => {}
            }
        }
        // Latin letters in the wrong order are Chinese ones.
        let better = best.is_none_or(|(most, _)| latin > most);
        if odd == 0 && share(usual) >= 90 && better {
            best = Some((latin, big_endian));
        }
    }
    if let Some((_, big_endian)) = best {
        return Some(FileKind::Utf16 { big_endian });
    }
    // Small numbers have a high byte that is nearly always the same.
    let mut high = [0_usize; 256];
    pairs.iter().for_each(|pair| high[usize::from(pair[1])] += 1);
    (share(high[0]) >= 90 && bytes.len().is_multiple_of(2)).then_some(FileKind::Numbers16)
}

/// Control characters, which are numbers rather than text.
fn is_odd(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{85}')
}

/// Characters of the scripts that most texts are written in.
fn is_usual(c: char) -> bool {
    matches!(u32::from(c),
        0x09..=0x24f | 0x370..=0x6ff | 0x900..=0xdff | 0xe00..=0xeff | 0x10a0..=0x10ff
        | 0x1e00..=0x1fff | 0x2000..=0x206f | 0x3000..=0x30ff | 0x4e00..=0x9fff
        | 0xac00..=0xd7a3 | 0xfeff | 0xff00..=0xffef)
}
