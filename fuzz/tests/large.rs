//! Inputs of half a megabyte that make as much of every byte as they can: what a reader
//! keeps of them grows with what it has read, by no more than its target allows.

use std::fmt::Write;

/// Bytes of an input, about.
const SIZE: usize = 1 << 19;

/// `part` again and again between `head` and `tail`.
fn repeated(head: &str, part: &str, tail: &str) -> Vec<u8> {
    [head, &part.repeat(SIZE / part.len()), tail].concat().into_bytes()
}

/// A line for each number, made of a template whose `@` is the number.
fn numbered(head: &str, template: &str, tail: &str) -> Vec<u8> {
    let mut text = head.to_owned();
    let mut number = 0;
    while text.len() < SIZE {
        text += &template.replace('@', &format!("{number:x}"));
        number += 1;
    }
    text += tail;
    text.into_bytes()
}

/// A GGUF file with a list of `count` values of type `kind`.
fn gguf_list(kind: u32, value: &[u8]) -> Vec<u8> {
    let count = SIZE / value.len();
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend([0_u64, 1, 1].iter().flat_map(|number| number.to_le_bytes()));
    bytes.push(b'k');
    bytes.extend([9, kind].iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend((count as u64).to_le_bytes());
    bytes.extend(value.repeat(count));
    bytes
}

/// A GGUF file with a tensor whose numbers have four bits.
fn gguf_tensor() -> Vec<u8> {
    let blocks = SIZE / 18;
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend([1_u64, 0, 1].iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend([b't', 1, 0, 0, 0]);
    bytes.extend((32 * blocks as u64).to_le_bytes());
    bytes.extend(2_u32.to_le_bytes());
    bytes.extend(0_u64.to_le_bytes());
    bytes.resize(bytes.len().next_multiple_of(32) + 18 * blocks, 1);
    bytes
}

/// A safetensors file with this header and these data.
fn safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

/// One tensor of all bytes.
fn one_tensor(dtype: &str, width: usize) -> Vec<u8> {
    let numbers = SIZE / width;
    let header = format!(
        r#"{{"a":{{"dtype":"{dtype}","shape":[{numbers}],"data_offsets":[0,{}]}}}}"#,
        numbers * width
    );
    safetensors(&header, numbers * width)
}

/// Many tensors of nothing.
fn empty_tensors() -> Vec<u8> {
    let mut header = String::new();
    for number in 0..SIZE / 60 {
        let comma = if number == 0 { '{' } else { ',' };
        write!(header, r#"{comma}"{number:x}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#)
            .expect("written");
    }
    safetensors(&(header + "}"), 0)
}

/// The stored token file with more tokens.
fn tokens() -> Vec<u8> {
    let seed = include_bytes!("../seeds/tokens/characters");
    let length = u64::from_le_bytes(seed[..8].try_into().expect("eight")) as usize;
    let header = std::str::from_utf8(&seed[8..8 + length]).expect("a text");
    let header = header.replace("[0,152]", &format!("[0,{SIZE}]"));
    let header = header.replace("[76]", &format!("[{}]", SIZE / 2));
    safetensors(&header, SIZE)
}

/// An array of NumPy.
fn npy() -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({SIZE},), }}");
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + SIZE, 1);
    bytes
}

/// A file of idx with one image for each byte of it.
fn idx() -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    bytes.extend([SIZE as u32, 1, 1].iter().flat_map(|number| number.to_be_bytes()));
    bytes.resize(bytes.len() + SIZE, 1);
    bytes
}

fn inputs() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let board = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79";
    vec![
        ("sudoku", "small boards", repeated("", "1...2...3...4...\n", "")),
        ("sudoku", "boards", repeated("", &format!("{board}\n"), "")),
        ("sudoku", "a table", repeated("", &format!("a,{board},\"b\",1\n"), "")),
        ("sudoku", "commas", repeated("", ",", "")),
        ("sudoku", "lines of commas", repeated("puzzle\n", ",,,,,,,\n", "")),
        ("sudoku", "lines", repeated("", "\n", "")),
        ("sudoku", "rows", repeated("", "12..\n..21\n2...\n...2\n\n", "")),
        ("sudoku", "digits", repeated("", "1\n", "")),
        ("sudoku", "digits in a row", repeated("", "1", "")),
        ("maze", "small ones", repeated("", "SG\n\n", "")),
        ("maze", "a column", repeated("", "S\nG\n\n", "")),
        ("maze", "one a line", repeated("", "S             G \n", "")),
        ("maze", "a table", repeated("question\n", "SG  \n", "")),
        ("maze", "commas", repeated("", ",", "")),
        ("maze", "rows", repeated("", "\n", "")),
        ("arc", "numbers", repeated("[", "1,", "1]")),
        ("arc", "lists", repeated("[", "[],", "1]")),
        ("arc", "objects", repeated("[", "{},", "1]")),
        (
            "arc",
            "tasks",
            numbered(
                "{",
                r#""@":{"train":[{"input":[[0]],"output":[[0]]}],"test":[]},"#,
                "\"\":{\"train\":[],\"test\":[]}}",
            ),
        ),
        ("arc", "names", numbered("{", "\"@\":1,", "\"\":1}")),
        ("npy", "bytes", npy()),
        ("gguf", "a list of bytes", gguf_list(0, &[1])),
        ("gguf", "a list of flags", gguf_list(7, &[1])),
        ("gguf", "a list of texts", gguf_list(8, &[0; 8])),
        ("gguf", "a list of lists", gguf_list(9, &[0; 12])),
        ("gguf", "four bits", gguf_tensor()),
        ("idx", "images", idx()),
        ("tokens", "one tensor", tokens()),
        ("bins", "tokens", repeated("", "\x01\0", "")),
        ("meta", "nothing", repeated("(", "N", "l.")),
        ("meta", "marks", repeated("", "(", "l.")),
        ("meta", "lists", repeated("(", "]", "l.")),
        ("meta", "names", repeated("(", "Nq\x01", "l.")),
        ("questions", "short ones", numbered("", "{\"question\":\"@\",\"answer\":\"1\"}\n", "")),
        (
            "questions",
            "a list",
            numbered(
                "[",
                "{\"question\":\"@\",\"answer\":\"1\"},",
                "{\"question\":\"\",\"answer\":\"1\"}]",
            ),
        ),
        ("questions", "numbers", repeated("[", "1,", "1]")),
        ("questions", "names", numbered("{", "\"@\":1,", "\"\":1}")),
        (
            "tokenizer",
            "merges",
            repeated("{\"model\":{\"vocab\":{\"a\":0},\"merges\":[", "\"\",", "\"\"]}}"),
        ),
        (
            "tokenizer",
            "merges in two",
            repeated("{\"model\":{\"vocab\":{\"a\":0},\"merges\":[", "[\"\",\"\"],", "\"\"]}}"),
        ),
        ("tokenizer", "numbers", repeated("{\"model\":{\"vocab\":[", "1,", "1]}}")),
        (
            "tokenizer",
            "vocabulary",
            numbered(
                "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"model\":{\"vocab\":{",
                "\"@\":1,",
                "\"\":1}}}",
            ),
        ),
        (
            "tokenizer",
            "added",
            repeated(
                "{\"model\":{\"vocab\":{\"a\":0}},\"added_tokens\":[",
                "{\"id\":1,\"content\":\"\"},",
                "{\"id\":1,\"content\":\"\"}],\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}}",
            ),
        ),
        ("text", "letters", repeated("", "a", "")),
        ("text", "lines", repeated("", "\n", "")),
        ("text", "documents", repeated("", "{\"text\":\"a\"}\n", "")),
        ("text", "stories", repeated("", "a\n<|endoftext|>\n", "")),
        ("text", "one document", repeated("{\"text\":\"", "a", "\"}")),
        ("config", "numbers of JSON", repeated("{\"a\":[", "1,", "1]}")),
        ("config", "numbers of TOML", repeated("a=[", "1,", "1]")),
        ("config", "tables of TOML", repeated("a=[", "{},", "1]")),
        ("config", "names", numbered("", "@=1\n", "")),
        ("config", "lines", repeated("", "\n", "")),
        ("config", "brackets", repeated("", "[", "")),
        ("config", "dots", repeated("a", ".a", "=1")),
        ("checkpoint", "F32", one_tensor("F32", 4)),
        ("checkpoint", "F16", one_tensor("F16", 2)),
        ("checkpoint", "I8", one_tensor("I8", 1)),
        ("checkpoint", "F64", one_tensor("F64", 8)),
        ("checkpoint", "empty tensors", empty_tensors()),
        (
            "command",
            "tokens",
            repeated(
                "{\"type\":\"solve_puzzle\",\"kind\":\"sudoku-4x4\",\"puzzle\":[",
                "1,",
                "1],\"steps\":8,\"top\":3}",
            ),
        ),
        (
            "command",
            "tokens before the type",
            repeated(
                "{\"kind\":\"sudoku-4x4\",\"puzzle\":[",
                "1,",
                "1],\"steps\":8,\"top\":3,\"type\":\"solve_puzzle\"}",
            ),
        ),
        (
            "command",
            "votes",
            repeated(
                "{\"type\":\"vote\",\"predictions\":[",
                "{\"answer\":[],\"halt\":1},",
                "{\"answer\":[],\"halt\":1}]}",
            ),
        ),
        (
            "command",
            "grids",
            repeated(
                "{\"type\":\"vote\",\"predictions\":[{\"answer\":[",
                "[],",
                "[]],\"halt\":1}]}",
            ),
        ),
    ]
}

#[test]
fn what_is_kept_of_large_inputs_grows_with_them() {
    for (target, what, input) in inputs() {
        let largest = std::panic::catch_unwind(|| trm_fuzz::largest(target, &input));
        let largest = largest.expect(what);
        println!("{target}, {what}: {:.1}", largest as f64 / input.len() as f64);
    }
}
