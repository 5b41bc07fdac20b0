//! Every tokeniser: what it makes of any text, and that the text comes back.

use proptest::prelude::*;
use trm_data::{DataError, Decoder, TextDataset, decode, encode, extent, gpt2, vocabulary};
use trm_spec::{DataSpec, Tokenizer, Vocab};

#[cfg(feature = "bpe")]
const ALL: [Tokenizer; 3] = [Tokenizer::Char, Tokenizer::Byte, Tokenizer::Gpt2];
#[cfg(not(feature = "bpe"))]
const ALL: [Tokenizer; 2] = [Tokenizer::Char, Tokenizer::Byte];

/// Any text, with much white space, so that it is cut in many places.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            any::<char>(),
            "[ \n\ta-z'0-9]".prop_map(|s: String| s.chars().next().unwrap_or(' '))
        ],
        0..300,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn any_text_comes_back(text in text()) {
        for tokenizer in ALL {
            let vocab = vocabulary(tokenizer, &text);
            let tokens = encode(&vocab, &text).expect("any text");
            prop_assert!(tokens.iter().all(|token| (*token as usize) < vocab.size()));
            prop_assert_eq!(&decode(&vocab, &tokens), &text);
            let found = extent(&vocab, &tokens);
            prop_assert_eq!(found.tokens, tokens.len());
            prop_assert_eq!(found.characters, text.chars().count());
            prop_assert_eq!(found.bytes, text.len());
            prop_assert_eq!(found.words, text.split_ascii_whitespace().count());
        }
    }

    /// However a stream of tokens is cut, the pieces make up the same text.
    #[test]
    fn any_tokens_read_the_same_in_pieces(
        tokens in prop::collection::vec(0_u32..300, 0..80),
        cuts in prop::collection::vec(1_usize..5, 0..80),
    ) {
        let chars = Vocab::Char { chars: ('a'..='ž').collect() };
        for vocab in [chars, Vocab::Byte, gpt2(), Vocab::Plain { size: 300 }] {
            let mut decoder = Decoder::new(&vocab);
            let (mut read, mut rest) = (String::new(), &tokens[..]);
            for cut in &cuts {
                let (piece, later) = rest.split_at((*cut).min(rest.len()));
                read += &decoder.push(piece);
                rest = later;
            }
            read += &decoder.push(rest);
            read += &decoder.finish();
            prop_assert_eq!(read, decode(&vocab, &tokens));
            let pieces = Decoder::new(&vocab).pieces(&tokens);
            prop_assert_eq!(pieces.len(), tokens.len());
            let mut decoder = Decoder::new(&vocab);
            prop_assert_eq!(pieces.concat(), decoder.push(&tokens));
        }
    }

    #[test]
    fn bytes_that_are_no_text_read_as_the_standard_library_reads_them(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let tokens: Vec<u32> = bytes.iter().map(|byte| u32::from(*byte)).collect();
        prop_assert_eq!(decode(&Vocab::Byte, &tokens), String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn a_character_appears_when_its_last_byte_is_there() {
    let mut decoder = Decoder::new(&Vocab::Byte);
    let bytes: Vec<u32> = "é🍐".bytes().map(u32::from).collect();
    let pieces: Vec<String> = bytes.iter().map(|byte| decoder.push(&[*byte])).collect();
    assert_eq!(pieces, ["", "é", "", "", "", "🍐"]);
    assert_eq!(decoder.push(&bytes[2..4]), "");
    assert_eq!((decoder.finish(), decoder.finish()), ("\u{fffd}".into(), String::new()));
}

#[test]
fn numbers_outside_the_vocabulary_are_marked() {
    assert_eq!(decode(&Vocab::Byte, &[104, 256, 105]), "h\u{fffd}i");
    assert_eq!(decode(&Vocab::Byte, &[0xc3, 4000]), "\u{fffd}\u{fffd}");
}

#[test]
fn the_specification_chooses_the_tokeniser() {
    for (tokenizer, size) in [(Tokenizer::Char, 2), (Tokenizer::Byte, 256)] {
        let spec = DataSpec { tokenizer, val_fraction: 0.0, ..DataSpec::default() };
        let corpus = TextDataset::from_spec(&spec, "häh", None).expect("a corpus");
        assert_eq!(corpus.vocab().size(), size);
    }
    let spec = DataSpec { tokenizer: Tokenizer::Byte, ..DataSpec::default() };
    let error = TextDataset::from_spec(&spec, "hä", None).expect("a corpus").check_block(4);
    assert!(error.expect_err("too short").to_string().contains("has 2 bytes"));
    // A model's own vocabulary comes first.
    let chars = Vocab::Char { chars: "ab".into() };
    let corpus = TextDataset::from_spec(&spec, "abba", Some(&chars)).expect("a corpus");
    assert_eq!(corpus.vocab(), &chars);
}

#[test]
fn an_unknown_encoding_is_refused() {
    let vocab = Vocab::Bpe { name: "gpt2".into(), size: 50_257, sha256: "0".repeat(64) };
    let error = encode(&vocab, "a").expect_err("other ranks");
    assert!(matches!(error, DataError::UnknownEncoding { .. }));
    assert!(error.to_string().contains("gpt2"), "{error}");
    assert_eq!(decode(&vocab, &[7, 8]), "7 8 ");
}

#[cfg(not(feature = "bpe"))]
#[test]
fn without_the_encoding_it_says_who_has_it() {
    let error = encode(&gpt2(), "a").expect_err("not built in");
    assert!(matches!(error, DataError::NoEncoding { .. }));
    assert!(error.hint().contains("command-line program"), "{}", error.hint());
}

#[cfg(feature = "bpe")]
mod gpt2_encoding {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};
    use trm_data::{END_OF_TEXT, GPT2_SHA256};

    use super::*;

    /// Computed with OpenAI's `tiktoken` 0.12 from the published ranks.
    #[test]
    fn tokens_are_open_ais() {
        let cases: [(&str, &[u32]); 7] = [
            ("hii there", &[71, 4178, 612]),
            (
                "First Citizen:\nBefore we proceed any further, hear me speak.\n",
                &[5962, 22307, 25, 198, 8421, 356, 5120, 597, 2252, 11, 3285, 502, 2740, 13, 198],
            ),
            (
                "I'm can't  we'll\t\n\n  x",
                &[40, 1101, 460, 470, 220, 356, 1183, 197, 628, 220, 2124],
            ),
            (
                "Grüße, 你好 – 🍐 1234½",
                &[
                    8642, 9116, 39683, 68, 11, 220, 19526, 254, 25001, 121, 784, 12520, 235, 238,
                    1105, 2682, 23141,
                ],
            ),
            ("<|endoftext|>", &[27, 91, 437, 1659, 5239, 91, 29]),
            ("a\u{3000}\u{3000}b\u{a0} c", &[64, 5099, 222, 5099, 222, 65, 1849, 269]),
            (" \n\n a\r\nb", &[220, 628, 257, 201, 198, 65]),
        ];
        for (text, tokens) in cases {
            assert_eq!(encode(&gpt2(), text).expect("encoded"), tokens, "{text:?}");
        }
    }

    /// A character that several tokens make up belongs to the last of them.
    #[test]
    fn pieces_of_tokens_are_their_text() {
        let text = "Grüße, 你好 – 🍐 1234½";
        let tokens = encode(&gpt2(), text).expect("encoded");
        let pieces = Decoder::new(&gpt2()).pieces(&tokens);
        let expected = [
            "Gr", "ü", "ß", "e", ",", " ", "", "你", "", "好", " –", " ", "", "🍐", " 12", "34",
            "½",
        ];
        assert_eq!(pieces, expected);
    }

    /// The ranks that are built in are the published ones.
    #[test]
    fn ranks_have_the_published_digest() {
        let mut digest = Sha256::new();
        for rank in 0..END_OF_TEXT {
            let bytes = tiktoken::get_encoding("r50k_base").expect("built in").decode(&[rank]);
            digest.update(format!("{} {rank}\n", STANDARD.encode(bytes)));
        }
        let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, GPT2_SHA256);
        assert_eq!(decode(&gpt2(), &[END_OF_TEXT]), "<|endoftext|>");
        assert_eq!(decode(&gpt2(), &[END_OF_TEXT + 1]), "\u{fffd}");
    }

    /// Long texts are encoded in pieces; the result does not show it.
    #[test]
    fn pieces_do_not_show() {
        let line = "It's  a\u{3000}long \t\n\n tale, 1001 nights — told\r\n by   one voice. ";
        let text = line.repeat(10_000);
        let whole = tiktoken::get_encoding("r50k_base").expect("built in").encode(&text);
        assert_eq!(encode(&gpt2(), &text).expect("encoded"), whole);
    }

    #[test]
    fn texts_without_a_seam_are_encoded_all_the_same() {
        for text in ["a".repeat(200_000), " ".repeat(200_000), " ".repeat(200_000) + "x"] {
            let tokens = encode(&gpt2(), &text).expect("encoded");
            assert_eq!(decode(&gpt2(), &tokens), text);
        }
    }
}
