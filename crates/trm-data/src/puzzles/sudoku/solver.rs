//! A plain solver: cells with one candidate and digits with one place are filled
//! in until none is left, then it guesses at a cell with the fewest candidates.
//! How often it has to guess is how hard a puzzle is called here.

use std::sync::LazyLock;

use super::size::Size;

/// What a board has for solutions; two are enough to know of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Solutions {
    /// No solution.
    None,
    /// The only solution.
    One(Vec<u8>),
    /// Two of several solutions.
    Several([Vec<u8>; 2]),
    /// Given up after [`MOST_GUESSES`], with one solution at most.
    Unknown,
}

/// The hardest boards with one solution need some hundreds; some boards without
/// any would take seconds or hours to be sure of.
pub const MOST_GUESSES: usize = 100_000;

/// A board looked through to the end, or to its second solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solved {
    /// What was found.
    pub solutions: Solutions,
    /// Candidates tried where nothing else led on. All of a cell's candidates
    /// count, as it takes all of them to know that there is one solution: so the
    /// number does not depend on luck, and is never 1.
    pub guesses: usize,
}

/// Solves `board`, or gives up on it.
///
/// # Panics
/// If the board is of another size or has a digit beyond it.
pub fn solve(size: Size, board: &[u8]) -> Solved {
    let units = units(size);
    let mut search = Search { units, found: Vec::new(), wanted: 2, guesses: 0, most: MOST_GUESSES };
    if let Some(grid) = Grid::of(units, board) {
        search.run(&grid);
    }
    let given_up = search.guesses > search.most;
    let mut found = search.found.into_iter();
    let solutions = match (found.next(), found.next()) {
        (Some(one), Some(other)) => Solutions::Several([one, other]),
        _ if given_up => Solutions::Unknown,
        (None, _) => Solutions::None,
        (Some(one), None) => Solutions::One(one),
    };
    Solved { solutions, guesses: search.guesses }
}

/// Guesses that a board with one solution needs, or `None` beyond `most`.
pub(super) fn rate(size: Size, board: &[u8], most: usize) -> Option<usize> {
    let units = units(size);
    let mut search = Search { units, found: Vec::new(), wanted: 2, guesses: 0, most };
    search.run(&Grid::of(units, board)?);
    (search.guesses <= most).then_some(search.guesses)
}

/// Whether `board`, which has one solution once `cell` holds `digit`, has no
/// other without it.
pub(super) fn implies(size: Size, board: &[u8], cell: usize, digit: u8) -> bool {
    let (units, bit) = (units(size), 1 << (digit - 1));
    let Some(mut grid) = Grid::of(units, board) else { return false };
    if grid.candidates[cell] == bit {
        return true;
    }
    let most = usize::MAX;
    let mut search = Search { units, found: Vec::new(), wanted: 1, guesses: 0, most };
    if grid.without(units, cell, bit) {
        search.run(&grid);
    }
    search.found.is_empty()
}

/// A whole board, its guesses decided by `choose(choices) -> one of them`.
pub(super) fn fill(size: Size, choose: &mut dyn FnMut(usize) -> usize) -> Vec<u8> {
    fn go(grid: &Grid, units: &Units, choose: &mut dyn FnMut(usize) -> usize) -> Option<Vec<u8>> {
        let Some(cell) = grid.narrowest(units) else { return Some(grid.digits(units)) };
        let mut open = grid.candidates[cell];
        while open != 0 {
            let mut bits = open;
            for _ in 0..choose(open.count_ones() as usize) {
                bits &= bits - 1;
            }
            let bit = bits & bits.wrapping_neg();
            open &= !bit;
            let mut next = grid.clone();
            if next.place(units, cell, bit)
                && next.settle(units)
                && let Some(board) = go(&next, units, choose)
            {
                return Some(board);
            }
        }
        None
    }
    let units = units(size);
    go(&Grid::open(units), units, choose).expect("an empty board has solutions")
}

/// Most cells of a board, and most candidates of a cell.
const CELLS: usize = 81;
const SIDE: usize = 9;

/// The rules of a size as lists of cells.
pub(super) struct Units {
    pub side: usize,
    /// Rows, then columns, then boxes: `[3 · side]` lists of `side` cells.
    pub units: Vec<[u8; SIDE]>,
    /// The cells that share a unit with each cell.
    peers: Vec<Vec<u8>>,
}

pub(super) fn units(size: Size) -> &'static Units {
    static UNITS: LazyLock<[Units; 3]> = LazyLock::new(|| Size::ALL.map(Units::new));
    &UNITS[size as usize]
}

impl Units {
    fn new(size: Size) -> Self {
        let (side, cells) = (size.side(), size.cells());
        let unit_of = |cell: usize| [cell / side, side + cell % side, 2 * side + size.box_of(cell)];
        let mut units = vec![[0; SIDE]; 3 * side];
        let mut filled = vec![0; 3 * side];
        for cell in 0..cells {
            for unit in unit_of(cell) {
                units[unit][filled[unit]] = cell as u8;
                filled[unit] += 1;
            }
        }
        let shared =
            |a: usize, b: usize| a != b && unit_of(a).iter().zip(unit_of(b)).any(|(a, b)| *a == b);
        let peers_of = |a| (0..cells).filter(|b| shared(a, *b)).map(|b| b as u8).collect();
        Self { side, units, peers: (0..cells).map(peers_of).collect() }
    }

    fn cells(&self) -> usize {
        self.side * self.side
    }

    fn all(&self) -> u16 {
        (1 << self.side) - 1
    }
}

/// What each cell can still be, one bit for each digit.
#[derive(Clone)]
struct Grid {
    candidates: [u16; CELLS],
    /// Cells whose digit is taken from their peers, one bit for each.
    placed: u128,
}

impl Grid {
    fn open(units: &Units) -> Self {
        Self { candidates: [units.all(); CELLS], placed: 0 }
    }

    /// A board with all that follows without guessing; `None` if it cannot be.
    fn of(units: &Units, board: &[u8]) -> Option<Self> {
        assert_eq!(board.len(), units.cells(), "a board of its size");
        let mut grid = Self::open(units);
        for (cell, digit) in board.iter().enumerate().filter(|(_, digit)| **digit != 0) {
            assert!(usize::from(*digit) <= units.side, "digits of the board's size");
            if !grid.place(units, cell, 1 << (digit - 1)) {
                return None;
            }
        }
        grid.settle(units).then_some(grid)
    }

    /// Fills in a digit and every cell that has one candidate left; `false` if a
    /// cell has none left.
    fn place(&mut self, units: &Units, cell: usize, bit: u16) -> bool {
        if self.candidates[cell] & bit == 0 {
            return false;
        }
        self.candidates[cell] = bit;
        // A cell gets down to one candidate once, and the first may do so twice.
        let mut waiting = [0_u8; CELLS + 1];
        waiting[0] = cell as u8;
        let mut count = 1;
        while count > 0 {
            count -= 1;
            let cell = usize::from(waiting[count]);
            if self.placed >> cell & 1 == 1 {
                continue;
            }
            self.placed |= 1 << cell;
            let bit = self.candidates[cell];
            for peer in &units.peers[cell] {
                let left = &mut self.candidates[usize::from(*peer)];
                if *left & bit == 0 {
                    continue;
                }
                *left &= !bit;
                if *left == 0 {
                    return false;
                }
                if left.is_power_of_two() {
                    waiting[count] = *peer;
                    count += 1;
                }
            }
        }
        true
    }

    /// Fills in every digit that has one place left in a unit; `false` if one
    /// has none.
    fn settle(&mut self, units: &Units) -> bool {
        loop {
            let before = self.placed;
            for unit in &units.units {
                let unit = &unit[..units.side];
                let (mut once, mut twice) = (0, 0);
                for cell in unit {
                    let candidates = self.candidates[usize::from(*cell)];
                    twice |= once & candidates;
                    once |= candidates;
                }
                if once != units.all() {
                    return false;
                }
                let single = once & !twice;
                for cell in unit {
                    let cell = usize::from(*cell);
                    let bit = self.candidates[cell] & single;
                    if bit == 0 || self.placed >> cell & 1 == 1 {
                        continue;
                    }
                    if !bit.is_power_of_two() || !self.place(units, cell, bit) {
                        return false;
                    }
                }
            }
            if self.placed == before {
                return true;
            }
        }
    }

    /// Takes a candidate out, with all that follows; `false` if it cannot be.
    fn without(&mut self, units: &Units, cell: usize, bit: u16) -> bool {
        let left = self.candidates[cell] & !bit;
        self.candidates[cell] = left;
        left != 0
            && (!left.is_power_of_two() || self.place(units, cell, left))
            && self.settle(units)
    }

    /// The first of the cells with the fewest candidates, but more than one.
    fn narrowest(&self, units: &Units) -> Option<usize> {
        let mut best = (u32::MAX, None);
        for cell in 0..units.cells() {
            let count = self.candidates[cell].count_ones();
            if count > 1 && count < best.0 {
                best = (count, Some(cell));
                if count == 2 {
                    break;
                }
            }
        }
        best.1
    }

    fn digits(&self, units: &Units) -> Vec<u8> {
        let digit = |bit: &u16| bit.trailing_zeros() as u8 + 1;
        self.candidates[..units.cells()].iter().map(digit).collect()
    }
}

struct Search {
    units: &'static Units,
    found: Vec<Vec<u8>>,
    /// Solutions to stop at.
    wanted: usize,
    guesses: usize,
    /// Guesses beyond which it stops.
    most: usize,
}

impl Search {
    fn run(&mut self, grid: &Grid) {
        let Some(cell) = grid.narrowest(self.units) else {
            self.found.push(grid.digits(self.units));
            return;
        };
        let mut open = grid.candidates[cell];
        while open != 0 && self.found.len() < self.wanted && self.guesses <= self.most {
            let bit = open & open.wrapping_neg();
            open &= !bit;
            self.guesses += 1;
            let mut next = grid.clone();
            if next.place(self.units, cell, bit) && next.settle(self.units) {
                self.run(&next);
            }
        }
    }
}
