//! Questions as JSON: an array of objects, or one object on each line.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value};

use super::error::QuestionError;
use super::question::Question;
use crate::json::kind;

/// White space of JSON.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// The questions of `text`, in its order. Of equal ones with equal short answers the
/// first is kept.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Question>, QuestionError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut set = Set::of(name);
    if text.trim_start_matches(SPACE).starts_with('[') {
        for (number, value) in (1..).zip(array(name, text)?) {
            set.add(value, format!("entry {number}"))?;
        }
    } else {
        for (number, line) in (1..).zip(text.split('\n')) {
            let line = line.trim_matches(SPACE);
            if !line.is_empty() {
                let place = format!("line {number}");
                let value = trm_spec::read_json(line)
                    .map_err(|error| not_json(name, place.clone(), &error))?;
                set.add(value, place)?;
            }
        }
    }
    if set.questions.is_empty() {
        return Err(QuestionError::NoQuestions { name: name.into() });
    }
    Ok(set.questions)
}

fn array(name: &str, text: &str) -> Result<Vec<Value>, QuestionError> {
    trm_spec::read_json(text)
        .map_err(|error| not_json(name, format!("line {}", error.line()), &error))
}

/// What is wrong at `place`. The line that the error counts is none of the file's
/// where lines are read one by one.
fn not_json(name: &str, place: String, error: &serde_json::Error) -> QuestionError {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    let reason = format!("{said} in column {}", error.column());
    let name = name.into();
    match error.is_data() {
        true => QuestionError::Twice { name, place, reason },
        false => QuestionError::NotJson { name, place, reason },
    }
}

/// Different questions, each with its place in the file.
struct Set<'a> {
    name: &'a str,
    questions: Vec<Question>,
    places: Vec<String>,
    known: HashMap<String, usize>,
}

impl<'a> Set<'a> {
    fn of(name: &'a str) -> Self {
        Self { name, questions: Vec::new(), places: Vec::new(), known: HashMap::new() }
    }

    fn add(&mut self, value: Value, place: String) -> Result<(), QuestionError> {
        let question = (Reader { name: self.name, place: &place }).question(value)?;
        match self.known.entry(question.question.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(self.questions.len());
                self.questions.push(question);
                self.places.push(place);
                Ok(())
            }
            Entry::Occupied(entry) => {
                let first = *entry.get();
                if self.questions[first].is_answered_by(&question.answer) {
                    return Ok(());
                }
                let (name, first) = (self.name.into(), self.places[first].clone());
                Err(QuestionError::Contradiction { name, first, second: place })
            }
        }
    }
}

/// One entry of a file.
struct Reader<'a> {
    name: &'a str,
    place: &'a str,
}

impl Reader<'_> {
    fn question(&self, value: Value) -> Result<Question, QuestionError> {
        let Value::Object(mut object) = value else {
            let (name, place) = self.at();
            return Err(QuestionError::NotObject { name, place, found: kind(&value) });
        };
        let question = self.text(&mut object, "question")?;
        let answer = self.text(&mut object, "answer")?;
        let difficulty = self.difficulty(&object)?;
        let question = Question { question, answer, difficulty };
        if question.short_answer().is_empty() {
            return Err(self.empty("answer"));
        }
        Ok(question)
    }

    fn text(
        &self,
        object: &mut Map<String, Value>,
        field: &'static str,
    ) -> Result<String, QuestionError> {
        match object.remove(field) {
            Some(Value::String(text)) if text.trim().is_empty() => Err(self.empty(field)),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(self.wrong_type(field, kind(&other), "a string")),
            None => {
                let (name, place) = self.at();
                Err(QuestionError::MissingField { name, place, field })
            }
        }
    }

    fn difficulty(&self, object: &Map<String, Value>) -> Result<usize, QuestionError> {
        let field = "difficulty";
        let wanted = "a whole number from 0";
        match object.get(field) {
            None | Some(Value::Null) => Ok(0),
            Some(value) => value
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
                .ok_or_else(|| match value {
                    Value::Number(_) => self.wrong_type(field, "another number", wanted),
                    other => self.wrong_type(field, kind(other), wanted),
                }),
        }
    }

    fn at(&self) -> (String, String) {
        (self.name.into(), self.place.into())
    }

    fn empty(&self, field: &'static str) -> QuestionError {
        let (name, place) = self.at();
        QuestionError::EmptyField { name, place, field }
    }

    fn wrong_type(
        &self,
        field: &'static str,
        found: &'static str,
        wanted: &'static str,
    ) -> QuestionError {
        let (name, place) = self.at();
        QuestionError::WrongType { name, place, field, found, wanted }
    }
}
