//! Tokenizers of pretrained models from `tokenizer.json`.

use proptest::prelude::*;
use serde_json::{Value, json};
use trm_data::{decode, encode, subwords_of_json};
use trm_spec::Vocab;

/// A tokenizer of a few letters: `ab`, ` ab` and the special `<x>` are tokens.
fn file(pre_tokenizer: Value) -> Value {
    json!({
        "added_tokens": [{ "id": 8, "content": "<x>", "special": true }],
        "normalizer": null,
        "pre_tokenizer": pre_tokenizer,
        "model": {
            "type": "BPE",
            "vocab": { "a": 0, "b": 1, "Ġ": 2, "1": 3, "ab": 4, "Ġab": 5, "11": 6, "Ċ": 7 },
            "merges": ["a b", ["Ġ", "ab"], "1 1"],
        },
    })
}

fn byte_level() -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": false, "use_regex": true })
}

fn vocab(file: &Value) -> Vocab {
    Vocab::Subword(subwords_of_json(&file.to_string()).expect("read"))
}

#[test]
fn pairs_are_joined_inside_words() {
    let vocab = vocab(&file(byte_level()));
    assert_eq!(vocab.size(), 9);
    for (text, tokens) in [
        ("ab", vec![4]),
        ("ab ab", vec![4, 5]),
        ("ab  ab", vec![4, 2, 5]),
        ("ba", vec![1, 0]),
        ("a b", vec![0, 2, 1]),
        ("11", vec![6]),
        ("ab \n", vec![4, 2, 7]),
        ("<x>ab<x", vec![8, 4]),
        ("a<x>b", vec![0, 8, 1]),
        ("", vec![]),
    ] {
        let found = encode(&vocab, text).expect("encoded");
        assert_eq!(found, tokens, "{text:?}");
    }
    assert_eq!(decode(&vocab, &[8, 4, 5, 7]), "<x>ab ab\n");
    assert_eq!(decode(&vocab, &[99]), "\u{fffd}");
}

#[test]
fn digits_stand_alone_where_the_model_was_trained_so() {
    let digits = json!({ "type": "Digits", "individual_digits": true });
    let steps = json!({ "type": "Sequence", "pretokenizers": [digits, byte_level()] });
    let vocab = vocab(&file(steps));
    assert_eq!(encode(&vocab, "11").expect("encoded"), [3, 3]);
    // White space in front of a digit is a word of its own.
    assert_eq!(encode(&vocab, "ab 1").expect("encoded"), [4, 2, 3]);
}

#[test]
fn what_is_not_read_is_named() {
    let refused = |file: &Value| subwords_of_json(&file.to_string()).expect_err("refused");
    let with = |key: &str, value: Value| {
        let mut file = file(byte_level());
        file[key] = value;
        refused(&file)
    };
    assert!(with("normalizer", json!({ "type": "NFC" })).contains("`NFC`"));
    assert!(with("pre_tokenizer", json!({ "type": "Whitespace" })).contains("`Whitespace`"));
    assert!(with("pre_tokenizer", Value::Null).contains("ByteLevel"));
    assert!(with("model", json!({ "type": "Unigram" })).contains("`Unigram`"));
    let gap = json!([{ "id": 20, "content": "<y>" }]);
    assert!(with("added_tokens", gap).contains("without a gap"));
    let mut unknown = file(byte_level());
    unknown["model"]["merges"] = json!(["a z"]);
    assert!(refused(&unknown).contains("`a z`"));
    assert!(subwords_of_json("[").expect_err("refused").contains("cannot be read"));
}

/// Merges that overlap, in the order of their ranks.
const MERGES: [(&str, &str); 6] =
    [("a", "b"), ("b", "a"), ("ab", "ab"), ("a", "a"), ("b", "ab"), ("aa", "abab")];

fn overlapping() -> Vocab {
    let joined = MERGES.iter().map(|(left, right)| format!("{left}{right}"));
    let names = ["a".to_owned(), "b".to_owned()].into_iter().chain(joined);
    let tokens: serde_json::Map<_, _> =
        names.enumerate().map(|(id, name)| (name, json!(id))).collect();
    let mut file = file(byte_level());
    file["added_tokens"] = json!([]);
    file["model"]["vocab"] = tokens.into();
    file["model"]["merges"] = json!(MERGES.map(|(left, right)| format!("{left} {right}")));
    vocab(&file)
}

/// The definition: the pair of the lowest rank, of several the first, is joined again and again.
fn by_definition(word: &str) -> Vec<String> {
    let mut parts: Vec<String> = word.chars().map(String::from).collect();
    while let Some((_, at)) = (1..parts.len())
        .filter_map(|at| {
            let rank =
                MERGES.iter().position(|pair| pair.0 == parts[at - 1] && pair.1 == parts[at]);
            Some((rank?, at))
        })
        .min()
    {
        let right = parts.remove(at);
        parts[at - 1].push_str(&right);
    }
    parts
}

proptest! {
    #[test]
    fn pairs_are_joined_in_the_order_of_their_ranks(word in "[ab]{0,40}") {
        let vocab = overlapping();
        let tokens = encode(&vocab, &word).expect("encoded");
        let found: Vec<String> = tokens.iter().map(|token| decode(&vocab, &[*token])).collect();
        prop_assert_eq!(found, by_definition(&word));
    }
}

/// A word as long as a book takes a moment; in time that grows with the square, it took hours.
#[test]
fn a_word_may_be_long() {
    let tokens = encode(&overlapping(), &"ab".repeat(300_000)).expect("encoded");
    assert_eq!(tokens.len(), 150_000);
}
