//! Sudokus as people draw them, a row of cells on every line.

use trm_data::puzzles::PuzzleError;
use trm_data::puzzles::sudoku::{parse, parse_one, print};

use crate::tables::{PUZZLE, SOLUTION};

/// `PUZZLE` as rows, with `mark` for blanks.
fn rows(mark: char) -> Vec<String> {
    let text = PUZZLE.replace('.', &mark.to_string());
    (0..9).map(|row| text.chars().skip(9 * row).take(9).collect()).collect()
}

/// As printed by several programs: spaces between cells, bars between boxes.
fn bordered(mark: char, rule: &str, edge: &str) -> String {
    let mut lines = Vec::new();
    for (number, row) in rows(mark).iter().enumerate() {
        if number % 3 == 0 && (number > 0 || !edge.is_empty()) {
            lines.push(rule.to_owned());
        }
        let cells: Vec<char> = row.chars().collect();
        let boxes: Vec<String> = cells
            .chunks(3)
            .map(|cells| cells.iter().map(char::to_string).collect::<Vec<_>>().join(" "))
            .collect();
        let between = if edge.is_empty() { " | ".to_owned() } else { format!(" {edge} ") };
        let line = boxes.join(&between);
        lines.push(if edge.is_empty() { line } else { format!("{edge} {line} {edge}") });
    }
    if !edge.is_empty() {
        lines.push(rule.to_owned());
    }
    lines.join("\n")
}

#[test]
fn drawn_boards_are_read_with_every_mark_and_border() {
    let spaced = |row: &String| row.chars().map(String::from).collect::<Vec<_>>().join(" ");
    let joined = |separator: &str, rows: Vec<String>| rows.join(separator);
    let mut forms = vec![
        bordered('.', "------+-------+------", ""),
        bordered('.', "+-------+-------+-------+", "|"),
        bordered('0', "╠═══════╬═══════╬═══════╣", "║"),
        joined("\n", rows('.').iter().map(spaced).collect()),
        joined("\r\n", rows('.')),
        format!("#A somebody\n#D a puzzle\n[Puzzle]\n{}\n", joined("\n", rows('.'))),
        format!("[Puzzle]\n{0}\n[State]\n{0}\n", joined("\n", rows('.'))),
        format!("Grid 01\n{}", joined("\n", rows('0'))),
        joined("\n", rows('0').iter().map(|row| spaced(row).replace(' ', ",")).collect()),
        joined(
            "\n",
            rows('.').iter().map(|row| spaced(row).replace(' ', ";").replace('.', "")).collect(),
        ),
        rows('.').chunks(3).map(|band| band.join("\n")).collect::<Vec<_>>().join("\n\n"),
        rows('.').join(" "),
        spaced(&PUZZLE.to_owned()),
        PUZZLE.replace('.', " "),
        rows('.').join("|"),
        spaced(&PUZZLE.replace('.', "0")).replace(' ', ","),
        spaced(&PUZZLE.to_owned()).replace(' ', ";").replace('.', ""),
        format!("{PUZZLE}  # easy, from a book"),
        format!("{PUZZLE} // easy"),
        format!("{PUZZLE} 1.5"),
        format!("0000183b305c {PUZZLE} 1.2"),
        format!("question\n\"{}\"", PUZZLE.replace('.', " ")),
    ];
    for mark in ['.', '0', '*', '-', '_', 'x', 'X', '?', ' '] {
        forms.push(joined("\n", rows(mark)));
        if mark != ' ' {
            forms.push(bordered(mark, "------+-------+------", ""));
        }
    }
    for text in forms {
        let lines = parse("a file", &text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
        assert_eq!(lines.len(), 1, "{text}");
        assert_eq!(print(&lines[0].board), PUZZLE, "{text}");
        let (_, board) = parse_one("the text", &text).expect(&text);
        assert_eq!(print(&board), PUZZLE, "{text}");
    }
}

#[test]
fn several_drawn_boards_are_read_in_their_order() {
    let other = "2".to_owned() + &".".repeat(80);
    let rows_of = |text: &str| {
        let cells: Vec<char> = text.chars().collect();
        cells.chunks(9).map(|row| row.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
    };
    for text in [
        format!("{}\n\n{}\n", rows_of(PUZZLE), rows_of(&other)),
        format!("{}\n{}\n", rows_of(PUZZLE), rows_of(&other)),
        format!("Grid 01\n{}\nGrid 02\n{}", rows_of(PUZZLE), rows_of(&other)),
    ] {
        let lines = parse("a file", &text).expect(&text);
        let boards: Vec<_> = lines.iter().map(|line| print(&line.board)).collect();
        assert_eq!(boards, [PUZZLE, other.as_str()], "{text}");
        assert!(parse_one("the text", &text).is_err(), "two are not one");
    }
    let first = parse("a file", &format!("\n{}", rows_of(PUZZLE))).expect("a board");
    assert_eq!(first[0].number, 2, "the line where it begins");
}

#[test]
fn a_defect_of_a_drawn_board_is_named_with_its_line() {
    let spoilt = |row: usize, text: &str| {
        let mut rows = rows('.');
        rows[row] = text.into();
        rows.join("\n")
    };
    let without = |row: usize| {
        let mut rows = rows('.');
        rows.remove(row);
        rows.join("\n")
    };
    let two = format!("{}\n\n{}", without(4), rows('.').join("\n"));
    let solved: Vec<String> = (0..9).map(|row| SOLUTION[9 * row..][..9].into()).collect();
    for (text, line, words) in [
        (spoilt(4, "86.45..7"), 5, "8 cells"),
        (spoilt(4, "8.O...5.7"), 5, "letter"),
        (spoilt(4, "8.a...5.7"), 5, "'a' at place 3"),
        (spoilt(4, "8.-...5.7"), 5, "'-' at place 3"),
        (without(0), 1, "8 rows"),
        (two, 1, "8 rows"),
        (solved.join("\n"), 1, "no blank"),
    ] {
        let error = parse("a file", &text).expect_err(&text);
        let PuzzleError::Line { line: found, reason, .. } = &error else { panic!("{error}") };
        assert_eq!(*found, line, "{error} in\n{text}");
        assert!(reason.contains(words), "{error}");
    }
}
