//! Puzzles of texts as sets: those to learn from, and the last ones, which are held out.

use std::collections::HashSet;
use std::hash::Hash;

use super::dataset::PuzzleSet;
use super::dihedral::Dihedral;
use super::error::PuzzleError;
use super::maze;
use super::sudoku::{self, Size, Solutions};

/// The sets of a text.
pub(super) struct Read {
    /// To learn from, and held out.
    pub parts: [PuzzleSet; 2],
    /// Puzzles that are left out: they come again, or are held out too.
    pub copies: usize,
    /// Puzzles to learn from beyond the number that is asked for.
    pub unused: usize,
}

/// A puzzle on its way into a set.
struct Entry<P> {
    input: Vec<u32>,
    label: Vec<u32>,
    /// Equal for puzzles that are augmented copies of each other.
    print: P,
}

/// The Sudokus of `text`, as its lines have them.
///
/// # Errors
/// If they cannot be read; of mazes the error says that they are these.
pub(super) fn parse_sudokus(name: &str, text: &str) -> Result<Vec<sudoku::Line>, PuzzleError> {
    sudoku::parse(name, text).map_err(|error| match maze::parse_all(name, text) {
        Ok(_) => PuzzleError::OtherPuzzles { name: name.into(), found: "mazes", wanted: "Sudokus" },
        Err(_) => error,
    })
}

/// The mazes of `text`, as they are drawn.
///
/// # Errors
/// If they cannot be read; of Sudokus the error says that they are these.
pub(super) fn parse_mazes(name: &str, text: &str) -> Result<Vec<maze::Entry>, PuzzleError> {
    // A drawing of dots alone may be a maze that lacks its start.
    let has_digits = || text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    maze::parse_all(name, text).map_err(|error| match sudoku::parse(name, text) {
        Ok(_) if has_digits() => {
            PuzzleError::OtherPuzzles { name: name.into(), found: "Sudokus", wanted: "mazes" }
        }
        _ => error,
    })
}

/// The Sudokus of `text`, answers found where the lines have none.
pub(super) fn sudokus(
    name: &str,
    text: &str,
    counts: [usize; 2],
) -> Result<(Size, Read), PuzzleError> {
    let lines = parse_sudokus(name, text)?;
    let size = lines[0].size;
    let entry = |line: sudoku::Line| {
        let wrong = |reason: &str| PuzzleError::Line {
            name: name.into(),
            line: line.number,
            reason: reason.into(),
        };
        if line.size != size {
            return Err(wrong("the puzzle is of another size than the first"));
        }
        let answer = match (line.answer, sudoku::solve(size, &line.board).solutions) {
            (_, Solutions::None) => return Err(wrong("the puzzle has no solution")),
            (Some(answer), _) | (None, Solutions::One(answer)) => answer,
            (None, Solutions::Unknown) => {
                return Err(wrong("the puzzle is too hard to be checked"));
            }
            (None, Solutions::Several(_)) => {
                return Err(wrong("the puzzle has more than one solution"));
            }
        };
        Ok(Entry {
            input: sudoku::encode(&line.board),
            label: sudoku::encode(&answer),
            print: sudoku::fingerprint(size, &line.board),
        })
    };
    let empty = PuzzleSet::empty(name.into(), size.cells(), size.vocab());
    let entries = lines.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Ok((size, split(empty, entries, counts)?))
}

/// The mazes of `text`, their shortest paths found where it has none.
pub(super) fn mazes(
    name: &str,
    text: &str,
    counts: [usize; 2],
) -> Result<(usize, Read), PuzzleError> {
    let found = parse_mazes(name, text)?;
    let side = found[0].maze.rows();
    let entry = |maze::Entry { number, maze, answer }| {
        let wrong = |reason: String| PuzzleError::Line { name: name.into(), line: number, reason };
        if (maze.rows(), maze.cols()) != (side, side) {
            let (rows, cols) = (maze.rows(), maze.cols());
            return Err(wrong(format!("the maze is {rows} × {cols}, not {side} × {side}")));
        }
        let answer = match answer {
            Some(answer) => answer,
            None => {
                let path = maze::shortest(&maze);
                let path = path.ok_or_else(|| wrong("there is no path in this maze".into()))?;
                maze.with_path(&path)
            }
        };
        let input = maze.tokens().to_vec();
        // Training shows all augmented copies of a maze: turned and mirrored ones count as the same.
        let turns = (0..Dihedral::COUNT).filter_map(Dihedral::new);
        let print = turns.map(|turn| turn.apply(&input, side, side)).min();
        Ok(Entry { print, input, label: answer.tokens().to_vec() })
    };
    let empty = PuzzleSet::empty(name.into(), side * side, maze::VOCAB);
    let entries = found.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Ok((side, split(empty, entries, counts)?))
}

/// Every puzzle once, and none to learn from that is also held out.
fn split<P: Eq + Hash>(
    empty: PuzzleSet,
    entries: Vec<Entry<P>>,
    [train, val]: [usize; 2],
) -> Result<Read, PuzzleError> {
    let puzzles = entries.len();
    // At most a fifth is held out, and one puzzle at least is left to learn from.
    let boundary = puzzles - val.min((puzzles / 5).max(1)).min(puzzles - 1);
    let [mut learned, mut held] = [empty.clone(), empty];
    let held_out: HashSet<&P> = entries[boundary..].iter().map(|entry| &entry.print).collect();
    let (mut seen, mut copies) = (HashSet::new(), 0);
    for (place, entry) in entries.iter().enumerate() {
        let learn = place < boundary;
        if (learn && held_out.contains(&entry.print)) || !seen.insert(&entry.input) {
            copies += 1;
            continue;
        }
        let set = if learn { &mut learned } else { &mut held };
        set.push(&entry.input, &entry.label);
    }
    if learned.is_empty() {
        return Err(PuzzleError::OnlyCopies { name: learned.name, puzzles });
    }
    // No more are held out than asked for; of those to learn from there may be more.
    let unused = learned.len().saturating_sub(train);
    Ok(Read { parts: [learned.first(train), held], copies, unused })
}
