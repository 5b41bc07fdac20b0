//! Byte-pair encodings of pretrained models: read from the files they come in, and text
//! to their tokens and back.
//!
//! A text is cut at special tokens, then into words as GPT-2 does, with every digit alone
//! where the model was trained so; inside a word, pairs are joined in the order in which
//! they were learned.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value as Json;
use trm_spec::{Subwords, read_json};

use crate::gguf::{Gguf, List, Value};

/// GPT-2's words, but for white space, of which it leaves the last character to the word
/// that follows.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";
    Regex::new(pattern).expect("a pattern")
});

/// Kinds of tokens in a GGUF that are found in a text before it is split.
const SPECIAL: [i128; 2] = [3, 4];

/// The tokenizer in the keys of a GGUF; none if it has none.
///
/// # Errors
/// If it is of a kind that is not read, or its keys do not belong together.
pub fn subwords_of_gguf(file: &Gguf<'_>) -> Result<Option<Subwords>, String> {
    let Some(model) = file.text("tokenizer.ggml.model") else { return Ok(None) };
    if model != "gpt2" {
        return Err(format!(
            "its tokenizer is of the kind `{model}`, but only byte-pair encodings (`gpt2`) are read"
        ));
    }
    let split_digits = match file.text("tokenizer.ggml.pre").unwrap_or("gpt-2") {
        "smollm" => true,
        "gpt-2" => false,
        other => {
            return Err(format!(
                "its tokenizer splits words as `{other}`, but only `smollm` and `gpt-2` are read"
            ));
        }
    };
    let texts = |key: &str| -> Result<Vec<String>, String> {
        let values = file.list(key).ok_or_else(|| format!("the key `{key}` is missing"))?;
        let text = |value: Value| match value {
            Value::Text(text) => Ok(text),
            other => Err(format!("`{key}` holds {other:?}, but texts are expected")),
        };
        values.values().map(text).collect()
    };
    let tokens = texts("tokenizer.ggml.tokens")?;
    let kinds = file.list("tokenizer.ggml.token_type").filter(|kinds| !kinds.is_empty());
    if let Some(kinds) = kinds.filter(|kinds| kinds.len() != tokens.len()) {
        return Err(format!("it has {} tokens, but types of {}", tokens.len(), kinds.len()));
    }
    let kinds = kinds.into_iter().flat_map(List::values);
    let special = (0..).zip(kinds).filter_map(|(token, kind)| match kind {
        Value::Integer(kind) if SPECIAL.contains(&kind) => Some(token),
        _ => None,
    });
    let special = special.collect();
    let merges = texts("tokenizer.ggml.merges")?;
    let subwords = Subwords { tokens, merges, special, split_digits };
    SubwordTokenizer::new(&subwords).map(drop)?;
    Ok(Some(subwords))
}

/// The parts of a `tokenizer.json` that are read.
#[derive(Deserialize)]
struct TokenizerFile {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Option<Json>,
    pre_tokenizer: Option<Json>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    vocab: Json,
    #[serde(default)]
    merges: Vec<Merge>,
}

/// Older files join the two with a space.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Joined(String),
    Pair(String, String),
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
}

/// The tokenizer of Hugging Face in a `tokenizer.json`.
///
/// # Errors
/// If it cannot be read, or has parts that are not read.
pub fn subwords_of_json(text: &str) -> Result<Subwords, String> {
    let file: TokenizerFile =
        read_json(text).map_err(|error| format!("it cannot be read: {error}"))?;
    match file.model.kind.as_deref() {
        Some("BPE") | None => {}
        Some(kind) => {
            return Err(format!("its model is `{kind}`, but only `BPE` is read"));
        }
    }
    if let Some(normalizer) = &file.normalizer {
        return Err(format!("it has the normalizer `{}`; none is read", kind_of(normalizer)));
    }
    let mut split_digits = false;
    let mut on_bytes = false;
    let steps = match &file.pre_tokenizer {
        Some(step) => match step["pretokenizers"].as_array() {
            Some(steps) => steps.clone(),
            None => vec![step.clone()],
        },
        None => Vec::new(),
    };
    for step in &steps {
        match kind_of(step) {
            "Digits" if step["individual_digits"] == true => split_digits = true,
            "ByteLevel" if step["add_prefix_space"] == false && step["use_regex"] != false => {
                on_bytes = true;
            }
            other => {
                return Err(format!("its pre-tokenizer `{other}` is not read in this form"));
            }
        }
    }
    if !on_bytes {
        return Err("it does not split words as GPT-2 does (`ByteLevel`)".into());
    }
    let vocab: BTreeMap<String, u32> = serde_json::from_value(file.model.vocab)
        .map_err(|error| format!("its vocabulary cannot be read: {error}"))?;
    let special: Vec<u32> = file.added_tokens.iter().map(|token| token.id).collect();
    let named = vocab.into_iter().map(|(text, token)| (token, text));
    let added = file.added_tokens.into_iter().map(|token| (token.id, token.content));
    let by_number: BTreeMap<u32, String> = named.chain(added).collect();
    if by_number.keys().zip(0..).any(|(token, place)| *token != place) {
        return Err("its tokens are not numbered from 0 without a gap".into());
    }
    let merges = file.model.merges.into_iter().map(|merge| match merge {
        Merge::Joined(joined) => joined,
        Merge::Pair(left, right) => format!("{left} {right}"),
    });
    let merges = merges.collect();
    let subwords =
        Subwords { tokens: by_number.into_values().collect(), merges, special, split_digits };
    SubwordTokenizer::new(&subwords).map(drop)?;
    Ok(subwords)
}

fn kind_of(step: &Json) -> &str {
    step["type"].as_str().unwrap_or("without a type")
}

/// Text to tokens and back.
pub struct SubwordTokenizer {
    /// What each token stands for.
    bytes: Vec<Vec<u8>>,
    /// Token of each byte. Rare bytes may have none: they are left out of a text, as the
    /// original programs do.
    singles: [Option<u32>; 256],
    /// Rank of a pair, and the token that it becomes.
    pairs: HashMap<(u32, u32), (u32, u32)>,
    /// Texts of special tokens, the longest first.
    special: Vec<(String, u32)>,
    split_digits: bool,
}

impl SubwordTokenizer {
    /// The tokenizer of `subwords`.
    ///
    /// # Errors
    /// If no byte has a token, or a pair is of tokens that there are not.
    pub fn new(subwords: &Subwords) -> Result<Self, String> {
        let numbers: HashMap<&str, u32> =
            subwords.tokens.iter().map(String::as_str).zip(0..).collect();
        let mut singles = [None; 256];
        let mut letters = HashMap::new();
        for (byte, letter) in byte_letters().into_iter().enumerate() {
            letters.insert(letter, byte as u8);
            singles[byte] = numbers.get(letter.to_string().as_str()).copied();
        }
        if singles.iter().all(Option::is_none) {
            return Err("its vocabulary has no tokens for bytes".into());
        }
        let mut pairs = HashMap::with_capacity(subwords.merges.len());
        for (rank, merge) in subwords.merges.iter().enumerate() {
            let tokens = merge.split_once(' ').and_then(|(left, right)| {
                let joined = format!("{left}{right}");
                Some(((*numbers.get(left)?, *numbers.get(right)?), *numbers.get(joined.as_str())?))
            });
            let (pair, joined) =
                tokens.ok_or_else(|| format!("its merge `{merge}` is of unknown tokens"))?;
            pairs.entry(pair).or_insert((rank as u32, joined));
        }
        let mut bytes: Vec<Vec<u8>> = subwords
            .tokens
            .iter()
            .map(|text| {
                let known: Option<Vec<u8>> =
                    text.chars().map(|letter| letters.get(&letter).copied()).collect();
                known.unwrap_or_else(|| text.clone().into_bytes())
            })
            .collect();
        let mut special = Vec::with_capacity(subwords.special.len());
        for &token in &subwords.special {
            let text = subwords
                .tokens
                .get(token as usize)
                .ok_or_else(|| format!("its special token {token} is outside its vocabulary"))?;
            bytes[token as usize] = text.clone().into_bytes();
            if !text.is_empty() {
                special.push((text.clone(), token));
            }
        }
        special.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Ok(Self { bytes, singles, pairs, special, split_digits: subwords.split_digits })
    }

    /// The tokens of a text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::with_capacity(text.len() / 3);
        let mut rest = text;
        while let Some((start, length, token)) = self.next_special(rest) {
            self.encode_plain(&rest[..start], &mut tokens);
            tokens.push(token);
            rest = &rest[start + length..];
        }
        self.encode_plain(rest, &mut tokens);
        tokens
    }

    /// What a token stands for; none outside the vocabulary.
    pub fn bytes(&self, token: u32) -> Option<&[u8]> {
        self.bytes.get(token as usize).map(Vec::as_slice)
    }

    /// Where the first special token stands, how long it is, and which; the longest of
    /// several that begin there.
    fn next_special(&self, text: &str) -> Option<(usize, usize, u32)> {
        let found = self.special.iter().filter_map(|(name, token)| {
            text.find(name.as_str()).map(|start| (start, name.len(), *token))
        });
        found.min_by_key(|(start, length, _)| (*start, Reverse(*length)))
    }

    fn encode_plain(&self, text: &str, tokens: &mut Vec<u32>) {
        if !self.split_digits {
            return self.encode_words(text, tokens);
        }
        let mut start = 0;
        for (at, digit) in text.char_indices().filter(|(_, letter)| letter.is_numeric()) {
            let end = at + digit.len_utf8();
            self.encode_words(&text[start..at], tokens);
            self.encode_words(&text[at..end], tokens);
            start = end;
        }
        self.encode_words(&text[start..], tokens);
    }

    fn encode_words(&self, text: &str, tokens: &mut Vec<u32>) {
        let mut start = 0;
        while let Some(word) = WORDS.find_at(text, start) {
            let mut word = word.as_str();
            let is_space = word.chars().all(char::is_whitespace);
            if is_space && start + word.len() < text.len() {
                // All but the last character, where there are several.
                let last = word.chars().next_back().map_or(0, char::len_utf8);
                if last < word.len() {
                    word = &word[..word.len() - last];
                }
            }
            self.encode_word(word, tokens);
            start += word.len();
        }
    }

    /// Joins the pair of the lowest rank, of several the first, until no pair is known. Pairs wait
    /// in a heap, so that a word of a whole book takes no square of its length.
    fn encode_word(&self, word: &str, tokens: &mut Vec<u32>) {
        let mut parts: Vec<Option<u32>> =
            word.bytes().filter_map(|byte| self.singles[usize::from(byte)]).map(Some).collect();
        // The parts beside each that are not joined to another yet; `end` is none.
        let end = parts.len();
        let mut after: Vec<usize> = (1..=end).collect();
        let mut before: Vec<usize> = (0..end).map(|at| at.checked_sub(1).unwrap_or(end)).collect();
        let pair = |parts: &[Option<u32>], at: usize, next: usize| {
            let pair = (*parts.get(at)?, *parts.get(next)?);
            let (Some(left), Some(right)) = pair else { return None };
            let (rank, joined) = self.pairs.get(&(left, right))?;
            Some(Reverse((*rank, at, left, right, *joined)))
        };
        let mut waiting: BinaryHeap<_> =
            (0..end).filter_map(|at| pair(&parts, at, at + 1)).collect();
        while let Some(Reverse((_, at, left, right, joined))) = waiting.pop() {
            let next = after[at];
            // One of the two was joined to another part meanwhile.
            if next == end || (parts[at], parts[next]) != (Some(left), Some(right)) {
                continue;
            }
            (parts[at], parts[next]) = (Some(joined), None);
            after[at] = after[next];
            if after[at] != end {
                before[after[at]] = at;
            }
            waiting.extend(pair(&parts, before[at], at));
            waiting.extend(pair(&parts, at, after[at]));
        }
        tokens.extend(parts.into_iter().flatten());
    }
}

/// The character that stands for each byte, as GPT-2 chose them: itself where it can be
/// seen, else one from U+0100 on.
fn byte_letters() -> [char; 256] {
    let mut next = 0x100;
    std::array::from_fn(|byte| {
        let byte = byte as u8;
        match byte {
            b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => char::from(byte),
            _ => {
                next += 1;
                char::from_u32(next - 1).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
        }
    })
}
