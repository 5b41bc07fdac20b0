//! The frozen model's states of the training questions in a file, where there are files.

#[cfg(feature = "files")]
use std::cell::RefCell;

#[cfg(feature = "files")]
use burn::tensor::{Tensor, TensorData};
use trm_core::models::llm_trm::QuestionStates;
use trm_data::questions::QuestionDataset;
#[cfg(feature = "files")]
use trm_data::questions::{StateFile, digest_of, rounded};
#[cfg(feature = "files")]
use trm_spec::FailureKind;
use trm_spec::{Failure, LlmTrmSpec};

use super::base::FrozenLlm;
#[cfg(feature = "files")]
use super::rows::prompt;
use super::rows::{QuestionBatch, QuestionTokens};

/// The states of the training questions, as far as they are known.
#[cfg(feature = "files")]
pub(super) struct KeptStates(RefCell<StateFile>);

#[cfg(feature = "files")]
impl KeptStates {
    /// The file in the folder that the questions name; none where they name none.
    pub fn open(
        base: &FrozenLlm,
        spec: &LlmTrmSpec,
        set: &QuestionDataset,
        train: &[QuestionTokens],
    ) -> Result<Option<Self>, Failure> {
        let Some(folder) = &set.states_in else { return Ok(None) };
        let digest = &base.identity().sha256;
        let layers = if spec.compresses_below_the_cut() {
            format!("{}-{}", spec.compressed_after(), spec.cut)
        } else {
            spec.cut.to_string()
        };
        // Which of a file's questions are trained on, and in which order, depends on the seed:
        // other rows are kept in another file, which another run may be reading.
        let questions = digest_of(set.train.iter());
        let short = |digest: &str| digest.get(..16).unwrap_or(digest).to_owned();
        let name = format!("states-{}-{}-{layers}.f16", short(&questions), short(digest));
        // What the prompt looks like decides the states too.
        let key = format!("{digest} {layers} {questions} {}", prompt("{}"));
        // States that are compressed stand behind those at the cut, where they are others.
        let kept = |tokens: &QuestionTokens| match spec.compresses_below_the_cut() {
            true => tokens.positions() + tokens.question.len() + 1,
            false => tokens.positions(),
        };
        let lengths: Vec<usize> = train.iter().map(kept).collect();
        let width = spec.base_hidden_size;
        let file = StateFile::open(&folder.join(name), &key, &lengths, width)?;
        Ok(Some(Self(RefCell::new(file))))
    }

    /// The states of a batch from the file. Those that it lacks are computed one question at a
    /// time, so that they do not depend on the batch, and added to it.
    pub fn of_batch(
        &self,
        base: &FrozenLlm,
        spec: &LlmTrmSpec,
        rows: &[usize],
        tokens: &[QuestionTokens],
        batch: &QuestionBatch,
    ) -> Result<QuestionStates, Failure> {
        let mut kept = self.0.borrow_mut();
        let (width, device) = (spec.base_hidden_size, base.device());
        let (question, answer) = (batch.rows.longest_question(), batch.rows.longest_answer());
        let columns = question + 1 + answer;
        let below = spec.compresses_below_the_cut();
        let mut values = vec![0.0; rows.len() * columns * width];
        let mut compressed = vec![0.0; if below { rows.len() * (question + 1) * width } else { 0 }];
        for (place, (&row, tokens)) in rows.iter().zip(tokens).enumerate() {
            let states = match kept.get(row)? {
                Some(states) => states,
                None => {
                    let one = std::slice::from_ref(tokens);
                    let one = QuestionBatch::new(one, base.end(), &device);
                    let (question, answer) = (one.question.clone(), one.answer.clone());
                    let found = base.decoder.trunk(spec.into(), question, answer, &one.rows);
                    let mut states = numbers(found.states)?;
                    if below {
                        states.extend(numbers(found.compressed)?);
                    }
                    kept.put(row, &states)?;
                    rounded(&states)
                }
            };
            let padding = question - tokens.question.len();
            let put = |to: &mut [f32], columns: usize, states: &[f32]| {
                let first = (place * columns + padding) * width;
                to[first..first + states.len()].copy_from_slice(states);
            };
            let (at_cut, lower) = states.split_at(tokens.positions() * width);
            put(&mut values, columns, at_cut);
            if below {
                put(&mut compressed, question + 1, lower);
            }
        }
        let tensor = |values: Vec<f32>, columns: usize| {
            Tensor::from_data(TensorData::new(values, [rows.len(), columns, width]), &device)
        };
        let states: Tensor<3> = tensor(values, columns);
        let compressed = match below {
            true => tensor(compressed, question + 1),
            false => states.clone().narrow(1, 0, question + 1),
        };
        Ok(QuestionStates { states, compressed, rows: batch.rows.clone() })
    }
}

/// Reads states back.
#[cfg(feature = "files")]
fn numbers(states: Tensor<3>) -> Result<Vec<f32>, Failure> {
    states.into_data().try_into_vec().map_err(|error| {
        Failure::new(
            FailureKind::Device,
            format!("states of the frozen model cannot be read back: {error:?}"),
            "Start again.",
        )
    })
}

/// Without files, nothing is kept.
#[cfg(not(feature = "files"))]
pub(super) enum KeptStates {}

#[cfg(not(feature = "files"))]
impl KeptStates {
    #[expect(clippy::unnecessary_wraps, reason = "as with files")]
    pub fn open(
        _: &FrozenLlm,
        _: &LlmTrmSpec,
        _: &QuestionDataset,
        _: &[QuestionTokens],
    ) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    pub fn of_batch(
        &self,
        _: &FrozenLlm,
        _: &LlmTrmSpec,
        _: &[usize],
        _: &[QuestionTokens],
        _: &QuestionBatch,
    ) -> Result<QuestionStates, Failure> {
        match *self {}
    }
}
