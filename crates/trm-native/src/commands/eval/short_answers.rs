//! Short answers, as in GSM8K: what follows the last `#### ` of an answer. They are compared with
//! answers that the model writes, since its way to one need not be that of the file.

use pollster::block_on;
use serde::Serialize;
use trm_data::questions::Question;
use trm_spec::Failure;
use trm_train::{Answerer, AskRequest};

use crate::terminal::progress::LineProgress;

/// How the short answers of written answers compare.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ShortAnswers {
    /// Supervision steps before an answer is written.
    pub step: usize,
    /// Share of the questions whose short answer is right.
    pub exact: f64,
}

/// Writes the most probable answer to each question after `step` supervision steps, and compares
/// its short answer. `None` if no answer of `questions` ends with a short one.
///
/// # Errors
/// If a question does not fit into the context, or the device is lost.
pub fn score(
    answerer: &dyn Answerer,
    questions: &[Question],
    step: usize,
) -> Result<Option<ShortAnswers>, Failure> {
    if questions.iter().all(|question| question.short_answer() == question.answer.trim()) {
        return Ok(None);
    }
    let (mut right, mut progress) = (0, LineProgress::new("written answers"));
    for (done, question) in questions.iter().enumerate() {
        progress.at(done, questions.len(), "");
        let request = AskRequest {
            question: question.question.clone(),
            depths: vec![step],
            halt_threshold: None,
            // As many as fit into the context.
            max_new_tokens: usize::MAX,
        };
        let answered = block_on(answerer.ask(&request, &mut |_, _| {}))?;
        let is_right = answered.answers.iter().any(|answer| question.is_answered_by(&answer.text));
        right += usize::from(is_right);
    }
    Ok(Some(ShortAnswers { step, exact: right as f64 / questions.len() as f64 }))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use trm_spec::{Answer, Answered, QuestionScores};
    use trm_train::{ConsiderRequest, OnProgress, OnToken, QuestionSet, Thought};

    use super::*;

    /// Writes the same text whatever it is asked.
    struct Writes(&'static str);

    #[async_trait(?Send)]
    impl Answerer for Writes {
        async fn ask(&self, request: &AskRequest, _: OnToken<'_>) -> Result<Answered, Failure> {
            let steps = request.depths[0];
            let answer = Answer {
                depth: steps,
                steps,
                text: self.0.into(),
                tokens: Vec::new(),
                prob: Vec::new(),
                ended: true,
            };
            let question = request.question.clone();
            Ok(Answered { question, think: 0.0, halt: Vec::new(), answers: vec![answer] })
        }

        async fn consider(&self, _: &ConsiderRequest) -> Result<Thought, Failure> {
            unreachable!("it is only asked")
        }

        async fn evaluate_questions(
            &self,
            _: QuestionSet,
            _: usize,
            _: usize,
            _: OnProgress<'_>,
        ) -> Result<QuestionScores, Failure> {
            unreachable!("it is only asked")
        }
    }

    fn question(answer: &str) -> Question {
        Question { question: "20 and 22?".into(), answer: answer.into(), difficulty: 0 }
    }

    #[test]
    fn what_follows_the_mark_is_compared() {
        let asked = [question("Two tens and two: 20 + 22 = 42\n#### 42"), question("#### 1,042")];
        for (text, exact) in [
            ("2 + 40. #### 42", 0.5),
            ("42", 0.5),
            ("#### 1042", 0.5),
            ("Two tens and two: 20 + 22 = 42\n#### 41", 0.0),
        ] {
            let found = score(&Writes(text), &asked, 3).expect("answers");
            assert_eq!(found, Some(ShortAnswers { step: 3, exact }), "{text}");
        }
    }

    #[test]
    fn whole_answers_are_not_written_again() {
        let found = score(&Writes("A"), &[question("A"), question(" B ")], 1).expect("answers");
        assert_eq!(found, None);
    }
}
