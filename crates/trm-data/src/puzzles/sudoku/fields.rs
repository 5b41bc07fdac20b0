//! Text files as lines of fields that are separated by commas, semicolons, tabs or
//! spaces.

use std::borrow::Cow;

use super::lines::{is_board, is_spaced};
use super::size::Size;

/// A line that is neither empty nor a comment, cut into fields.
pub(super) struct Row<'a> {
    /// Line of the file, from 1.
    pub number: usize,
    pub fields: Vec<&'a str>,
}

/// What may stand between fields, in the order of preference.
const SEPARATORS: [char; 4] = [',', '\t', ';', ' '];

/// The lines of `text` cut into fields. `is_name` tells usual names of columns.
pub(super) fn rows<'a>(text: &'a str, is_name: fn(&str) -> bool) -> Vec<Row<'a>> {
    let lines = text.split('\n').zip(1..);
    let content = |(line, _): &(&str, usize)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with("//")
    };
    let lines: Vec<_> = lines.filter(content).collect();
    let separator = separator(text, &lines, is_name);
    let cut = |(line, number): (&'a str, usize)| {
        // Indentation is no empty field.
        let alone = line.trim();
        let line = if alone.contains(separator) { line } else { bare(line) };
        Row { number, fields: fields(line, separator) }
    };
    lines.into_iter().map(cut).collect()
}

/// The separator that cuts most lines into fields with a board or with a known name.
fn separator(text: &str, lines: &[(&str, usize)], is_name: fn(&str) -> bool) -> char {
    let present = SEPARATORS.into_iter().filter(|separator| text.contains(*separator));
    let useful = |fields: &[&str]| {
        fields.len() > 1 && fields.iter().any(|field| is_board(field) || is_name(field))
    };
    let score = |separator: &char| {
        lines.iter().filter(|(line, _)| useful(&fields(line, *separator))).count()
    };
    let mut best = (SEPARATORS[0], 0);
    for separator in present {
        let score = score(&separator);
        if score > best.1 {
            best = (separator, score);
        }
    }
    best.0
}

/// The fields of a line, without quotes and spaces around them. A separator inside
/// quotes does not part.
fn fields(line: &str, separator: char) -> Vec<&str> {
    if separator == ' ' {
        return if is_spaced(line) { vec![line] } else { line.split_whitespace().collect() };
    }
    let blank = |c: char| c.is_whitespace() && c != separator;
    let mut fields = Vec::with_capacity(line.matches(separator).count() + 1);
    let mut rest = line;
    loop {
        let start = rest.trim_start_matches(blank);
        let quoted = closing_quote(start, separator);
        let (field, end) = quoted.map_or((rest, 0), |end| (start, end));
        let Some(at) = field[end..].find(separator) else {
            fields.push(bare(field));
            return fields;
        };
        fields.push(bare(&field[..end + at]));
        rest = &field[end + at + separator.len_utf8()..];
    }
}

/// A field without quotes and spaces around it, unless spaces are its blanks.
fn bare(field: &str) -> &str {
    let whole = field.trim_end_matches(['\r', '\n']);
    let inside = whole.trim().trim_matches('"');
    match (is_spaced(whole), is_spaced(inside)) {
        (true, _) => whole,
        (_, true) => inside,
        _ => inside.trim(),
    }
}

/// Where the quotes end that a field begins with: before a separator or the end.
fn closing_quote(field: &str, separator: char) -> Option<usize> {
    let inside = field.strip_prefix('"')?;
    let ends = |(at, _): &(usize, &str)| {
        let after =
            inside[at + 1..].trim_start_matches(|c: char| c.is_whitespace() && c != separator);
        after.is_empty() || after.starts_with(separator)
    };
    inside.match_indices('"').find(ends).map(|(at, _)| at + 2)
}

/// `text` with lines that end in `\n`, without a byte order mark, without comments after
/// boards, and without spaces and borders between the cells of a board on one line.
/// Lines keep their numbers.
pub(super) fn straight(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Line ends of Unix and Windows, and those of old spreadsheets.
    let end = if text.contains('\n') { '\n' } else { '\r' };
    let mut straight = String::with_capacity(text.len());
    for line in text.split(end) {
        straight.push_str(&joined(without_comment(line)));
        straight.push('\n');
    }
    straight.pop();
    straight
}

/// A line without the comment at its end, if it has one and no board in it.
fn without_comment(line: &str) -> &str {
    let begins = ["#", "//"].into_iter().filter_map(|mark| line.find(mark));
    let Some(at) = begins.min() else { return line };
    let before = &line[..at];
    let parted = before.ends_with(char::is_whitespace) && !before.trim().is_empty();
    let has_board = || line[at..].split([',', ';', '\t', ' ']).any(is_board);
    if parted && !has_board() { before.trim_end() } else { line }
}

/// A line whose cells, or rows of them, have spaces or bars between them as one board;
/// any other line as it is.
fn joined(line: &str) -> Cow<'_, str> {
    if let Some(board) = SEPARATORS[..3].iter().find_map(|separator| parted(line, *separator)) {
        return board.into();
    }
    let parts = || line.split(|c: char| c.is_whitespace() || c == '|').filter(|p| !p.is_empty());
    let cells: usize = parts().map(|part| part.chars().count()).sum();
    let Some(size) = Size::of_cells(cells) else { return line.into() };
    let first = parts().next().map_or(0, |part| part.chars().count());
    let alike = parts().all(|part| part.chars().count() == first);
    let usual = [1, size.box_cols(), size.side()].contains(&first);
    let whole = alike && usual && first < cells && !is_spaced(line.trim_end_matches('\r'));
    if whole && !line.contains([',', ';', '"']) {
        parts().collect::<String>().into()
    } else {
        line.into()
    }
}

/// The board of a line that has a field for every cell; an empty one is a blank.
fn parted(line: &str, separator: char) -> Option<String> {
    let cells = line.matches(separator).count() + 1;
    let size = Size::of_cells(cells)?;
    let mut board = String::with_capacity(size.cells());
    for field in line.trim_end_matches('\r').split(separator) {
        let mut characters = field.trim().trim_matches('"').chars();
        board.push(characters.next().unwrap_or('.'));
        if characters.next().is_some() {
            return None;
        }
    }
    board.contains(|c: char| c.is_ascii_digit()).then_some(board)
}
