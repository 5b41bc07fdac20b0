use proptest::prelude::*;
use trm_data::Split;
use trm_data::puzzles::PuzzleKind;
use trm_data::puzzles::dihedral::Dihedral;
use trm_data::puzzles::maze::{
    CHARACTERS, FLOOR, Maze, PATH, Style, VOCAB, Verdict, WALL, check, make, parse, parse_all,
    parse_line, print, shortest, shortest_paths, split_of,
};

use crate::fixture;

/// Distances by relaxing every cell until nothing changes.
fn distance_slowly(maze: &Maze) -> Option<usize> {
    let (rows, cols) = (maze.rows(), maze.cols());
    let mut steps = vec![usize::MAX; rows * cols];
    steps[maze.start()] = 0;
    loop {
        let before = steps.clone();
        for row in 0..rows {
            for col in 0..cols {
                for (r, c) in [(row, col + 1), (row + 1, col)] {
                    if r >= rows || c >= cols {
                        continue;
                    }
                    let (a, b) = (row * cols + col, r * cols + c);
                    if maze.tokens()[a] == WALL || maze.tokens()[b] == WALL {
                        continue;
                    }
                    steps[a] = steps[a].min(steps[b].saturating_add(1));
                    steps[b] = steps[b].min(steps[a].saturating_add(1));
                }
            }
        }
        if steps == before {
            return Some(steps[maze.goal()]).filter(|steps| *steps != usize::MAX);
        }
    }
}

fn any_maze() -> impl Strategy<Value = Maze> {
    (1_usize..8, 2_usize..8).prop_flat_map(|(rows, cols)| {
        let cells = rows * cols;
        let tokens = prop::collection::vec(prop::sample::select(vec![WALL, FLOOR, FLOOR]), cells);
        (tokens, 0..cells, 1..cells).prop_map(move |(mut tokens, start, off)| {
            tokens[start] = 3;
            tokens[(start + off) % cells] = 4;
            Maze::new(rows, cols, tokens).expect("a maze")
        })
    })
}

proptest! {
    #[test]
    fn paths_are_shortest(maze in any_maze()) {
        let path = shortest(&maze);
        prop_assert_eq!(path.as_ref().map(|path| path.len() - 1), distance_slowly(&maze));
        prop_assert_eq!(path.is_some(), shortest_paths(&maze) > 0);
        let drawn = maze.with_path(path.as_deref().unwrap_or_default());
        let verdict = check(&maze, drawn.tokens());
        match path {
            Some(path) => prop_assert_eq!(verdict, Verdict::Optimal { steps: path.len() - 1 }),
            None => prop_assert_eq!(verdict, Verdict::Impossible),
        }
        prop_assert_eq!(drawn.without_path(), maze);
    }

    #[test]
    fn mazes_survive_text(maze in any_maze()) {
        let text = print(maze.tokens(), maze.cols());
        prop_assert_eq!(parse("a maze", &text).expect("its own text"), maze);
    }

    #[test]
    fn what_is_made_has_one_best_path(side in 4_usize..14, corridors in any::<bool>(), val in any::<bool>(), seed in any::<u64>(), number in any::<u64>()) {
        let style = if corridors { Style::Corridors } else { Style::Scattered };
        let split = if val { Split::Val } else { Split::Train };
        let maze = make(side, style, split, seed, number).expect("a maze");
        prop_assert_eq!(shortest_paths(&maze), 1);
        prop_assert_eq!((maze.rows(), maze.cols()), (side, side));
        prop_assert_eq!(make(side, style, split, seed, number), Some(maze.clone()));
        for turn in 0..Dihedral::COUNT {
            let turned = Dihedral::new(turn).expect("below eight").apply(maze.tokens(), side, side);
            prop_assert_eq!(split_of(&Maze::new(side, side, turned).expect("a maze")), split);
        }
    }
}

#[test]
fn mazes_of_the_official_size_are_made() {
    for style in [Style::Scattered, Style::Corridors] {
        let maze = make(30, style, Split::Train, 1, 0).expect("a maze");
        assert!(shortest(&maze).expect("a path").len() > 15);
    }
    assert_eq!(make(3, Style::Corridors, Split::Train, 1, 0), None);
}

#[test]
fn encoded_as_the_official_code_does() {
    let maze = &fixture()["maze"];
    assert_eq!(maze["charset"], CHARACTERS.iter().collect::<String>());
    assert_eq!(maze["vocab_size"], VOCAB);
    for (place, character) in CHARACTERS.iter().enumerate() {
        assert_eq!(maze["ids"][character.to_string()], place + 1);
    }
    assert_eq!(parse_line("S o#oooGo").expect("a maze").tokens(), [3, 2, 5, 1, 5, 5, 5, 4, 5]);
}

#[test]
fn answers_are_judged() {
    let maze = parse("a maze", "S  \n # \n  G\n").expect("a maze");
    let judged = |text: &str| check(&maze, parse("an answer", text).expect("an answer").tokens());
    assert_eq!(judged("Soo\n #o\n  G"), Verdict::Optimal { steps: 4 });
    // The other way is as good.
    assert_eq!(judged("S  \no# \nooG"), Verdict::Optimal { steps: 4 });
    assert_eq!(judged("Soo\no#o\n  G"), Verdict::Longer { marked: 4, needed: 3 });
    assert_eq!(judged("So \n # \n oG"), Verdict::Broken);
    assert_eq!(judged("Soo\n oo\n  G"), Verdict::Changed { cell: 4 });
    let mut tokens = maze.tokens().to_vec();
    tokens.push(PATH);
    assert_eq!(check(&maze, &tokens), Verdict::Changed { cell: 9 });
    assert_eq!(check(&maze, &tokens[..8]), Verdict::Changed { cell: 8 });
    let walled = parse("a maze", "S#G").expect("a maze");
    assert_eq!(check(&walled, walled.tokens()), Verdict::Impossible);
}

#[test]
fn many_mazes_in_one_text() {
    let text = "\nS G\n   \n\nS###o###o###oooG\n\n\nS\nG\n";
    let mazes = parse_all("mazes", text).expect("mazes");
    let shapes: Vec<_> = mazes.iter().map(|m| (m.maze.rows(), m.maze.cols())).collect();
    assert_eq!(shapes, [(2, 3), (4, 4), (2, 1)]);
    for (text, line) in [("SG\n\nS \nxG", 4), ("SG\n\nSS", 3), ("SG\n\n\nS###############", 4)] {
        let error = parse_all("mazes", text).expect_err("a bad maze").to_string();
        assert!(error.starts_with(&format!("line {line} of mazes")), "{error}");
    }
    assert!(parse_all("mazes", "\n\n").is_err());
}

/// As in tables: it would be learned as the answer.
#[test]
fn a_path_in_a_drawn_maze_is_checked() {
    let right = "S###o###o###oooG";
    assert!(parse_all("mazes", right).expect("a maze")[0].answer.is_some());
    for (text, line) in [
        // Cells to spare, a gap, and a path that goes round.
        (format!("{right}\nS###oo##oo##oooG\n"), 2),
        (format!("{right}\nS###o### ###oooG\n"), 2),
        ("S G\n   \n\nSoG\n   \n\n\nS G\nooo\n".to_owned(), 8),
    ] {
        let error = parse_all("mazes", &text).expect_err(&text).to_string();
        let place = format!("line {line} of mazes: ");
        assert!(error.starts_with(&place) && error.contains("no shortest path"), "{error}");
    }
}

#[test]
fn a_first_line_that_counts_the_mazes_is_passed_over() {
    let flat = "S  # ###  ##   G";
    for (text, lines) in [
        (format!("2\n{flat}\n{flat}\n"), vec![2, 3]),
        (format!("\u{feff}2\r\n{flat}\r\n{flat}\r\n"), vec![2, 3]),
        (format!("1\nquestion\n{flat}\n"), vec![3]),
        ("2\nS G\n   \n\nS\nG\n".to_owned(), vec![2, 5]),
    ] {
        let mazes = parse_all("mazes", &text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
        assert_eq!(mazes.iter().map(|entry| entry.number).collect::<Vec<_>>(), lines, "{text}");
    }
    for wrong in ["1", "3", "1000"] {
        let text = format!("\n{wrong}\n{flat}\n{flat}\n");
        let error = parse_all("mazes", &text).expect_err("another number").to_string();
        assert_eq!(error, format!("line 2 of mazes: it counts {wrong} puzzles, and 2 follow"));
    }
    assert!(parse_all("mazes", "2\n").is_err(), "a number alone is no maze");
    let kind = PuzzleKind::named("maze-4x4").expect("a kind");
    let read = kind.read("mazes", &format!("1\n\n{flat}\n")).expect("read");
    assert_eq!(read[0].0, 3, "solve and eval name the line");
}

#[test]
fn bad_mazes_are_refused() {
    for (text, expected) in [
        ("", "no puzzles"),
        ("\n\n", "no puzzles"),
        ("  \n\n", "no start"),
        ("S  \n  x\n  G", "line 2"),
        ("S  ", "no goal"),
        ("  G", "no start"),
        ("SSG", "more than one start"),
        (&format!("{}SG", "#".repeat(99)), "100 × 100"),
        (&format!("SG{}", "\n#".repeat(100)), "100 × 100"),
    ] {
        let error = parse("the text", text).expect_err("a bad maze").to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
    // A row without anything between others is a row of floor.
    assert_eq!(parse("a maze", "S#\n\nG#").expect("a maze").tokens(), [3, 1, 2, 2, 4, 1]);
    assert!(parse_line("SG#").is_err());
    assert!(Maze::new(usize::MAX, 2, vec![3, 4]).is_err());
    assert!(Maze::new(1, 3, vec![3, 4, 0]).is_err());
}

#[test]
fn tables_of_mazes_are_read_as_the_official_set_writes_them() {
    let question = "S  # ###  ##   G";
    let answer = "S  #o###o ##oooG";
    let rows = |text: &str| {
        let entries = parse_all("mazes", text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
        entries
            .into_iter()
            .map(|entry| (entry.number, print(entry.maze.tokens(), 16), entry.answer.is_some()))
            .collect::<Vec<_>>()
    };
    let read = |number, answered| (number, format!("{question}\n"), answered);
    for (text, expected) in [
        (format!("source,question,answer,rating\nmz,{question},{answer},9\n"), vec![read(2, true)]),
        (
            format!("source,question,answer,rating\r\nmz,\"{question}\",\"{answer}\",9\r\n"),
            vec![read(2, true)],
        ),
        (format!("answer;question\n{answer};{question}\n"), vec![read(2, true)]),
        (format!("{question},{answer}\n{question},\n"), vec![read(1, true), read(2, false)]),
        (format!("question\n{question}\n"), vec![read(2, false)]),
        (format!("\u{feff}{question}\n{question}\n"), vec![read(1, false), read(2, false)]),
    ] {
        assert_eq!(rows(&text), expected, "{text}");
    }
    for (text, line, words) in [
        (format!("question,answer\n{question},{}\n", answer.replacen('o', " ", 1)), 2, "shortest"),
        (format!("question,answer\n{question},{answer}\n{}x,{answer}\n", &question[1..]), 3, "'x'"),
        ("question,answer\n".to_owned(), 0, "no puzzles"),
    ] {
        let error = parse_all("mazes", &text).expect_err(&text).to_string();
        assert!(
            error.contains(words)
                && (line == 0 || error.contains(&format!("line {line} of mazes"))),
            "{error}"
        );
    }
}
