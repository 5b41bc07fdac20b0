//! What a file is, by its bytes.

use proptest::prelude::*;
use trm_data::FileKind;

const TEXT: &str = "First Citizen:\nBefore we proceed any further, hear me speak.\n";

/// A zip archive's first header, with the name of its first file.
fn zip(name: &str) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.resize(26, 0);
    bytes.extend([name.len() as u8, 0, 0, 0]);
    bytes.extend(name.as_bytes());
    bytes
}

fn units(text: &str, of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(of).collect()
}

#[test]
fn every_kind_is_known_by_its_bytes() {
    let bom = |text: &str| format!("\u{feff}{text}");
    let mut tar = b"a.txt".to_vec();
    tar.resize(257, 0);
    tar.extend(b"ustar\x0000");
    let mut safetensors = 40_u64.to_le_bytes().to_vec();
    safetensors.extend(br#"{"a":{"dtype":"F32","shape":[],"#);
    let long_array = format!("[{}", "\"a word\", ".repeat(20_000));
    let long_lines = "{\"text\": \"a\"}\n".repeat(20_000);
    let lines = "{\"text\": \"a\"}\n{\"text\": \"b\"}\n".to_owned();
    let tokens: Vec<u8> = (0..400_u16).flat_map(|n| (n * 7 % 65).to_le_bytes()).collect();
    let utf32: Vec<u8> = TEXT.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let latin: Vec<u8> = "caf\u{e9} ".repeat(20).chars().map(|c| c as u8).collect();
    let chinese = "天地玄黄，宇宙洪荒。\n日月盈昃，辰宿列张。\n";
    let russian = "Все счастливые семьи похожи друг на друга.\n";
    let le = FileKind::Utf16 { big_endian: false };
    let be = FileKind::Utf16 { big_endian: true };
    for (bytes, kind) in [
        (Vec::new(), FileKind::Empty),
        (TEXT.into(), FileKind::Text),
        (bom(TEXT).into(), FileKind::Text),
        (TEXT.replace('\n', "\r\n").into(), FileKind::Text),
        (TEXT.replace('\n', "\r").into(), FileKind::CarriageReturns),
        (b"[Enter a ghost]\nWho is there?\n".to_vec(), FileKind::Text),
        (b"[1] {2} A footnote.\n".to_vec(), FileKind::Text),
        (b"1 2 3\n4 5 6\n".to_vec(), FileKind::Text),
        (b"\"a\"\n".to_vec(), FileKind::Text),
        (b"  {\"a\": [1, 2]}\n".to_vec(), FileKind::Json),
        (bom("[1, 2]").into(), FileKind::Json),
        (long_array.into(), FileKind::Json),
        (lines.into(), FileKind::JsonLines),
        (long_lines.into(), FileKind::JsonLines),
        (b"{\"a\": 1\n".to_vec(), FileKind::Text),
        (b"\n<!DOCTYPE HTML><p>".to_vec(), FileKind::Html),
        (b"<html lang=\"en\">".to_vec(), FileKind::Html),
        (b"version https://git-lfs.github.com/spec/v1\n".to_vec(), FileKind::GitLfs),
        (units(TEXT, u16::to_le_bytes), le),
        (units(TEXT, u16::to_be_bytes), be),
        (units(&bom(TEXT), u16::to_le_bytes), le),
        (units(&bom(TEXT), u16::to_be_bytes), be),
        (units(chinese, u16::to_le_bytes), le),
        (units(chinese, u16::to_be_bytes), be),
        (units(russian, u16::to_le_bytes), le),
        (units(russian, u16::to_be_bytes), be),
        (utf32, FileKind::Utf32),
        (latin, FileKind::OtherEncoding),
        (tokens, FileKind::Numbers16),
        (safetensors, FileKind::Safetensors),
        (zip("archive/data.pkl"), FileKind::PyTorch),
        (zip("model/.format_version"), FileKind::PyTorch),
        (zip("arr_0.npy"), FileKind::Npz),
        (zip("[Content_Types].xml"), FileKind::Office),
        (zip("a.txt"), FileKind::Zip),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec(), FileKind::PyTorchLegacy),
        (b"\x80\x04\x95\x0b\0\0\0".to_vec(), FileKind::Pickle),
        (b"\x93NUMPY\x01\0".to_vec(), FileKind::Npy),
        (b"GGUF\x03\0\0\0".to_vec(), FileKind::Gguf),
        (b"\x1f\x8b\x08\0".to_vec(), FileKind::Gzip),
        (b"%PDF-1.7\n".to_vec(), FileKind::Pdf),
        (b"\x89PNG\r\n\x1a\n".to_vec(), FileKind::Png),
        (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), FileKind::Webp),
        (b"BM\x46\x01\0\0\0\0\0\0\x36\0\0\0".to_vec(), FileKind::Bmp),
        (b"II*\0\x08\0\0\0".to_vec(), FileKind::Tiff),
        (b"\0\0\0\x18ftypheic\0\0\0\0".to_vec(), FileKind::Heif),
        (b"\x7fELF\x02".to_vec(), FileKind::Program),
        (tar, FileKind::Tar),
        (format!("{TEXT}\0{TEXT}").into(), FileKind::Binary),
        ("a\u{1}\u{2}b\u{3}".repeat(20).into(), FileKind::Binary),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(30)]).into_owned();
        assert_eq!(FileKind::of(&bytes), kind, "{shown:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let kind = FileKind::of(&bytes);
        prop_assert!(!kind.what().is_empty() && !kind.next_step().is_empty());
    }

    #[test]
    fn the_words_of_any_script_are_text(text in "[a-zA-Z0-9 .,\nа-яα-ω一-龠éèüñ]{1,200}") {
        prop_assume!(!text.trim().is_empty());
        prop_assert_eq!(FileKind::of(text.as_bytes()), FileKind::Text);
    }
}

#[test]
fn a_text_with_a_few_damaged_bytes_is_not_taken_for_utf_16() {
    let of = |bytes: &[u8]| FileKind::of(bytes);
    assert_eq!(of(&[&[b'a'; 3000][..], b"\0", &[b'b'; 3000]].concat()), FileKind::Binary);
    assert_eq!(of(&b"abc\xc0\x80".repeat(1000)), FileKind::OtherEncoding);
    assert_eq!(of(&["ä".repeat(3000).as_bytes(), b"\xc3"].concat()), FileKind::OtherEncoding);
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for text in ["To be, or not to be: that is the question.", "中文字符编码的一个例子在这里"]
    {
        assert_eq!(of(&wide(text)), FileKind::Utf16 { big_endian: false }, "{text}");
    }
}
