//! What kinds of files are called, and what to do with them.

use super::FileKind;

impl FileKind {
    /// What it is called, with its article.
    pub fn what(self) -> &'static str {
        match self {
            Self::Empty => "an empty file",
            Self::Text => "a text",
            Self::CarriageReturns => "a text whose lines end in carriage returns alone",
            Self::Json => "JSON",
            Self::JsonLines => "JSON lines",
            Self::Html => "a web page (HTML)",
            Self::GitLfs => "a pointer of Git LFS, not the file itself",
            Self::Utf16 { big_endian: false } => "a text in UTF-16 (little-endian)",
            Self::Utf16 { big_endian: true } => "a text in UTF-16 (big-endian)",
            Self::Utf32 => "a text in UTF-32",
            Self::OtherEncoding => "not UTF-8",
            Self::Numbers16 => "a list of 16-bit numbers, as nanoGPT keeps tokens",
            Self::LlmC => "a token file of llm.c",
            Self::Safetensors => "a safetensors file",
            Self::PyTorch => "a file of PyTorch",
            Self::PyTorchLegacy => "a file of PyTorch, of its old form",
            Self::Pickle => "a Python pickle",
            Self::Npy => "a NumPy array (.npy)",
            Self::Npz => "an archive of NumPy arrays (.npz)",
            Self::Gguf => "a GGUF model",
            Self::Ggml => "a GGML model",
            Self::Onnx => "an ONNX model",
            Self::Hdf5 => "an HDF5 file",
            Self::Parquet => "a Parquet table",
            Self::Arrow => "an Arrow table",
            Self::Sqlite => "an SQLite database",
            Self::Gzip => "a gzip file",
            Self::Bzip2 => "a bzip2 file",
            Self::Xz => "an xz file",
            Self::Zstd => "a zstd file",
            Self::SevenZip => "a 7z archive",
            Self::Zip => "a zip archive",
            Self::Office => "a document or spreadsheet of an office program",
            Self::Tar => "a tar archive",
            Self::Pdf => "a PDF",
            Self::Png => "a PNG picture",
            Self::Jpeg => "a JPEG picture",
            Self::Gif => "a GIF picture",
            Self::Webp => "a WebP picture",
            Self::Bmp => "a BMP picture",
            Self::Tiff => "a TIFF picture",
            Self::Heif => "a HEIC or AVIF picture, or a video",
            Self::Program => "a program or library",
            Self::AppleDouble => "a file of macOS about another file (its name begins with `._`)",
            Self::Binary => "no text and of no known format",
        }
    }

    /// What to do with it, where something else was wanted.
    pub fn next_step(self) -> &'static str {
        // A page has no files and no command line.
        if cfg!(feature = "files") { self.on_command_line() } else { self.on_page() }
    }

    fn on_command_line(self) -> &'static str {
        match self {
            Self::Empty => "Copy or download it again.",
            Self::Text => "Texts to train on are given with --data FILE (`train`).",
            Self::CarriageReturns => "Turn them into line feeds: tr '\\r' '\\n' < FILE > NEW.",
            Self::Json => {
                "Of texts, write JSON lines (.jsonl): an object {\"text\": \"…\"} on every line. A `config.json` belongs to `convert`."
            }
            Self::JsonLines => {
                "It is for language models, which read the field `text` of every line of a .jsonl file, and for question models, which read `question` and `answer`."
            }
            Self::Html => "Download the file itself, not the page that shows it.",
            Self::GitLfs => "Run `git lfs pull` where it comes from, or download the file itself.",
            Self::Utf16 { big_endian: false } => {
                "Save it as UTF-8: iconv -f UTF-16LE -t UTF-8 FILE > NEW."
            }
            Self::Utf16 { big_endian: true } => {
                "Save it as UTF-8: iconv -f UTF-16BE -t UTF-8 FILE > NEW."
            }
            Self::Utf32 => "Save it as UTF-8: iconv -f UTF-32 -t UTF-8 FILE > NEW.",
            Self::OtherEncoding => {
                "Save it as UTF-8 (iconv -f LATIN1 -t UTF-8 FILE > NEW), or check that it is a text file."
            }
            Self::Numbers16 | Self::LlmC => {
                "Token files are given with --data; their names end in .bin, and a `meta.pkl` beside them names the characters."
            }
            Self::Safetensors => {
                "A checkpoint of this program is given first (generate, eval, solve, classify); weights of another program go through `trm-native convert FILE --from FORMAT --to NEW.safetensors`."
            }
            Self::PyTorch | Self::PyTorchLegacy => {
                "Convert it first: trm-native convert FILE --from FORMAT --to NEW.safetensors."
            }
            Self::Pickle => {
                "Pickles can run programs and are not opened. Save tensors with torch.save or as safetensors, and convert them (trm-native convert)."
            }
            Self::Npy | Self::Npz => {
                "Puzzles as arrays are given as the data folder of the official code, with `train` and `test` (--data FOLDER)."
            }
            Self::Gguf => {
                "As the base of a question model it is given with --base FILE; for other uses convert it: trm-native convert FILE --from gguf --to NEW.safetensors."
            }
            Self::Ggml | Self::Onnx | Self::Hdf5 => {
                "Save the weights as safetensors or with torch.save, and convert them (trm-native convert)."
            }
            Self::Parquet | Self::Arrow | Self::Sqlite => {
                "Export it: texts as JSON lines (.jsonl) or UTF-8, puzzles as CSV."
            }
            Self::Gzip => "Unpack it first (gunzip FILE).",
            Self::Bzip2 => "Unpack it first (bunzip2 FILE).",
            Self::Xz => "Unpack it first (unxz FILE).",
            Self::Zstd => "Unpack it first (unzstd FILE).",
            Self::Zip | Self::SevenZip => "Unpack it first, and give the file that is in it.",
            Self::Tar => {
                "Unpack it first (tar -xf FILE), and give the file or folder that is in it."
            }
            Self::Office => "Save it as text (UTF-8), or as CSV.",
            Self::Pdf => "Save its text as UTF-8.",
            Self::Png | Self::Jpeg | Self::Gif | Self::Webp => {
                "Pictures go to `trm-native classify MODEL FILE`; a folder of them trains an image model (--data FOLDER)."
            }
            Self::Bmp | Self::Tiff | Self::Heif => "Save it as PNG, JPEG or WebP.",
            Self::Program => "Check the path.",
            Self::AppleDouble => "Give the file without `._` in its name.",
            Self::Binary => "Check that it is the right file, and whole.",
        }
    }

    fn on_page(self) -> &'static str {
        match self {
            Self::Empty => "Choose another file, or download it again.",
            Self::Text => {
                "If it is a text to train on, rename it so that it ends in .txt, and drop it on the Language page."
            }
            Self::CarriageReturns => "Save it with line feeds (LF) as line ends.",
            Self::Json => {
                "Only the Puzzles page opens JSON files (.json): tasks of ARC. Save a text to train on as plain text (.txt)."
            }
            Self::JsonLines => "Save a text to train on as plain text (.txt, UTF-8).",
            Self::Html | Self::GitLfs => {
                "Download the file itself, not the page or pointer that stands for it."
            }
            Self::Utf16 { .. } | Self::Utf32 | Self::OtherEncoding => "Save it as UTF-8.",
            Self::Numbers16 | Self::LlmC => {
                "A page does not open token files. Choose the text that they were made of (.txt, UTF-8)."
            }
            Self::Gguf => {
                "If it is a base model, rename it so that it ends in .gguf, and drop it on the Questions page."
            }
            Self::Safetensors
            | Self::PyTorch
            | Self::PyTorchLegacy
            | Self::Pickle
            | Self::Ggml
            | Self::Onnx
            | Self::Hdf5 => {
                "Choose a checkpoint that trm-native or this page has written (.safetensors)."
            }
            Self::Program | Self::Binary => {
                "Choose a checkpoint that trm-native or this page has written (.safetensors), or a text (.txt, UTF-8)."
            }
            Self::Npy | Self::Npz => {
                "A page does not open arrays. Save puzzles as text or CSV, pictures as PNG, JPEG or WebP."
            }
            Self::Parquet | Self::Arrow | Self::Sqlite | Self::Office => {
                "Save a text as plain text (.txt, UTF-8), puzzles as CSV."
            }
            Self::Gzip
            | Self::Bzip2
            | Self::Xz
            | Self::Zstd
            | Self::SevenZip
            | Self::Zip
            | Self::Tar => "Unpack it, and choose the file that is in it.",
            Self::Pdf => "Save its text as plain text (.txt, UTF-8).",
            Self::Png | Self::Jpeg | Self::Gif | Self::Webp => {
                "Rename it so that it ends like a picture (.png, .jpg, .webp), and drop it on the Images page."
            }
            Self::Bmp | Self::Tiff | Self::Heif => {
                "Save it as PNG, JPEG or WebP, and drop it on the Images page."
            }
            Self::AppleDouble => "Choose the file without `._` in its name.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [FileKind; 45] = [
        FileKind::Empty,
        FileKind::Text,
        FileKind::CarriageReturns,
        FileKind::Json,
        FileKind::JsonLines,
        FileKind::Html,
        FileKind::GitLfs,
        FileKind::Utf16 { big_endian: false },
        FileKind::Utf16 { big_endian: true },
        FileKind::Utf32,
        FileKind::OtherEncoding,
        FileKind::Numbers16,
        FileKind::LlmC,
        FileKind::Safetensors,
        FileKind::PyTorch,
        FileKind::PyTorchLegacy,
        FileKind::Pickle,
        FileKind::Npy,
        FileKind::Npz,
        FileKind::Gguf,
        FileKind::Ggml,
        FileKind::Onnx,
        FileKind::Hdf5,
        FileKind::Parquet,
        FileKind::Arrow,
        FileKind::Sqlite,
        FileKind::Gzip,
        FileKind::Bzip2,
        FileKind::Xz,
        FileKind::Zstd,
        FileKind::SevenZip,
        FileKind::Zip,
        FileKind::Office,
        FileKind::Tar,
        FileKind::Pdf,
        FileKind::Png,
        FileKind::Jpeg,
        FileKind::Gif,
        FileKind::Webp,
        FileKind::Bmp,
        FileKind::Tiff,
        FileKind::Heif,
        FileKind::Program,
        FileKind::AppleDouble,
        FileKind::Binary,
    ];

    #[test]
    fn a_page_gives_no_advice_for_the_command_line() {
        for kind in ALL {
            let words = kind.on_page();
            assert!(words.ends_with('.'), "{kind:?}: {words}");
            for foreign in ["--", "FILE", "FOLDER", "iconv", "convert", "(`", "tar -", "zip "] {
                assert!(!words.contains(foreign), "{kind:?}: {words}");
            }
        }
        assert!(FileKind::Text.on_page().contains("drop it on the Language page"));
        assert!(FileKind::Png.on_page().contains("drop it on the Images page"));
        assert!(FileKind::Gguf.on_page().contains("drop it on the Questions page"));
        assert!(FileKind::PyTorch.on_page().contains("trm-native or this page has written"));
    }

    #[test]
    fn the_program_gives_the_command() {
        assert!(FileKind::Text.on_command_line().contains("--data FILE"));
        assert!(FileKind::PyTorch.on_command_line().contains("trm-native convert FILE"));
        for kind in ALL {
            let shown =
                if cfg!(feature = "files") { kind.on_command_line() } else { kind.on_page() };
            assert_eq!(kind.next_step(), shown, "{kind:?}");
        }
    }
}
