//! The official augmentation of a task: colours renamed, but never the
//! background, and turned or mirrored.

use rand_chacha::ChaCha8Rng;

use super::grid::{COLOURS, Grid};
use crate::puzzles::dihedral::Dihedral;
use crate::puzzles::sudoku::permutation;

/// Between a task's name and its augmentation.
const SEPARATOR: &str = "|||";

/// A way to show a task, and the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskAugmentation {
    turn: Dihedral,
    /// What each colour becomes: every colour once.
    colours: [u8; COLOURS as usize],
}

impl TaskAugmentation {
    /// A random augmentation.
    pub fn draw(generator: &mut ChaCha8Rng) -> Self {
        let turn = Dihedral::draw(generator);
        let mut colours = [0; COLOURS as usize];
        let order = permutation(colours.len() - 1, generator);
        for (colour, other) in colours[1..].iter_mut().zip(order) {
            *colour = other as u8 + 1;
        }
        Self { turn, colours }
    }

    /// The augmented copy of a grid.
    pub fn apply(&self, grid: &Grid) -> Grid {
        grid.recoloured(&self.colours).turned(self.turn)
    }

    /// What `apply` made of a grid, as it was before.
    pub fn undo(&self, grid: &Grid) -> Grid {
        let mut back = [0; COLOURS as usize];
        for (old, new) in self.colours.iter().enumerate() {
            back[usize::from(*new)] = old as u8;
        }
        grid.turned(self.turn.inverse()).recoloured(&back)
    }

    /// The name of the augmented task, as in `identifiers.json`:
    /// `task|||t3|||0213456789`.
    pub fn name(&self, task: &str) -> String {
        let colours: String = self.colours.iter().map(u8::to_string).collect();
        format!("{task}{SEPARATOR}t{}{SEPARATOR}{colours}", self.turn.number())
    }

    /// The task of such a name, and its augmentation where it has one.
    ///
    /// # Errors
    /// If the name is none of that form: the text says so.
    pub fn parse(name: &str) -> Result<(&str, Option<Self>), String> {
        let mut parts = name.split(SEPARATOR);
        let task = parts.next().unwrap_or(name);
        let augmentation = match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => return Ok((task, None)),
            (Some(turn), Some(colours), None) => Self::of(turn, colours),
            _ => None,
        };
        let augmentation =
            augmentation.ok_or_else(|| format!("{name:?} does not name an augmented task"))?;
        Ok((task, Some(augmentation)))
    }

    fn of(turn: &str, colours: &str) -> Option<Self> {
        let turn = Dihedral::new(turn.strip_prefix('t')?.parse().ok()?)?;
        let digit = |character: char| character.to_digit(10).map(|digit| digit as u8);
        let colours: Vec<u8> = colours.chars().map(digit).collect::<Option<_>>()?;
        let colours: [u8; COLOURS as usize] = colours.try_into().ok()?;
        let all = (0..COLOURS).all(|colour| colours.contains(&colour));
        all.then_some(Self { turn, colours })
    }
}
