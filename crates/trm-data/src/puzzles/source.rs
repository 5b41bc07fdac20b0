//! Where puzzles come from, as plain data, and the sets made of it.

use std::collections::HashSet;
use std::path::PathBuf;

use super::arc;
use super::dataset::{Augmentation, PuzzleDataset, PuzzleSet};
use super::error::PuzzleError;
use super::maze::{self, Style};
use super::sudoku::{self, Size, Solutions};
#[cfg(feature = "files")]
use crate::error::DataError;
use crate::split::Split;
#[cfg(feature = "files")]
use crate::text::read_text;

/// Where puzzles come from. What is made is a function of these values: of its
/// puzzles, those to learn from and those held out are never the same puzzle in
/// another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PuzzleSource {
    /// Sudokus with one solution for which a plain solver needs between
    /// `min_guesses` and `max_guesses` guesses ([`sudoku::Grade`] has names).
    Sudoku {
        /// Size of the board.
        size: Size,
        /// Fewest guesses.
        min_guesses: usize,
        /// Most guesses.
        max_guesses: usize,
        /// Seed of the puzzles.
        seed: u64,
    },
    /// Mazes of `side` × `side` cells, walls included.
    Maze {
        /// Side of the board, in cells.
        side: usize,
        /// How the walls are made.
        style: Style,
        /// Seed of the puzzles.
        seed: u64,
    },
    /// Lines of characters, one Sudoku each, all of one size; the last ones are
    /// held out.
    Lines(TextSource),
    /// A data folder of the official code: `train`, and `test` held out.
    Official(PathBuf),
    /// ARC tasks, each with up to `augmentations` augmented copies; the test grids are held
    /// out.
    Arc {
        /// The files.
        files: Vec<TaskFile>,
        /// Augmented copies of each task at most.
        augmentations: usize,
        /// Seed of the augmentations.
        seed: u64,
    },
}

/// A JSON file of ARC tasks, and the solutions to their tests where these are
/// kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFile {
    /// The tasks.
    pub tasks: TextSource,
    /// The solutions.
    pub solutions: Option<TextSource>,
}

impl TaskFile {
    /// # Errors
    /// If a file cannot be read, or is none of ARC's.
    pub fn read(&self) -> Result<Vec<arc::Task>, PuzzleError> {
        let (name, text) = self.tasks.read()?;
        let mut tasks = arc::parse(&name, &text)?;
        if let Some(solutions) = &self.solutions {
            let (name, text) = solutions.read()?;
            arc::add_solutions(&mut tasks, &name, &text)?;
        }
        Ok(tasks)
    }
}

/// A text: at hand, or in a file, which only a program with files can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextSource {
    /// A text in memory.
    Text {
        /// Name, for messages.
        name: String,
        /// The content.
        text: String,
    },
    /// A file.
    File(PathBuf),
}

impl PuzzleSource {
    /// `train` puzzles to learn from, no two alike, and `val` others to be judged
    /// by. Of lines, at most so many; official folders and ARC tasks are learned
    /// from whole. `augment` augments those to learn from anew each time; ARC and
    /// the official folders have augmented copies among their rows.
    ///
    /// # Errors
    /// If something cannot be read, or so many puzzles cannot be made.
    pub fn load(
        &self,
        train: usize,
        val: usize,
        augment: bool,
    ) -> Result<PuzzleDataset, PuzzleError> {
        let (parts, augmentation) = match self {
            Self::Sudoku { size, min_guesses, max_guesses, seed } => {
                let guesses = *min_guesses..=*max_guesses;
                if guesses.is_empty() {
                    let what = format!("no puzzle needs {min_guesses} to {max_guesses} guesses");
                    return Err(PuzzleError::Unusable { what });
                }
                let name = format!("Sudoku {0}×{0} made by seed {seed}", size.side());
                let make = |split, number| {
                    let puzzle = sudoku::make(*size, &guesses, split, *seed, number)?;
                    Some([sudoku::encode(&puzzle.board), sudoku::encode(&puzzle.solution)])
                };
                let empty = PuzzleSet::empty(name, size.cells(), size.vocab());
                (make_splits(empty, [train, val], make)?, Some(Augmentation::Sudoku(*size)))
            }
            Self::Maze { side, style, seed } => {
                let sides = maze::SMALLEST..=maze::LARGEST;
                if !sides.contains(side) {
                    let what = format!("a maze is {sides:?} cells wide and high, not {side}");
                    return Err(PuzzleError::Unusable { what });
                }
                let name = format!("mazes {side}×{side} made by seed {seed}");
                let make = |split, number| {
                    let maze = maze::make(*side, *style, split, *seed, number)?;
                    let path = maze::shortest(&maze)?;
                    Some([maze.tokens().to_vec(), maze.with_path(&path).tokens().to_vec()])
                };
                let empty = PuzzleSet::empty(name, side * side, maze::VOCAB);
                (
                    make_splits(empty, [train, val], make)?,
                    Some(Augmentation::Dihedral { side: *side }),
                )
            }
            Self::Lines(place) => {
                let (name, text) = place.read()?;
                let (size, parts) = lines(&name, &text, [train, val])?;
                (parts, Some(Augmentation::Sudoku(size)))
            }
            #[cfg(feature = "files")]
            Self::Official(path) => {
                let parts = ["train", "test"].map(|part| super::official::open(path, part));
                let [all, test] = parts;
                ([all?, test?.first(val)], None)
            }
            #[cfg(not(feature = "files"))]
            Self::Official(path) => return Err(no_files(path)),
            Self::Arc { files, augmentations, seed } => {
                let tasks: Result<Vec<_>, _> = files.iter().map(TaskFile::read).collect();
                let sets = arc::build("ARC tasks", &tasks?.concat(), *augmentations, *seed)?;
                let (train, val) = (sets.train, sets.test.first(val));
                return Ok(PuzzleDataset {
                    train,
                    val,
                    augmentation: None,
                    tasks: Some(sets.tasks),
                });
            }
        };
        let [train, val] = parts;
        if train.is_empty() {
            return Err(PuzzleError::Empty { name: train.name });
        }
        Ok(PuzzleDataset {
            train,
            val,
            augmentation: augmentation.filter(|_| augment),
            tasks: None,
        })
    }
}

impl TextSource {
    /// Its name, without folders and ending, and its text.
    fn read(&self) -> Result<(String, String), PuzzleError> {
        match self {
            Self::Text { name, text } => Ok((name.clone(), text.clone())),
            #[cfg(feature = "files")]
            Self::File(path) => {
                let text = read_text(path).map_err(|error| PuzzleError::Unreadable {
                    name: path.display().to_string(),
                    reason: match error {
                        DataError::Unreadable { reason, .. } => reason,
                        other => other.to_string(),
                    },
                })?;
                let stem = path.file_stem().unwrap_or(path.as_os_str());
                Ok((stem.to_string_lossy().into_owned(), text))
            }
            #[cfg(not(feature = "files"))]
            Self::File(path) => Err(no_files(path)),
        }
    }
}

#[cfg(not(feature = "files"))]
fn no_files(path: &std::path::Path) -> PuzzleError {
    PuzzleError::Unreadable {
        name: path.display().to_string(),
        reason: "this program is built without files".into(),
    }
}

/// Repetitions in a row after which there seem to be no more puzzles.
const REPEATS: u64 = 1000;

/// Both parts of what is made, input and label by split and number.
fn make_splits(
    empty: PuzzleSet,
    counts: [usize; 2],
    make: impl Fn(Split, u64) -> Option<[Vec<u32>; 2]>,
) -> Result<[PuzzleSet; 2], PuzzleError> {
    let part = |split, wanted| {
        let (mut set, mut seen) = (empty.clone(), HashSet::new());
        let (mut number, mut repeats) = (0, 0);
        while set.len() < wanted {
            let made = make(split, number).filter(|_| repeats < REPEATS);
            let Some([input, label]) = made else {
                let (name, found) = (set.name, set.puzzle_identifiers.len());
                return Err(PuzzleError::TooFew { name, found, wanted });
            };
            number += 1;
            repeats += 1;
            if !seen.contains(&input) {
                set.push(&input, &label);
                seen.insert(input);
                repeats = 0;
            }
        }
        Ok(set)
    };
    Ok([part(Split::Train, counts[0])?, part(Split::Val, counts[1])?])
}

/// The puzzles of lines, answers found where the lines have none. What is learned
/// from has no puzzle that is also held out.
fn lines(
    name: &str,
    text: &str,
    [train, val]: [usize; 2],
) -> Result<(Size, [PuzzleSet; 2]), PuzzleError> {
    let lines = sudoku::parse(name, text)?;
    let size = lines[0].size;
    let wrong = |line: usize, reason: &str| PuzzleError::Line {
        name: name.into(),
        line,
        reason: reason.into(),
    };
    let empty = PuzzleSet::empty(name.into(), size.cells(), size.vocab());
    let (mut learned, mut held) = (empty.clone(), empty);
    // One puzzle at least is left to learn from.
    let boundary = lines.len() - val.min(lines.len() - 1);
    let mut held_out = HashSet::new();
    for (place, line) in lines.into_iter().enumerate().rev() {
        let is_val = place >= boundary;
        if line.size != size {
            return Err(wrong(line.number, "the puzzle is of another size than the first"));
        }
        let answer = match (line.answer, sudoku::solve(size, &line.board).solutions) {
            (_, Solutions::None) => return Err(wrong(line.number, "the puzzle has no solution")),
            (Some(answer), _) | (None, Solutions::One(answer)) => answer,
            (None, Solutions::Unknown) => {
                return Err(wrong(line.number, "the puzzle is too hard to be checked"));
            }
            (None, Solutions::Several(_)) => {
                return Err(wrong(line.number, "the puzzle has more than one solution"));
            }
        };
        let print = sudoku::fingerprint(size, &line.board);
        if is_val {
            held_out.insert(print);
        } else if held_out.contains(&print) {
            continue;
        }
        let part = if is_val { &mut held } else { &mut learned };
        part.push(&sudoku::encode(&line.board), &sudoku::encode(&answer));
    }
    // Gathered from the last line on: turned round, and cut to what was asked for.
    let forwards = |set: &PuzzleSet, most: usize| {
        let batch = set.gather((0..set.len()).rev().take(most));
        let (inputs, labels) = (batch.inputs, batch.labels);
        PuzzleSet { inputs, labels, puzzle_identifiers: batch.puzzle_identifiers, ..set.clone() }
    };
    Ok((size, [forwards(&learned, train), forwards(&held, val)]))
}
