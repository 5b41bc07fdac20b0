//! Shortest paths by breadth-first search, and the check of an answer.

use std::collections::VecDeque;

use super::grid::{FLOOR, Maze, PATH, WALL};

/// What an answer to a maze is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The marked cells are a shortest path of so many steps.
    Optimal {
        /// Steps from start to goal.
        steps: usize,
    },
    /// The marked cells connect start and goal, but are more than a shortest
    /// path needs.
    Longer {
        /// Cells that are marked.
        marked: usize,
        /// Cells of a shortest path.
        needed: usize,
    },
    /// The marked cells do not connect start and goal.
    Broken,
    /// A wall, the start or the goal is not where it was, or a cell is none of a
    /// maze.
    Changed {
        /// Index of the cell.
        cell: usize,
    },
    /// There is no path in this maze.
    Impossible,
}

impl Maze {
    /// Steps from `from` to each cell over cells that `open` says are open.
    pub(super) fn steps(&self, from: usize, open: impl Fn(usize) -> bool) -> Vec<Option<u32>> {
        let mut steps = vec![None; self.tokens.len()];
        steps[from] = Some(0);
        let mut waiting = VecDeque::from([(from, 0)]);
        while let Some((cell, so_far)) = waiting.pop_front() {
            for next in self.beside(cell) {
                if steps[next].is_none() && open(next) {
                    steps[next] = Some(so_far + 1);
                    waiting.push_back((next, so_far + 1));
                }
            }
        }
        steps
    }

    pub(super) fn is_open(&self, cell: usize) -> bool {
        self.tokens[cell] != WALL
    }
}

/// The cells of a shortest path, start and goal included. Of several, the one
/// that, seen from the start, turns up before left before right before down.
pub fn shortest(maze: &Maze) -> Option<Vec<usize>> {
    let steps = maze.steps(maze.goal, |cell| maze.is_open(cell));
    let mut left = steps[maze.start]?;
    let mut path = vec![maze.start];
    let mut cell = maze.start;
    while left > 0 {
        left -= 1;
        let mut nearer = maze.beside(cell).filter(|next| steps[*next] == Some(left));
        cell = nearer.next().expect("a cell that is reached was reached from a nearer one");
        path.push(cell);
    }
    Some(path)
}

/// How many shortest paths there are; saturates.
pub fn shortest_paths(maze: &Maze) -> u64 {
    let steps = maze.steps(maze.start, |cell| maze.is_open(cell));
    let mut order: Vec<usize> = (0..steps.len()).filter(|cell| steps[*cell].is_some()).collect();
    order.sort_by_key(|cell| steps[*cell]);
    let mut ways = vec![0_u64; steps.len()];
    ways[maze.start] = 1;
    for cell in order {
        for next in maze.beside(cell) {
            if steps[next].is_some() && steps[next] == steps[cell].map(|so_far| so_far + 1) {
                ways[next] = ways[next].saturating_add(ways[cell]);
            }
        }
    }
    ways[maze.goal]
}

/// Judges `answer`, the tokens of the maze with a path marked in it. Any
/// shortest path is as good as another.
pub fn check(maze: &Maze, answer: &[u32]) -> Verdict {
    let kept = |cell: &usize| match maze.tokens[*cell] {
        FLOOR | PATH => matches!(answer.get(*cell), Some(&FLOOR | &PATH)),
        token => answer.get(*cell) == Some(&token),
    };
    if let Some(cell) = (0..maze.tokens.len().max(answer.len()))
        .find(|cell| *cell >= maze.tokens.len() || !kept(cell))
    {
        return Verdict::Changed { cell };
    }
    let Some(needed) = maze.steps(maze.start, |cell| maze.is_open(cell))[maze.goal] else {
        return Verdict::Impossible;
    };
    let marked = answer.iter().filter(|token| **token == PATH).count();
    let on_path = |cell: usize| answer[cell] == PATH || cell == maze.goal;
    match maze.steps(maze.start, on_path)[maze.goal] {
        None => Verdict::Broken,
        // As many cells as a shortest path has between its ends are one.
        Some(_) if marked + 1 == needed as usize => Verdict::Optimal { steps: needed as usize },
        Some(_) => Verdict::Longer { marked, needed: needed as usize - 1 },
    }
}
