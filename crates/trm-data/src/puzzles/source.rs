//! Where puzzles come from, as plain data, and the sets made of it.

use std::collections::HashSet;
use std::path::PathBuf;

use super::arc;
use super::augmentation::Augmentation;
use super::dataset::{PuzzleDataset, PuzzleSet};
use super::error::PuzzleError;
use super::lines;
use super::maze::{self, Style};
use super::sudoku::{self, Size};
#[cfg(feature = "files")]
use crate::error::DataError;
use crate::file_kind::FileKind;
use crate::parallel;
use crate::split::Split;
#[cfg(feature = "files")]
use crate::text::read_utf8;

/// Where puzzles come from. What is made is a function of these values: of its
/// puzzles, none to learn from is an augmented copy of one held out.
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
        /// As many of each [`sudoku::Grade`] within these limits as of any other.
        equal_grades: bool,
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
    /// A text of Sudokus, all of one size; the last ones are held out.
    Lines(TextSource),
    /// A text of square mazes, all of one size; the last ones are held out.
    MazeLines(TextSource),
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
        let shown = |source: &TextSource, error: PuzzleError| error.in_file(&source.shown());
        let tasks = arc::parse(&name, &text).map_err(|error| shown(&self.tasks, error));
        let mut tasks = tasks?;
        if let Some(solutions) = &self.solutions {
            let (name, text) = solutions.read()?;
            arc::add_solutions(&mut tasks, &name, &text)
                .map_err(|error| shown(solutions, error))?;
        }
        Ok(tasks)
    }

    /// The tasks of several files, each once, and how many are left out because they
    /// come again.
    ///
    /// # Errors
    /// As of [`read`](Self::read).
    pub fn read_all(files: &[Self]) -> Result<(Vec<arc::Task>, usize), PuzzleError> {
        let tasks: Vec<_> = files.iter().map(Self::read).collect::<Result<_, _>>()?;
        Ok(arc::distinct(tasks.concat()))
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
        self.load_seen(train, val, augment, &mut |_, _| ())
    }

    /// As [`load`](Self::load). `seen` is told how many puzzles are generated, and of how many.
    ///
    /// # Errors
    /// As of `load`.
    pub fn load_seen(
        &self,
        train: usize,
        val: usize,
        augment: bool,
        seen: Seen<'_>,
    ) -> Result<PuzzleDataset, PuzzleError> {
        let (mut copies, mut unused) = (0, 0);
        let (parts, augmentation) = match self {
            Self::Sudoku { size, min_guesses, max_guesses, equal_grades, seed } => {
                let guesses = *min_guesses..=*max_guesses;
                if guesses.is_empty() {
                    let what = format!("no puzzle needs {min_guesses} to {max_guesses} guesses");
                    return Err(PuzzleError::Unusable { what });
                }
                let name = format!("Sudoku {0}×{0} made by seed {seed}", size.side());
                let grades =
                    if *equal_grades { sudoku::grades_within(&guesses) } else { vec![guesses] };
                let make = |split, number| {
                    let guesses = &grades[(number % grades.len() as u64) as usize];
                    let puzzle = sudoku::make(*size, guesses, split, *seed, number)?;
                    Some([sudoku::encode(&puzzle.board), sudoku::encode(&puzzle.solution)])
                };
                let empty = PuzzleSet::empty(name, size.cells(), size.vocab());
                let sets = make_splits(empty, [train, val], seen, make)?;
                (sets, Some(Augmentation::Sudoku(*size)))
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
                let sets = make_splits(empty, [train, val], seen, make)?;
                (sets, Some(Augmentation::Dihedral { side: *side }))
            }
            Self::Lines(place) => {
                let (name, text) = place.read()?;
                let read = refuse_other(&name, &text)
                    .and_then(|()| lines::sudokus(&name, &text, [train, val]));
                let (size, read) = read.map_err(|error| error.in_file(&place.shown()))?;
                (copies, unused) = (read.copies, read.unused);
                (read.parts, Some(Augmentation::Sudoku(size)))
            }
            Self::MazeLines(place) => {
                let (name, text) = place.read()?;
                let read = refuse_other(&name, &text)
                    .and_then(|()| lines::mazes(&name, &text, [train, val]));
                let (side, read) = read.map_err(|error| error.in_file(&place.shown()))?;
                (copies, unused) = (read.copies, read.unused);
                (read.parts, Some(Augmentation::Dihedral { side }))
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
                let (tasks, copies) = TaskFile::read_all(files)?;
                let sets = arc::build("ARC tasks", &tasks, *augmentations, *seed)?;
                let (train, val) = (sets.train, sets.test.first(val));
                return Ok(PuzzleDataset {
                    train,
                    val,
                    augmentation: None,
                    tasks: Some(sets.tasks),
                    copies,
                    unused,
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
            copies,
            unused,
        })
    }
}

impl TextSource {
    /// What messages call it.
    fn shown(&self) -> String {
        match self {
            Self::Text { name, .. } => name.clone(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Its name, without folders and ending, and its text.
    fn read(&self) -> Result<(String, String), PuzzleError> {
        match self {
            Self::Text { name, text } => Ok((name.clone(), text.clone())),
            #[cfg(feature = "files")]
            Self::File(path) => {
                let text = read_utf8(path).map_err(|error| match error {
                    DataError::Empty { name } => PuzzleError::Empty { name },
                    DataError::Unreadable { path: name, reason } => {
                        PuzzleError::Unreadable { name, reason }
                    }
                    other => {
                        PuzzleError::NotText { message: other.to_string(), hint: other.hint() }
                    }
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

/// Is told how many puzzles are done, and of how many.
pub type Seen<'a> = &'a mut dyn FnMut(usize, usize);

/// Repetitions in a row after which there seem to be no more puzzles.
const REPEATS: u64 = 1000;

/// Both parts of what is made, input and label by split and number. `seen` is told how many are
/// made, and of how many.
fn make_splits(
    empty: PuzzleSet,
    counts: [usize; 2],
    seen: Seen<'_>,
    make: impl Fn(Split, u64) -> Option<[Vec<u32>; 2]> + Send + Sync,
) -> Result<[PuzzleSet; 2], PuzzleError> {
    let (all, mut before) = (counts.iter().sum(), 0);
    let mut part = |split, wanted| {
        let (mut set, mut known) = (empty.clone(), HashSet::new());
        let (mut next, mut repeats) = (0, 0);
        while set.len() < wanted {
            let numbers = next..next + parallel::at_once(wanted - set.len()) as u64;
            next = numbers.end;
            for made in parallel::made(numbers, |number| make(split, number)) {
                let Some([input, label]) = made.filter(|_| repeats < REPEATS) else {
                    let (name, found) = (set.name, set.puzzle_identifiers.len());
                    return Err(PuzzleError::TooFew { name, found, wanted });
                };
                repeats += 1;
                if !known.contains(&input) {
                    set.push(&input, &label);
                    known.insert(input);
                    repeats = 0;
                }
            }
            seen(before + set.len(), all);
        }
        before += wanted;
        Ok(set)
    };
    Ok([part(Split::Train, counts[0])?, part(Split::Val, counts[1])?])
}

/// Refuses a text that is of another kind, which a reader of lines would call damaged.
pub(super) fn refuse_other(name: &str, text: &str) -> Result<(), PuzzleError> {
    match FileKind::of_start(text.as_bytes()) {
        kind @ (FileKind::Json | FileKind::JsonLines | FileKind::Html | FileKind::GitLfs) => {
            Err(PuzzleError::OtherKind { name: name.into(), kind })
        }
        _ => Ok(()),
    }
}
