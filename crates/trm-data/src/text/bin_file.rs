//! Token files of other programs: `train.bin` and `val.bin` of nanoGPT, numbers of 16
//! bits without a header, with the characters that they stand for in a `meta.pkl`; and
//! those of llm.c, which have a header.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use trm_spec::Vocab;

use super::bpe::{END_OF_TEXT, gpt2};
use super::pickle::{Value, parse};
use super::read_errors::unreadable;
use crate::error::DataError;
use crate::file_kind::FileKind;

/// What nanoGPT calls its files.
const TRAIN: &str = "train.bin";
const VAL: &str = "val.bin";
const META: &str = "meta.pkl";

/// Bytes of llm.c's header.
const HEADER: usize = 1024;

/// The largest `meta.pkl` that is believed, in bytes.
const LARGEST_META: u64 = 4 << 20;

/// Whether a name says that a file holds tokens of nanoGPT or llm.c, and its bytes do not
/// say otherwise.
pub(crate) fn is_bin(path: &Path, kind: FileKind) -> bool {
    let named = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("bin"));
    let possible = matches!(
        kind,
        FileKind::LlmC
            | FileKind::Numbers16
            | FileKind::Utf16 { .. }
            | FileKind::Utf32
            | FileKind::Binary
            | FileKind::OtherEncoding
            | FileKind::Text
    );
    named && possible
}

/// nanoGPT's training tokens in the folder at `path`, if it has any.
pub(crate) fn in_folder(path: &Path) -> Option<PathBuf> {
    Some(path.join(TRAIN)).filter(|file| path.is_dir() && file.is_file())
}

/// The file that holds the validation tokens of the training tokens at `path`.
pub(crate) fn validation_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let val = match name {
        TRAIN => VAL.to_owned(),
        // As llm.c names its files: `tiny_shakespeare_train.bin`.
        other => format!("{}_val.bin", other.strip_suffix("_train.bin")?),
    };
    Some(path.with_file_name(val)).filter(|file| file.is_file())
}

/// Where the tokens lie in a file that begins with `start` and has `size` bytes.
///
/// # Errors
/// If its size does not fit what it is.
pub(crate) fn tokens_in(path: &Path, start: &[u8], size: usize) -> Result<Range<usize>, DataError> {
    let other = |reason: String| DataError::NotTokens { path: path.display().to_string(), reason };
    let first = if FileKind::of(start) == FileKind::LlmC { HEADER } else { 0 };
    if size < first || !(size - first).is_multiple_of(2) {
        return Err(other(format!("it has {size} bytes, which are no whole 16-bit numbers")));
    }
    if first > 0 {
        let claimed = start.get(8..12).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let found = (size - first) / 2;
        if claimed as usize != found {
            return Err(other(format!("its header says {claimed} tokens, and it has {found}")));
        }
    }
    Ok(first..size)
}

/// What the tokens of the file at `path` mean: the characters of the `meta.pkl` beside it,
/// or GPT-2's tokens.
///
/// # Errors
/// If there is a `meta.pkl` that cannot be used, or `largest` is no token of GPT-2.
pub(crate) fn vocab_of(path: &Path, largest: u32) -> Result<Vocab, DataError> {
    let meta = path.with_file_name(META);
    if !meta.is_file() {
        return match largest <= END_OF_TEXT {
            true => Ok(gpt2()),
            false => Err(DataError::NotTokens {
                path: path.display().to_string(),
                reason: format!(
                    "it holds the number {largest}, GPT-2's tokens end at {END_OF_TEXT}, and there is no {META} beside it"
                ),
            }),
        };
    }
    let unusable = |reason: &str| DataError::NotTokens {
        path: meta.display().to_string(),
        reason: reason.into(),
    };
    let size = fs::metadata(&meta).map_err(|error| unreadable(&meta, &error))?.len();
    if size > LARGEST_META {
        return Err(unusable("it is too large for a list of characters"));
    }
    let bytes = fs::read(&meta).map_err(|error| unreadable(&meta, &error))?;
    let value = parse(&bytes).map_err(|reason| unusable(&reason))?;
    let chars = characters(&value).ok_or_else(|| {
        unusable("it has no `itos` that gives every number from 0 on one character")
    })?;
    Ok(Vocab::Char { chars })
}

/// The characters of `itos`, which numbers them.
fn characters(meta: &Value) -> Option<String> {
    let Value::Dict(entries) = meta else { return None };
    let itos = entries.iter().find(|(key, _)| *key == Value::Text("itos".into()));
    let one = |text: &Value| {
        let Value::Text(text) = text else { return None };
        let mut chars = text.chars();
        chars.next().filter(|_| chars.next().is_none())
    };
    let mut numbered: Vec<(i64, char)> = match &itos?.1 {
        Value::Dict(itos) => itos
            .iter()
            .map(|(number, text)| match number {
                Value::Int(number) => Some((*number, one(text)?)),
                _ => None,
            })
            .collect::<Option<_>>()?,
        Value::List(itos) => {
            (0..).zip(itos).map(|(n, text)| Some((n, one(text)?))).collect::<Option<_>>()?
        }
        _ => return None,
    };
    numbered.sort_unstable();
    let whole = numbered.iter().zip(0..).all(|((number, _), wanted)| *number == wanted);
    (whole && !numbered.is_empty()).then(|| numbered.into_iter().map(|(_, c)| c).collect())
}
