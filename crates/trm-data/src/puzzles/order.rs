//! Which puzzle comes when: every group once in an epoch, in an order of its
//! own. Addressed like every other draw: puzzle number `k` of a run is a
//! function of the seed and `k`.

use std::ops::Range;

use rand::RngExt;

use crate::draw::{draw, stream};
use crate::epochs::{Permutation, mix};

/// The official data's two levels: a puzzle has rows (an ARC task has several
/// examples), and a group holds the augmented copies of one puzzle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// Puzzle `p` has the rows `puzzles[p]..puzzles[p + 1]`.
    puzzles: Vec<usize>,
    /// Group `g` has the puzzles `groups[g]..groups[g + 1]`.
    groups: Vec<usize>,
    /// Group `g` is drawn from at the places `places[g]..places[g + 1]` of an
    /// epoch: as often as its first puzzle has rows.
    places: Vec<usize>,
}

impl Groups {
    /// Bounds of puzzles in rows and of groups in puzzles, both beginning with
    /// 0; `None` if a puzzle or a group would be empty, or if either list does
    /// not end where what it divides ends.
    pub fn new(puzzles: Vec<usize>, groups: Vec<usize>, rows: usize) -> Option<Self> {
        let divides = |bounds: &[usize], end: usize| {
            bounds.first() == Some(&0)
                && bounds.last() == Some(&end)
                && bounds.windows(2).all(|pair| pair[0] < pair[1])
        };
        if !divides(&puzzles, rows) || !divides(&groups, puzzles.len() - 1) {
            return None;
        }
        let mut places = vec![0];
        for first in &groups[..groups.len() - 1] {
            places.push(places[places.len() - 1] + puzzles[first + 1] - puzzles[*first]);
        }
        Some(Self { puzzles, groups, places })
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.groups.len() - 1
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of puzzle `number`.
    pub fn puzzle(&self, number: usize) -> Range<usize> {
        self.puzzles[number]..self.puzzles[number + 1]
    }

    /// The puzzles of group `number`.
    pub fn group(&self, number: usize) -> Range<usize> {
        self.groups[number]..self.groups[number + 1]
    }
}

/// The row that puzzle `number` of the run seeded with `seed` takes, of `rows` in
/// `groups` or of as many without groups. In each epoch a group gives one of its
/// puzzles, drawn anew, in all its rows, as in the official code; but there a
/// puzzle's rows follow each other, and here they are spread over the epoch.
pub(crate) fn row_at(groups: Option<&Groups>, rows: usize, seed: u64, number: u128) -> usize {
    let size = groups.map_or(rows, |groups| groups.places[groups.len()]) as u64;
    let (epoch, place) = ((number / u128::from(size)) as u64, (number % u128::from(size)) as u64);
    let mut generator = draw(seed, stream::PUZZLES, epoch);
    let place = Permutation { keys: generator.random(), size }.at(place) as usize;
    let Some(groups) = groups else { return place };
    let group = groups.places.partition_point(|first| *first <= place) - 1;
    let puzzles = groups.group(group);
    let key: u64 = generator.random();
    let chosen = mix(key ^ mix(group as u64)) % puzzles.len() as u64;
    let rows = groups.puzzle(puzzles.start + chosen as usize);
    rows.start + (place - groups.places[group]) % rows.len()
}
