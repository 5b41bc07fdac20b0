//! Files of Sudokus in every usual form: what is read is what was written, and a
//! puzzle that cannot be read is an error, never another field in its place.

use proptest::prelude::*;
use trm_data::Split;
use trm_data::puzzles::PuzzleError;
use trm_data::puzzles::sudoku::{Grade, Puzzle, Size, make, parse, parse_one, print};

/// A way to write puzzles down.
#[derive(Clone, Debug)]
struct Form {
    /// Of the columns.
    order: Vec<Column>,
    header: bool,
    names: usize,
    separator: char,
    quoted: bool,
    mark: char,
    bom: bool,
    windows: bool,
    comments: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    Puzzle,
    Solution,
    Source,
    Rating,
}

const NAMES: [[&str; 4]; 4] = [
    ["puzzle", "solution", "source", "rating"],
    ["quizzes", "solutions", "source", "rating"],
    ["question", "answer", "source", "rating"],
    ["Board", "Solved", "book", "difficulty"],
];

fn form() -> impl Strategy<Value = Form> {
    let columns = prop::sample::select(vec![
        vec![Column::Puzzle],
        vec![Column::Puzzle, Column::Solution],
        vec![Column::Puzzle, Column::Rating],
        vec![Column::Puzzle, Column::Solution, Column::Source],
        vec![Column::Puzzle, Column::Solution, Column::Source, Column::Rating],
    ]);
    let order = columns.prop_shuffle();
    let separator = prop::sample::select(vec![',', ';', '\t']);
    let mark = prop::sample::select(vec!['.', '0', '_', '*', '-', 'x', 'X', '?']);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (order, separator, mark, 0..NAMES.len(), flags).prop_map(
        |(order, separator, mark, names, (header, quoted, bom, windows, comments))| Form {
            order,
            header,
            names,
            separator,
            quoted,
            mark,
            bom,
            windows,
            comments,
        },
    )
}

impl Form {
    fn has_solutions(&self) -> bool {
        self.order.contains(&Column::Solution)
    }

    fn puzzle(&self, board: &[u8]) -> String {
        print(board).replace('.', &self.mark.to_string())
    }

    /// The lines of the file, the header among them, and in which the puzzles are.
    fn write(&self, puzzles: &[(String, String)]) -> (String, Vec<usize>) {
        let mut lines = Vec::new();
        if self.comments {
            lines.push("# made for a test, with 2 commas, and a date: 2024-01-01".to_string());
        }
        let joined = |fields: Vec<String>| fields.join(&self.separator.to_string());
        if self.header {
            let name = |column: &Column| NAMES[self.names][*column as usize].to_string();
            lines.push(joined(self.order.iter().map(name).collect()));
        }
        let mut numbers = Vec::new();
        for (number, (puzzle, solution)) in puzzles.iter().enumerate() {
            let field = |column: &Column| {
                let text = match column {
                    Column::Puzzle => puzzle.clone(),
                    Column::Solution => solution.clone(),
                    Column::Source => format!("a book from 2024-01-0{number}"),
                    Column::Rating => format!("{number}.5"),
                };
                if self.quoted { format!("\"{text}\"") } else { text }
            };
            lines.push(joined(self.order.iter().map(field).collect()));
            numbers.push(lines.len());
            if self.comments {
                lines.push(String::new());
            }
        }
        let end = if self.windows { "\r\n" } else { "\n" };
        let mark = if self.bom { "\u{feff}" } else { "" };
        (format!("{mark}{}{end}", lines.join(end)), numbers)
    }
}

fn puzzles(size: Size, seed: u64, count: u64) -> Vec<Puzzle> {
    let made = |number| make(size, &Grade::Easy.guesses(), Split::Train, seed, number);
    (0..count).map(|number| made(number).expect("an easy puzzle")).collect()
}

fn written(form: &Form, puzzles: &[Puzzle]) -> Vec<(String, String)> {
    puzzles.iter().map(|p| (form.puzzle(&p.board), print(&p.solution))).collect()
}

/// Ways to spoil a field of a puzzle.
#[derive(Clone, Copy, Debug)]
enum Defect {
    /// Letters for all zeros, as of a text that was recognised.
    LettersO,
    /// A letter in one place.
    Letter(usize),
    /// A blank of another kind in one place.
    OtherBlank(usize),
    /// What spreadsheets do to numbers.
    LostZeros,
    Rounded,
    /// One character less, or more.
    Short,
    Long,
    /// A digit that is too large for a size, or no digit.
    NoDigit(usize),
    Gone,
    /// The solution in place of the puzzle.
    Solved,
}

fn defect() -> impl Strategy<Value = Defect> {
    prop_oneof![
        Just(Defect::LettersO),
        any::<usize>().prop_map(Defect::Letter),
        any::<usize>().prop_map(Defect::OtherBlank),
        Just(Defect::LostZeros),
        Just(Defect::Rounded),
        Just(Defect::Short),
        Just(Defect::Long),
        any::<usize>().prop_map(Defect::NoDigit),
        Just(Defect::Gone),
        Just(Defect::Solved),
    ]
}

impl Defect {
    /// The spoilt field; `None` where nothing can be spoilt so.
    fn apply(self, puzzle: &str, solution: &str, mark: char) -> Option<String> {
        let with = |place: usize, character: char| {
            let place = place % puzzle.len();
            let mut text: Vec<char> = puzzle.chars().collect();
            text[place] = character;
            Some(text.into_iter().collect::<String>())
        };
        match self {
            Self::LettersO => Some(puzzle.replace(mark, "O")),
            Self::Letter(place) => with(place, 'A'),
            Self::OtherBlank(place) => {
                // A second mark counts as such only beside the first.
                let other = if mark == '*' { '-' } else { '*' };
                with(place, other).filter(|text| text.contains(mark))
            }
            Self::LostZeros => {
                let digits = puzzle.replace(mark, "0");
                let kept = digits.trim_start_matches('0');
                (kept.len() < puzzle.len()).then(|| kept.to_string())
            }
            Self::Rounded => Some("4.13E+78".into()),
            Self::Short => Some(puzzle[1..].into()),
            Self::Long => Some(format!("{puzzle}{mark}")),
            Self::NoDigit(place) => with(place, '#').filter(|text| !text.starts_with('#')),
            Self::Gone => Some(String::new()),
            Self::Solved => Some(solution.into()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_read_is_what_was_written(form in form(), seed in 0_u64..40, size in prop::sample::select(Size::ALL.to_vec()), count in 1_u64..4) {
        let puzzles = puzzles(size, seed, count);
        let (text, numbers) = form.write(&written(&form, &puzzles));
        let lines = parse("a file", &text);
        let lines = lines.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(lines.len(), puzzles.len());
        for ((line, puzzle), number) in lines.iter().zip(&puzzles).zip(numbers) {
            prop_assert_eq!(line.number, number);
            prop_assert_eq!(line.size, size);
            prop_assert_eq!(&line.board, &puzzle.board);
            prop_assert_eq!(line.answer.as_ref(), form.has_solutions().then_some(&puzzle.solution));
        }
        if count == 1 && !form.comments {
            prop_assert_eq!(parse_one("a text", &text), Ok((size, puzzles[0].board.clone())));
        }
    }

    /// One puzzle of a file is spoilt, or all of them.
    #[test]
    fn a_spoilt_puzzle_is_an_error_with_its_line(form in form(), seed in 0_u64..40, size in prop::sample::select(Size::ALL.to_vec()), count in 1_usize..4, spoilt in any::<usize>(), all in any::<bool>(), defect in defect()) {
        let mut fields = written(&form, &puzzles(size, seed, count as u64));
        let chosen = spoilt % count;
        for (place, (puzzle, solution)) in fields.iter_mut().enumerate() {
            if place != chosen && !all {
                continue;
            }
            let Some(text) = defect.apply(puzzle, solution, form.mark) else {
                return Ok(());
            };
            *puzzle = text;
        }
        // A line without anything is no line, and a line that lost a separator's
        // neighbour may look like none.
        if matches!(defect, Defect::Gone) && form.order.len() == 1 && !form.quoted {
            return Ok(());
        }
        let (text, numbers) = form.write(&fields);
        match parse("a file", &text) {
            Ok(lines) => prop_assert!(false, "{lines:?} were read from\n{text}"),
            Err(PuzzleError::Line { line, .. }) => {
                let first = if all { numbers[0] } else { numbers[chosen] };
                prop_assert_eq!(line, first, "{}", text);
            }
            Err(PuzzleError::Empty { .. }) => {
                prop_assert!(matches!(defect, Defect::Gone), "{}", text);
            }
            Err(error) => prop_assert!(false, "{error}\n{text}"),
        }
    }
}

pub const PUZZLE: &str =
    "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79";
pub const SOLUTION: &str =
    "534678912672195348198342567859761423426853791713924856961537284287419635345286179";

/// Each defect with the words that name it, in files with and without a header.
#[test]
fn defects_are_named() {
    let zeros = PUZZLE.replace('.', "0");
    let lost = format!("00{}", &zeros[2..]);
    let lost = lost.trim_start_matches('0');
    for (puzzle, words) in [
        (zeros.replace('0', "O"), &["'O' (the letter, not the digit 0)", "place 3"][..]),
        (format!("{}*{}", &PUZZLE[..2], &PUZZLE[3..]), &["'*'", "place 3", "'.'"]),
        (format!("{}:{}", &PUZZLE[..2], &PUZZLE[3..]), &["':'", "place 3"]),
        (lost.into(), &["77 characters", "leading zeros"]),
        (PUZZLE[..80].into(), &["80 characters"]),
        (SOLUTION.into(), &["no blank"]),
    ] {
        for (before, line) in [("", 1), ("puzzle,solution\n", 2), ("# a comment\n\n", 3)] {
            let text = format!("{before}{puzzle},{SOLUTION}\n");
            let error = parse("boards.csv", &text).expect_err(&text).to_string();
            let place = format!("line {line} of boards.csv");
            assert!(error.starts_with(&place), "{error}");
            assert!(words.iter().all(|word| error.contains(word)), "{error}, not {words:?}");
        }
    }
}

#[test]
fn headers_decide_whatever_the_order() {
    for (header, line) in [
        ("source,question,answer,rating", format!("a book,{PUZZLE},{SOLUTION},3")),
        ("solutions;quizzes", format!("{SOLUTION};{PUZZLE}")),
        ("id\tSolution\tPuzzle", format!("7\t{SOLUTION}\t{PUZZLE}")),
        ("\"answer\", \"question\"", format!("\"{SOLUTION}\", \"{PUZZLE}\"")),
        ("source,puzzle,solution", format!("\"one, two\",{PUZZLE},{SOLUTION}")),
        // Without known names the form of all lines decides.
        ("loesung,aufgabe", format!("{SOLUTION},{PUZZLE}")),
        ("puzzle", PUZZLE.into()),
    ] {
        let lines = parse("a file", &format!("{header}\n{line}\n")).expect(header);
        assert_eq!(print(&lines[0].board), PUZZLE, "{header}");
        assert_eq!(lines[0].answer.is_some(), line.contains(SOLUTION), "{header}");
    }
    let only = parse("a file", &format!("solution\n{SOLUTION}\n")).expect_err("no puzzle");
    assert!(only.to_string().contains("no column of puzzles"), "{only}");
}

#[test]
fn answers_that_do_not_belong_are_refused() {
    let other = format!("{}2", &SOLUTION[..80]);
    for (answer, words) in [
        (other.as_str(), "does not solve"),
        (&SOLUTION[..80], "80 characters"),
        (PUZZLE, "does not solve"),
        ("1234341221434321", "another size"),
    ] {
        let error = parse("a file", &format!("puzzle,solution\n{PUZZLE},{answer}\n"));
        let error = error.expect_err(answer).to_string();
        assert!(error.starts_with("line 2 of a file") && error.contains(words), "{error}");
    }
    for answer in ["", "unknown", "3.5"] {
        let text = format!("puzzle,solution\n{PUZZLE},{answer}\n");
        assert_eq!(parse("a file", &text).expect("a puzzle")[0].answer, None);
    }
}

/// What a page's visitor may paste.
#[test]
fn one_puzzle_is_read_from_any_layout() {
    let rows: Vec<&str> = (0..9).map(|row| &PUZZLE[row * 9..(row + 1) * 9]).collect();
    let spaced: Vec<String> = PUZZLE
        .chars()
        .map(|c| format!("{c} "))
        .collect::<Vec<_>>()
        .chunks(9)
        .map(<[_]>::concat)
        .collect();
    for text in [
        PUZZLE.to_string(),
        format!("  {PUZZLE}\r\n"),
        rows.join("\n"),
        spaced.join("\n"),
        format!("{PUZZLE},{SOLUTION}"),
        format!("{PUZZLE}\t{SOLUTION}"),
        format!("{SOLUTION};{PUZZLE}"),
        format!("puzzle\n{PUZZLE}\n"),
        format!("\"{PUZZLE}\""),
        PUZZLE.replace('.', "*"),
    ] {
        let (_, board) = parse_one("the text", &text).expect(&text);
        assert_eq!(print(&board), PUZZLE, "{text}");
    }
    for (text, words) in [
        (SOLUTION.to_string(), "no blank"),
        (format!("{},{SOLUTION}", PUZZLE.replace('.', "O")), "letter"),
        (format!("{PUZZLE},1\n{PUZZLE},2"), "2 puzzles"),
        (PUZZLE[..80].into(), "80 characters"),
        (String::new(), "0 characters"),
    ] {
        let error = parse_one("the text", &text).expect_err(&text).to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// Collections often say in their first line how many puzzles follow.
#[test]
fn a_first_line_that_counts_the_puzzles_is_passed_over() {
    let boards: Vec<String> = (0..3)
        .map(|index| {
            let board =
                "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79";
            board.replacen('.', &(index + 1).to_string(), 1)
        })
        .collect();
    let text = |first: &str| format!("# found\n{first}\n{}\n", boards.join("\n"));
    for first in ["3", " 3 \r", "\"3\"", "\u{feff}3"] {
        let lines = parse("counted.txt", &text(first)).unwrap_or_else(|e| panic!("{first}: {e}"));
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].number, 3, "lines keep their numbers");
    }
    let one = format!("1\n{}\n", boards[0]);
    assert_eq!(parse("one.txt", &one).expect("read").len(), 1);
    parse_one("one.txt", &one).expect("one puzzle");
    for wrong in ["2", "50"] {
        let error = parse("counted.txt", &text(wrong)).expect_err("another number").to_string();
        let said = format!("line 2 of counted.txt: it counts {wrong} puzzles, and 3 follow");
        assert_eq!(error, said);
    }
    let damaged = text("3").replace("53", "O3");
    let error = parse("counted.txt", &damaged).expect_err("a letter").to_string();
    assert!(error.starts_with("line 3 of") && error.contains("the letter"), "{error}");
    let drawn = "2\n\n12..\n..21\n2...\n...2\n\n12..\n..21\n2...\n...2\n";
    assert_eq!(parse("drawn.txt", drawn).expect("read").len(), 2);
    // The first row of a board is no number of puzzles.
    assert_eq!(parse("drawn.txt", "1234\n34..\n2...\n...2\n").expect("read").len(), 1);
}
