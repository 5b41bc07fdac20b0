//! Sudokus as people draw them: a row of cells on every line, with spaces, commas or
//! borders between the cells, and rules, empty lines or headings between the rows.

use super::line::Line;
use super::lines::{BLANKS, Fault, Marks, board, is_board};
use super::size::Size;

/// Rows below which a text is not taken for drawn.
const FEWEST: usize = 4;

/// Characters of borders that stand between cells.
const BARS: [char; 7] = ['|', '│', '║', '┃', '┆', '!', ':'];

/// Characters that rules between rows are drawn with, besides the bars.
const RULES: [char; 6] = ['-', '=', '+', '*', '_', ' '];

/// A line of a text.
enum Kind {
    /// Nothing, or a comment.
    Empty { comment: bool },
    /// A rule between rows.
    Rule,
    /// Cells of a row.
    Row(String),
    /// A row of blanks or a rule: so many of one mark that either is possible.
    Either(String),
    /// Words.
    Heading { skipped: bool },
    /// Something else: a whole board, or a table.
    Other,
}

/// Rows that nothing but rules parts, with their lines in the file.
type Block = Vec<(usize, String)>;

/// The boards of a drawn text, or `None` where the text is not drawn.
///
/// # Errors
/// If a row or a cell cannot be read, or rows are missing: the line and why.
pub(super) fn read(text: &str) -> Option<Result<Vec<Line>, (usize, String)>> {
    let mut lines: Vec<(usize, Kind)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        match kind(line) {
            Kind::Other => return None,
            // These part nothing.
            Kind::Rule | Kind::Empty { comment: true } => {}
            Kind::Empty { .. } if matches!(lines.last(), None | Some((_, Kind::Empty { .. }))) => {}
            kind => lines.push((number, kind)),
        }
    }
    let rows = lines.iter().filter(|(_, kind)| matches!(kind, Kind::Row(_) | Kind::Either(_)));
    (rows.count() >= FEWEST).then(|| boards(lines))
}

fn boards(lines: Vec<(usize, Kind)>) -> Result<Vec<Line>, (usize, String)> {
    let blocks = joined(blocks(lines));
    let mut marks = Marks::default();
    let mut boards = Vec::new();
    for block in blocks {
        let side = side(&block);
        let first = block[0].0;
        if let Some((line, row)) = block.iter().find(|(_, row)| row.chars().count() != side) {
            let cells = row.chars().count();
            return Err((
                *line,
                format!("the row {row:?} has {cells} cells, and its board {side}"),
            ));
        }
        if !block.len().is_multiple_of(side) {
            let reason = format!(
                "the board that begins here has {} rows of {side} cells, and needs {side}",
                block.len()
            );
            return Err((first, reason));
        }
        for rows in block.chunks(side) {
            boards.push(one(rows, side, &mut marks)?);
        }
    }
    Ok(boards)
}

/// One board of `side` rows.
fn one(rows: &[(usize, String)], side: usize, marks: &mut Marks) -> Result<Line, (usize, String)> {
    let number = rows[0].0;
    let text: String = rows.iter().map(|(_, row)| row.as_str()).collect();
    let place = |place: usize| (rows[(place - 1) / side].0, (place - 1) % side + 1);
    let (size, board) = board(&text, marks).map_err(|fault| match fault {
        Fault::Character { character, place: at, side } => {
            let (line, place) = place(at);
            (line, Fault::Character { character, place, side }.to_string())
        }
        Fault::Mark { character, place: at, first } => {
            let (line, place) = place(at);
            (line, Fault::Mark { character, place, first }.to_string())
        }
        other => (number, other.to_string()),
    })?;
    if !board.contains(&0) {
        return Err((number, "there is no blank cell: it is a solution, not a puzzle".into()));
    }
    Ok(Line { number, size, board, answer: None })
}

/// Rows between headings and empty lines.
fn blocks(lines: Vec<(usize, Kind)>) -> Vec<Block> {
    let (mut blocks, mut current) = (Vec::new(), Vec::new());
    let mut skipping = false;
    for (number, kind) in lines {
        match kind {
            Kind::Row(_) | Kind::Either(_) if skipping => {}
            Kind::Row(_) | Kind::Either(_) => current.push((number, kind)),
            Kind::Rule | Kind::Empty { comment: true } => {}
            Kind::Heading { skipped } => {
                skipping = skipped;
                blocks.extend(block(std::mem::take(&mut current)));
            }
            Kind::Empty { comment: false } | Kind::Other => {
                blocks.extend(block(std::mem::take(&mut current)));
            }
        }
    }
    blocks.extend(block(current));
    blocks
}

/// The rows of a block; lines that may be rules count as rows where rows would be missing.
fn block(lines: Vec<(usize, Kind)>) -> Option<Block> {
    let certain: Block = lines
        .iter()
        .filter_map(|(number, kind)| match kind {
            Kind::Row(row) => Some((*number, row.clone())),
            _ => None,
        })
        .collect();
    let all: Block = lines
        .into_iter()
        .filter_map(|(number, kind)| match kind {
            Kind::Row(row) | Kind::Either(row) => Some((number, row)),
            _ => None,
        })
        .collect();
    let whole = !certain.is_empty() && certain.len().is_multiple_of(side(&certain));
    let chosen = if whole || all.is_empty() { certain } else { all };
    (!chosen.is_empty()).then_some(chosen)
}

/// Blocks of whole boards. Where empty lines part the bands of boxes too, every block
/// has the rows of a band: then as many as make a board are one.
fn joined(blocks: Vec<Block>) -> Vec<Block> {
    let Some(first) = blocks.first() else { return blocks };
    let side = side(first);
    let Some(size) = Size::of_cells(side * side) else { return blocks };
    let band = size.box_rows();
    let bands = side / band;
    let are_bands = blocks.iter().all(|block| block.len() == band);
    if band == side || !are_bands || !blocks.len().is_multiple_of(bands) {
        return blocks;
    }
    blocks.chunks(bands).map(<[Block]>::concat).collect()
}

/// Cells of most rows of a block, where a board has so many; else the rows that it has.
fn side(block: &Block) -> usize {
    let count = |side: &usize| block.iter().filter(|(_, row)| row.chars().count() == *side).count();
    let sides = [4, 6, 9];
    let most = sides.iter().map(count).max().unwrap_or(0);
    sides.into_iter().find(|side| most > 0 && count(side) == most).unwrap_or(9)
}

fn kind(line: &str) -> Kind {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let text = line.trim();
    if text.is_empty() {
        return Kind::Empty { comment: false };
    }
    if text.starts_with('#') || text.starts_with("//") {
        return Kind::Empty { comment: true };
    }
    if let Some(row) = separated(text) {
        return Kind::Row(row);
    }
    let compact: String =
        text.chars().filter(|c| !c.is_whitespace() && !BARS.contains(c)).collect();
    let cells = compact.chars().count();
    let is_rule =
        |c: char| RULES.contains(&c) || BARS.contains(&c) || ('\u{2500}'..='\u{257f}').contains(&c);
    let digits = text.chars().any(|c| c.is_ascii_digit());
    if !digits && text.chars().all(|c| is_rule(c) || c == '.' || c == '\'') {
        let mark = compact.chars().next().unwrap_or(' ');
        let alike = compact.chars().all(|c| c == mark) && BLANKS.contains(&mark);
        let fits = [4, 6, 9].contains(&cells);
        return match (alike && fits, mark) {
            (true, '.') => Kind::Row(compact),
            (true, _) => Kind::Either(compact),
            // A row of blanks of which one is missing, or more than there should be.
            (false, _) if alike && mark == '.' && cells <= 12 => Kind::Row(compact),
            _ => Kind::Rule,
        };
    }
    if let Some(row) = spaced(line) {
        return Kind::Row(row);
    }
    if looks_like_row(&compact, cells) {
        return Kind::Row(compact);
    }
    if is_board(&compact) {
        return Kind::Other;
    }
    // In the files of some programs, a section that repeats the puzzle.
    Kind::Heading { skipped: text.eq_ignore_ascii_case("[state]") }
}

/// Whether these characters are, or were meant to be, the cells of a row.
fn looks_like_row(compact: &str, cells: usize) -> bool {
    let mark = |c: char| BLANKS.contains(&c);
    let meant = |c: char| c.is_ascii_digit() || mark(c) || matches!(c, 'O' | 'o' | 'l' | 'I');
    let sure = compact.chars().filter(|c| c.is_ascii_digit() || (mark(*c) && !c.is_alphabetic()));
    let all = compact.chars().all(meant) && [4, 6, 9].contains(&cells);
    (2..=12).contains(&cells) && (all || sure.count() * 3 >= cells * 2)
}

/// A row whose cells are parted by commas, semicolons or tabs; an empty cell is a blank.
fn separated(text: &str) -> Option<String> {
    let separator = [',', ';', '\t'].into_iter().find(|separator| text.contains(*separator))?;
    let text = match separator {
        '\t' => text,
        // An end that every line has.
        _ => text.strip_suffix(separator).filter(|rest| cells(rest, separator)).unwrap_or(text),
    };
    if !cells(text, separator) {
        return None;
    }
    let cell = |field: &str| bare(field).chars().next().unwrap_or('.');
    Some(text.split(separator).map(cell).collect())
}

fn bare(field: &str) -> &str {
    field.trim().trim_matches('"').trim()
}

/// Whether `text` has as many fields as a row has cells, each of one character at most.
fn cells(text: &str, separator: char) -> bool {
    let fields = text.split(separator).count();
    let short = text.split(separator).all(|field| bare(field).chars().count() <= 1);
    short && [4, 6, 9].contains(&fields)
}

/// A row of digits whose blanks are spaces: as many characters as a row has cells.
fn spaced(line: &str) -> Option<String> {
    let line = line.trim_end_matches(['\r', '\n']);
    let cells = line.chars().count();
    let compact = line.chars().filter(|c| !c.is_whitespace()).count();
    let plain = line.chars().all(|c| c == ' ' || c.is_ascii_digit());
    // A digit, a space, a digit: spaces between cells, of which there are too few.
    let digit = |(place, c): (usize, char)| c.is_ascii_digit() == (place % 2 == 0);
    let alternating = line.chars().enumerate().all(digit);
    ([4, 6, 9].contains(&cells) && plain && compact < cells && !alternating)
        .then(|| line.to_owned())
}
