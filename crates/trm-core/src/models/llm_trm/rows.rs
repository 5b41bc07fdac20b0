//! Padded rows of questions and answers: positions and masks.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::layers::Placement;

/// How long the questions and answers of a batch are, in tokens. Questions are padded on
/// the left to the longest, answers on the right; `<think>` stands between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionRows {
    questions: Vec<usize>,
    answers: Vec<usize>,
}

/// A key that is not seen.
const HIDDEN: f32 = f32::NEG_INFINITY;

impl QuestionRows {
    /// One length for each row, at least 1 of each question.
    ///
    /// # Panics
    /// If there is no row, a question is empty, or there is not one answer for each.
    pub fn new(questions: Vec<usize>, answers: Vec<usize>) -> Self {
        assert!(!questions.is_empty() && questions.iter().all(|length| *length > 0));
        assert_eq!(questions.len(), answers.len());
        Self { questions, answers }
    }

    /// Tokens of each question.
    pub fn questions(&self) -> &[usize] {
        &self.questions
    }

    /// Tokens of each answer.
    pub fn answers(&self) -> &[usize] {
        &self.answers
    }

    /// Tokens of the longest question.
    pub fn longest_question(&self) -> usize {
        self.questions.iter().copied().max().unwrap_or(0)
    }

    /// Tokens of the longest answer.
    pub fn longest_answer(&self) -> usize {
        self.answers.iter().copied().max().unwrap_or(0)
    }

    /// 1 where a question or `<think>` stands, but for the first token, `[batch, question + 1,
    /// 1]`.
    pub(super) fn after_the_first(&self, device: &Device) -> Tensor<3> {
        let columns = self.longest_question() + 1;
        let values = self.questions.iter().flat_map(|&length| {
            (0..columns).map(move |column| f32::from(u8::from(column + length >= columns)))
        });
        let data = TensorData::new(values.collect(), [self.questions.len(), columns, 1]);
        Tensor::from_data(data, device)
    }

    /// Hides padding from the compressor, `[batch, 1, 1, question + 1]`.
    pub(super) fn hidden_padding(&self, device: &Device) -> Tensor<4> {
        let columns = self.longest_question() + 1;
        self.mask(1, columns, device, |row, _, column| column + self.questions[row] + 1 >= columns)
    }

    /// The rows `[question | <think> | answer]`.
    pub(super) fn trunk(&self, rope: &Tensor<3>) -> Placement {
        let (question, answer) = (self.longest_question(), self.longest_answer());
        let columns = question + 1 + answer;
        let real = |row: usize, column: usize| {
            let padding = question - self.questions[row];
            (padding..=question + self.answers[row]).contains(&column)
        };
        let positions = self.positions(columns, &rope.device(), |row, column| {
            let padding = question - self.questions[row];
            // Behind the answer positions stay at its end.
            column.min(question + self.answers[row]).saturating_sub(padding)
        });
        let mask = self.mask(columns, columns, &rope.device(), |row, query, key| {
            query == key || (key < query && real(row, key))
        });
        Placement::new(rope, positions, mask)
    }

    /// The newest `seen` tokens of the questions, in the upper layers.
    pub(super) fn window(&self, rope: &Tensor<3>, seen: usize) -> Placement {
        let positions = self.positions(seen, &rope.device(), |row, column| {
            (self.questions[row] + column).saturating_sub(seen)
        });
        let mask = self.mask(seen, seen, &rope.device(), |row, query, key| {
            query == key || (key < query && key + self.questions[row] >= seen)
        });
        Placement::new(rope, positions, mask)
    }

    /// `count` soft states, `<think>` and the answer behind `seen` tokens of the questions, of
    /// which the newest `window` are not hidden.
    pub(super) fn answer(
        &self,
        rope: &Tensor<3>,
        [seen, window]: [usize; 2],
        count: usize,
    ) -> Placement {
        let columns = count + 1 + self.longest_answer();
        let positions = self.positions(columns, &rope.device(), |row, column| {
            // Behind the answer positions stay at its end, as in the trunk.
            self.questions[row] + column.min(count + self.answers[row])
        });
        let mask = self.mask(columns, seen + columns, &rope.device(), |row, query, key| {
            if key < seen {
                return key + window >= seen && key + self.questions[row] >= seen;
            }
            let key = key - seen;
            query == key || (key < query && key < count + 1 + self.answers[row])
        });
        Placement::new(rope, positions, mask)
    }

    fn positions(
        &self,
        columns: usize,
        device: &Device,
        position: impl Fn(usize, usize) -> usize,
    ) -> Tensor<2, Int> {
        let rows = self.questions.len();
        let values: Vec<i32> = (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(row, column)| position(row, column) as i32)
            .collect();
        Tensor::from_data(TensorData::new(values, [rows, columns]), device)
    }

    /// A mask `[batch, 1, queries, keys]` of what `sees(row, query, key)`.
    fn mask(
        &self,
        queries: usize,
        keys: usize,
        device: &Device,
        sees: impl Fn(usize, usize, usize) -> bool,
    ) -> Tensor<4> {
        let rows = self.questions.len();
        let mut values = Vec::with_capacity(rows * queries * keys);
        for row in 0..rows {
            for query in 0..queries {
                values
                    .extend((0..keys).map(|key| if sees(row, query, key) { 0.0 } else { HIDDEN }));
            }
        }
        Tensor::from_data(TensorData::new(values, [rows, 1, queries, keys]), device)
    }
}
