//! The kinds of question that are generated, by name. A question of a kind and a
//! difficulty is a row of choices, so that all of them can be counted and numbered.

use trm_spec::MAX_DIFFICULTY;

use super::question::Question;
use super::words::WORDS;

/// The greatest difficulty that is generated: of the harder questions.
pub(super) const MOST: usize = 2 * MAX_DIFFICULTY;

const _: () = assert!(WORDS.len() >= MOST, "the longest list has no word twice");

const CUPS: [char; 3] = ['A', 'B', 'C'];

/// Two cups that change places.
const SWAPS: [[usize; 2]; 3] = [[0, 1], [1, 2], [0, 2]];

/// A kind of question that is generated, as `dataset` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionKind {
    /// `cups`: where a ball is after cups were swapped. The difficulty is the number
    /// of swaps, the answer a letter.
    Cups,
    /// `modular-sums`: the last digit of a sum of digits. The difficulty is the number
    /// of terms, from 2, the answer a digit.
    ModularSums,
    /// `list-reversal`: a list of different words in reverse order. The difficulty is
    /// the number of words, the answer these words with spaces between them.
    ListReversal,
}

impl QuestionKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Cups, Self::ModularSums, Self::ListReversal];

    /// The kind called `name`, where there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name, as `dataset` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cups => "cups",
            Self::ModularSums => "modular-sums",
            Self::ListReversal => "list-reversal",
        }
    }

    /// How many ways there are for each choice that makes a question of `difficulty`;
    /// none where there is no such question. Rows of other choices make other
    /// questions, and the first choice decides the answer, or of several words the
    /// first.
    pub(super) fn choices(self, difficulty: usize) -> Vec<u64> {
        match self {
            _ if difficulty == 0 => Vec::new(),
            Self::Cups => vec![3; difficulty + 1],
            Self::ModularSums if difficulty < 2 => Vec::new(),
            Self::ModularSums => vec![10; difficulty],
            Self::ListReversal if difficulty > WORDS.len() => Vec::new(),
            Self::ListReversal => (0..difficulty).map(|used| (WORDS.len() - used) as u64).collect(),
        }
    }

    /// The question of `choices`, each below its number of ways.
    pub(super) fn question(self, choices: &[usize]) -> Question {
        match self {
            Self::Cups => cups(choices[0], &choices[1..]),
            Self::ModularSums => modular_sum(choices[0], &choices[1..]),
            Self::ListReversal => list_reversal(choices),
        }
    }
}

/// After `swaps` the ball is under the cup `end`.
fn cups(end: usize, swaps: &[usize]) -> Question {
    let swaps: Vec<_> = swaps.iter().map(|swap| SWAPS[*swap]).collect();
    let start = swaps.iter().rev().fold(end, |cup, [one, other]| match cup {
        cup if cup == *one => *other,
        cup if cup == *other => *one,
        cup => cup,
    });
    let mut question = format!("The ball is under cup {}.", CUPS[start]);
    for [one, other] in &swaps {
        question += &format!(" Swap {} and {}.", CUPS[*one], CUPS[*other]);
    }
    question += " Which cup?";
    Question { question, answer: CUPS[end].into(), difficulty: swaps.len() }
}

/// `terms` and one more, so that the sum ends with `digit`.
fn modular_sum(digit: usize, terms: &[usize]) -> Question {
    let last = (digit + 10 * terms.len() - terms.iter().sum::<usize>()) % 10;
    let terms: Vec<_> = terms.iter().chain([&last]).map(usize::to_string).collect();
    Question {
        question: format!("What is the last digit of {}?", terms.join(" + ")),
        answer: digit.to_string(),
        difficulty: terms.len(),
    }
}

/// `choices` are places among the words that are left.
fn list_reversal(choices: &[usize]) -> Question {
    let mut left = WORDS.to_vec();
    let answer: Vec<_> = choices.iter().map(|place| left.remove(*place)).collect();
    let list: Vec<_> = answer.iter().rev().copied().collect();
    Question {
        question: format!("Reverse the list: {}", list.join(" ")),
        answer: answer.join(" "),
        difficulty: choices.len(),
    }
}
