//! Mazes made by seed, each with one shortest path and no other as short, so
//! that there is one right answer.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::grid::{FLOOR, GOAL, LARGEST, Maze, SMALLEST, START, WALL};
use super::path::shortest;
use crate::draw::{draw, stream};
use crate::epochs::mix;
use crate::puzzles::dihedral::Dihedral;
use crate::split::Split;

/// How a maze is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Walls strewn at random.
    Scattered,
    /// Corridors carved in depth, with a few walls between them broken, so that
    /// there are ways around.
    Corridors,
}

/// Far more than needed at any size: the chance of a useless grid is small.
const ATTEMPTS: usize = 10_000;

/// One maze in so many is held out.
const HELD_OUT: u64 = 5;

/// Whether a square maze is for training or held out; the same however it is turned.
pub fn split_of(maze: &Maze) -> Split {
    let digest = |number| {
        let turn = Dihedral::new(number).expect("below eight");
        let tokens = turn.apply(&maze.tokens, maze.rows, maze.cols);
        tokens.into_iter().fold(0, |sum, token| mix(sum ^ u64::from(token)))
    };
    let least = (0..Dihedral::COUNT).map(digest).min().unwrap_or(0);
    if least.is_multiple_of(HELD_OUT) { Split::Val } else { Split::Train }
}

/// Maze `number` of a part, `side` cells wide and high: a function of its
/// arguments. `None` if `side` is not from
/// [`SMALLEST`] to [`LARGEST`].
pub fn make(side: usize, style: Style, split: Split, seed: u64, number: u64) -> Option<Maze> {
    if !(SMALLEST..=LARGEST).contains(&side) {
        return None;
    }
    let mut generator = draw(seed, stream::MADE, number);
    (0..ATTEMPTS)
        .find_map(|_| attempt(side, style, &mut generator).filter(|maze| split_of(maze) == split))
}

fn attempt(side: usize, style: Style, generator: &mut ChaCha8Rng) -> Option<Maze> {
    let tokens = match style {
        Style::Scattered => scattered(side, generator),
        Style::Corridors => corridors(side, generator),
    };
    let floor: Vec<usize> = (0..tokens.len()).filter(|cell| tokens[*cell] == FLOOR).collect();
    if floor.len() < 2 {
        return None;
    }
    let start = floor[pick(floor.len(), generator)];
    let mut maze = Maze { rows: side, cols: side, tokens, start, goal: start };
    let steps = maze.steps(start, |cell| maze.is_open(cell));
    // The goal lies in the farther half of what can be reached, and not within
    // a stone's throw.
    let farthest = steps.iter().flatten().max().copied().unwrap_or(0);
    let far = |cell: &usize| steps[*cell].is_some_and(|steps| 2 * steps >= farthest);
    let goals: Vec<usize> = floor.into_iter().filter(far).collect();
    if (farthest as usize) < side || goals.is_empty() {
        return None;
    }
    maze.goal = goals[pick(goals.len(), generator)];
    maze.tokens[maze.start] = START;
    maze.tokens[maze.goal] = GOAL;
    wall_up_others(&mut maze);
    Some(maze)
}

/// Puts walls where another path would be as short as the one that stays.
fn wall_up_others(maze: &mut Maze) {
    let path = shortest(maze).expect("the goal was chosen among what can be reached");
    let from_start = maze.steps(maze.start, |cell| maze.is_open(cell));
    let from_goal = maze.steps(maze.goal, |cell| maze.is_open(cell));
    let length = path.len() as u32 - 1;
    for cell in 0..maze.tokens.len() {
        let through = from_start[cell].zip(from_goal[cell]).map(|(a, b)| a + b);
        if through == Some(length) && !path.contains(&cell) {
            maze.tokens[cell] = WALL;
        }
    }
}

fn scattered(side: usize, generator: &mut ChaCha8Rng) -> Vec<u32> {
    let share = generator.random_range(25..=40_u32);
    let cell = |_| if generator.random_range(0..100_u32) < share { WALL } else { FLOOR };
    (0..side * side).map(cell).collect()
}

/// Walls broken for every so many rooms.
const ROOMS_PER_LOOP: usize = 8;

/// Rooms lie on every other row and column; what lies between two of them is a
/// wall or a way.
fn corridors(side: usize, generator: &mut ChaCha8Rng) -> Vec<u32> {
    let mut tokens = vec![WALL; side * side];
    // An even side has a row to spare at one end or at the other.
    let offset = |generator: &mut ChaCha8Rng| {
        if side.is_multiple_of(2) { generator.random_range(0..=1_u32) as usize } else { 0 }
    };
    let (top, left) = (offset(generator), offset(generator));
    let rooms = side.div_ceil(2);
    let cell = |room: usize| (top + room / rooms * 2) * side + left + room % rooms * 2;
    let beside = |room: usize| {
        let (row, col) = (room / rooms, room % rooms);
        [
            (row > 0).then(|| room - rooms),
            (col > 0).then(|| room - 1),
            (col + 1 < rooms).then_some(room + 1),
            (row + 1 < rooms).then_some(room + rooms),
        ]
        .into_iter()
        .flatten()
    };
    // The cell between two rooms has the mean of their numbers.
    let between = |a: usize, b: usize| (cell(a) + cell(b)) / 2;
    let mut trail = vec![pick(rooms * rooms, generator)];
    tokens[cell(trail[0])] = FLOOR;
    while let Some(room) = trail.last().copied() {
        let closed: Vec<usize> = beside(room).filter(|next| tokens[cell(*next)] == WALL).collect();
        if closed.is_empty() {
            trail.pop();
            continue;
        }
        let next = closed[pick(closed.len(), generator)];
        tokens[cell(next)] = FLOOR;
        tokens[between(room, next)] = FLOOR;
        trail.push(next);
    }
    for _ in 0..rooms * rooms / ROOMS_PER_LOOP {
        let room = pick(rooms * rooms, generator);
        let next: Vec<usize> = beside(room).collect();
        tokens[between(room, next[pick(next.len(), generator)])] = FLOOR;
    }
    tokens
}

/// One of `count` places; drawn as u32, so that 32-bit platforms draw the same.
fn pick(count: usize, generator: &mut ChaCha8Rng) -> usize {
    generator.random_range(0..count as u32) as usize
}
