//! A question with its answer, and which part of an answer counts.

/// Before the part of an answer that counts, as in GSM8K.
const MARK: &str = "#### ";

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// What is asked.
    pub question: String,
    /// The whole answer, which may end with `#### ` and the part that counts.
    pub answer: String,
    /// How difficult it is, from 1; 0 where that is not known. What it counts depends
    /// on the [kind](super::QuestionKind).
    pub difficulty: usize,
}

impl Question {
    /// The part of the answer that is compared: what follows the last `#### `, or else
    /// the whole answer; without white space around it.
    pub fn short_answer(&self) -> &str {
        short(&self.answer)
    }

    /// Whether the short answer of `given` is this question's. Runs of white space are
    /// alike, and the commas of `1,234` do not count.
    pub fn is_answered_by(&self, given: &str) -> bool {
        compared(short(given)) == compared(self.short_answer())
    }
}

fn short(answer: &str) -> &str {
    answer.rsplit_once(MARK).map_or(answer, |(_, short)| short).trim()
}

fn compared(answer: &str) -> String {
    let words: Vec<_> = answer.split_whitespace().collect();
    without_separators(&words.join(" "))
}

/// The text without the commas that stand between a digit and three others.
fn without_separators(text: &str) -> String {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let separates = |at: usize| {
        bytes[at] == b',' && at > 0 && bytes[at - 1].is_ascii_digit() && digits(at + 1) == 3
    };
    text.char_indices().filter(|(at, _)| !separates(*at)).map(|(_, letter)| letter).collect()
}
