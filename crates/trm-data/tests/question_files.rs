//! Files of questions.

use std::collections::HashSet;

use serde_json::json;
use trm_data::questions::{Question, QuestionDataset, QuestionError, QuestionSource};
use trm_spec::DataSpec;

/// As many questions, every other one of a known difficulty.
fn numbered(count: usize) -> String {
    let line = |k: usize| match k % 2 {
        0 => json!({ "question": format!("q{k}"), "answer": format!("a{k}") }),
        _ => json!({ "question": format!("q{k}"), "answer": format!("a{k}"), "difficulty": k }),
    };
    (0..count).map(|k| format!("{}\n", line(k))).collect()
}

fn load(text: &str, num_val_questions: usize, seed: u64) -> Result<QuestionDataset, QuestionError> {
    let source = QuestionSource::parse("my.jsonl", text)?;
    let spec = DataSpec { num_val_questions, ..DataSpec::default() };
    QuestionDataset::load(&source, &spec, seed)
}

fn questions(text: &str) -> Vec<Question> {
    match QuestionSource::parse("f", text).expect("questions") {
        QuestionSource::Given { questions, .. } => questions.to_vec(),
        QuestionSource::Generated(_) => panic!("they are given"),
    }
}

#[test]
fn arrays_and_lines_are_alike() {
    let lines = numbered(10);
    let values: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let array = serde_json::to_string_pretty(&values).expect("JSON");
    let other =
        format!("\u{feff}\r\n{}", lines.replace('\n', " \r\n\r\n").replace("\":", "\"  : "));
    let data = load(&lines, 2, 1).expect("questions");
    assert_eq!(load(&array, 2, 1), Ok(data.clone()));
    assert_eq!(load(&other, 2, 1), Ok(data.clone()));
    assert_eq!(load(&format!(" \n{array}"), 2, 1), Ok(data.clone()));
    // Difficulties do not belong to the content; texts and their order do.
    let digest = |text: &str| load(text, 2, 1).expect("questions").sha256;
    assert_eq!(digest(&lines.replace(",\"difficulty\":3", "")), data.sha256);
    assert_ne!(digest(&lines.replace("a3", "a33")), data.sha256);
    let backwards: Vec<_> = lines.lines().rev().collect();
    assert_ne!(digest(&backwards.join("\n")), data.sha256);
}

#[test]
fn questions_are_read_as_they_are() {
    let line =
        r#"{"id": 7, "question": " Wo?\n", "answer": "Da – «hier».\n#### 4", "difficulty": 3}"#;
    let read = questions(line);
    assert_eq!(read[0].question, " Wo?\n");
    assert_eq!(read[0].answer, "Da – «hier».\n#### 4");
    assert_eq!(read[0].difficulty, 3);
    let unknown = r#"{"question": "Wo?", "answer": "Da", "difficulty": null}"#;
    assert_eq!(questions(unknown)[0].difficulty, 0);
}

#[test]
fn errors_name_the_place() {
    let good = r#"{"question": "q", "answer": "a"}"#;
    for (bad, words) in [
        ("{\"question\": \"q\"", "is not JSON: EOF while parsing an object in column 16"),
        ("what?", "is not JSON: expected value in column 1"),
        ("7", "is a number, not an object"),
        ("null", "is null, not an object"),
        (r#"{"answer": "a"}"#, "has no field `question`"),
        (r#"{"question": "p"}"#, "has no field `answer`"),
        (r#"{"question": 1, "answer": "a"}"#, "`question` is a number, not a string"),
        (r#"{"question": "p", "answer": ["a"]}"#, "`answer` is an array, not a string"),
        (r#"{"question": "p", "answer": null}"#, "`answer` is null, not a string"),
        (r#"{"question": " ", "answer": "a"}"#, "the field `question` is empty"),
        (r#"{"question": "p", "answer": ""}"#, "the field `answer` is empty"),
        (r#"{"question": "p", "answer": "so\n#### "}"#, "the field `answer` is empty"),
        (
            r#"{"question": "p", "answer": "a", "difficulty": "hard"}"#,
            "`difficulty` is a string, not a whole number from 0",
        ),
        (
            r#"{"question": "p", "answer": "a", "difficulty": 1.5}"#,
            "`difficulty` is another number",
        ),
        (r#"{"question": "p", "answer": "a", "difficulty": -1}"#, "`difficulty` is another number"),
    ] {
        let error = QuestionSource::parse("f.jsonl", &format!("{good}\n\n{bad}\n")).expect_err(bad);
        let message = error.to_string();
        assert!(message.starts_with("line 3 of f.jsonl") && message.contains(words), "{message}");
        assert!(!error.hint().is_empty());
        if matches!(error, QuestionError::NotJson { .. }) {
            continue;
        }
        let error = QuestionSource::parse("f.json", &format!("[\n{good},\n{bad}]")).expect_err(bad);
        let message = error.to_string();
        assert!(message.starts_with("entry 2 of f.json") && message.contains(words), "{message}");
    }
    let error = QuestionSource::parse("f.json", &format!("[{good},\n{good}")).expect_err("cut");
    assert_eq!(
        error.to_string(),
        "line 2 of f.json is not JSON: EOF while parsing a list in column 32"
    );
    for empty in ["", " \n\n", "[]", "\u{feff}"] {
        let error = QuestionSource::parse("f.json", empty).expect_err("none");
        assert_eq!(error.to_string(), "there are no questions in f.json");
    }
}

#[test]
fn repeated_questions_are_kept_once_unless_they_contradict_each_other() {
    let lines = |answers: &[&str]| {
        let line = |answer| json!({ "question": "q", "answer": answer }).to_string();
        answers.iter().map(|answer| line(*answer)).collect::<Vec<_>>().join("\n")
    };
    // By another way to the same short answer.
    let kept = questions(&lines(&["1 + 1\n#### 2", "2", "3 - 1\n#### 2"]));
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].answer, "1 + 1\n#### 2");
    let error = QuestionSource::parse("f", &lines(&["2", "2", "3"])).expect_err("contradiction");
    assert_eq!(
        error.to_string(),
        "line 1 and line 3 of f have the same question, but different answers"
    );
}

#[test]
fn what_follows_the_last_mark_is_compared() {
    let ask =
        |answer: &str| Question { question: "q".into(), answer: answer.into(), difficulty: 0 };
    for (answer, short) in [
        ("C", "C"),
        (" C\n", "C"),
        ("4 + 4 = <<4+4=8>>8\n#### 8", "8"),
        ("#### 1\n#### 2 ", "2"),
        ("no mark ####2", "no mark ####2"),
    ] {
        assert_eq!(ask(answer).short_answer(), short);
    }
    let thousands = ask("so\n#### 1,234,567");
    assert!(thousands.is_answered_by("1234567"));
    assert!(thousands.is_answered_by("It is so.\n#### 1,234,567\n"));
    assert!(!thousands.is_answered_by("It is 1234567"));
    assert!(!ask("1,2").is_answered_by("12"));
    assert!(!ask("1,2345").is_answered_by("12345"));
    assert!(ask("tree sun cat").is_answered_by(" tree  sun cat\n"));
    assert!(!ask("C").is_answered_by("c"));
}

#[test]
fn at_most_a_fifth_is_held_out_by_seed() {
    let text = numbered(23);
    for (wanted, held_out) in [(1, 1), (3, 3), (4, 4), (5, 4), (512, 4)] {
        let data = load(&text, wanted, 1).expect("questions");
        assert_eq!((data.val.len(), data.train.len()), (held_out, 23 - held_out));
        assert!(data.harder.is_empty());
        let all: HashSet<_> = data.train.iter().chain(&data.val).collect();
        assert_eq!(all.len(), 23);
        assert!(data.train.is_sorted_by_key(|question| question.difficulty));
    }
    assert_eq!(load(&text, 4, 1), load(&text, 4, 1));
    let held_out = |seed| load(&text, 4, seed).expect("questions").val;
    assert!((2..20).any(|seed| held_out(seed) != held_out(1)));
    assert_eq!(load(&text, 4, 1).expect("read").sha256, load(&text, 1, 2).expect("read").sha256);
    let error = load(&numbered(4), 1, 1).expect_err("too few");
    assert_eq!(
        error.to_string(),
        "my.jsonl has 4 different questions, too few to hold some out for validation"
    );
}

#[test]
fn questions_of_unknown_difficulty_are_always_trained_on() {
    let data = load(&numbered(40), 8, 3).expect("questions");
    let unknown = data.train.iter().filter(|question| question.difficulty == 0).count();
    let rows: HashSet<_> = data.train_rows(1, 0, unknown, 0).into_iter().collect();
    assert_eq!(rows.len(), unknown);
    assert!(rows.iter().all(|row| data.train[*row].difficulty == 0));
    // The curriculum ends with the most difficult question of the file.
    let most = data.train.iter().map(|question| question.difficulty).max();
    let spec = DataSpec { curriculum_iters: 10, ..DataSpec::default() };
    assert_eq!(data.hardest(0, &spec), 1);
    assert_eq!(Some(data.hardest(10, &spec)), most);
}

#[cfg(feature = "files")]
#[test]
fn files_that_cannot_be_read_say_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("q.jsonl");
    let missing = QuestionSource::read(&path).expect_err("missing").to_string();
    assert!(missing.contains("q.jsonl cannot be read"), "{missing}");
    std::fs::write(&path, b"{\"question\": \"\xff\"}").expect("written");
    let foreign = QuestionSource::read(&path).expect_err("not UTF-8").to_string();
    assert!(foreign.ends_with("invalid byte at offset 14"), "{foreign}");
    std::fs::write(&path, numbered(5)).expect("written");
    assert_eq!(QuestionSource::read(&path).expect("questions").name(), "q.jsonl");
}

/// Of two entries of one name readers of JSON keep the last.
#[test]
fn a_field_that_comes_twice_is_refused_with_its_line() {
    let line = "{\"question\": \"q\", \"answer\": \"a\", \"answer\": \"b\"}";
    for (text, place) in
        [(format!("{}{line}\n", numbered(2)), "line 3"), (format!("[{{}},\n{line}]"), "line 2")]
    {
        let error = QuestionSource::parse("my.jsonl", &text).expect_err("twice").to_string();
        let said = format!("{place} of my.jsonl: the name \"answer\" comes twice in one object");
        assert!(error.starts_with(&said), "{error}");
    }
}
