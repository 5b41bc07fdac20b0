//! Texts into token files through the binary, and training from the map: the
//! same run as on the text itself.

mod common;

use std::fs;

use common::{GREY, Place, QUICK, bytes, content, says};

/// A folder of two texts, and the same as one text.
fn books(place: &Place) -> String {
    fs::create_dir(place.path("books")).expect("made");
    let (first, second) = ("Grüße, ein Gedicht.\n".repeat(60), "Und 1 schöner Vers\n".repeat(60));
    place.write("books/a.txt", &first);
    place.write("books/b.md", &second);
    place.write("books/picture.png", b"\x89PNG\0");
    first + &second
}

#[test]
fn a_prepared_folder_trains_as_its_text_does() {
    let place = Place::new();
    let text = books(&place);
    place.write("one.txt", &text);
    for tokenizer in ["char", "byte", "gpt2"] {
        let file = format!("{tokenizer}.safetensors");
        let arguments = ["data", "prepare", "books", "--tokenizer", tokenizer, "--out", &file];
        let ended = place.done(&arguments);
        says(&ended.stderr, &["skipped", "picture.png"]);
        says(&ended.stdout, &[&file, "2 texts", "train --data"]);
        if tokenizer == "gpt2" {
            // Two texts have a mark between them that one text has not.
            place.done(&["data", "prepare", "one.txt", "--tokenizer", "gpt2", "--out", &file]);
        }
        let more = ["--tokenizer", tokenizer, "--sampling", "epochs", "--max-iters", "4"];
        let run = |out: &str, data: &str, more: &[&str]| {
            place.done(&[QUICK, &["--out", out, "--data", data], more].concat())
        };
        let (plain, mapped) = (format!("{tokenizer}-plain"), format!("{tokenizer}-mapped"));
        run(&plain, "one.txt", &more);
        // The tokeniser is the file's own; the run is stopped half-way.
        run(&mapped, &file, &["--sampling", "epochs", "--max-iters", "2"]);
        let go_on = ["train", "--resume", &mapped, "--data", &file, "--max-iters", "4"];
        place.done(&[&go_on[..], &["--device", "cpu"]].concat());
        assert_eq!(place.metrics(&mapped), place.metrics(&plain), "{tokenizer}");
        let [ours, theirs] = [&mapped, &plain].map(|run| {
            let mut content = content(&place.path(run).join("last.safetensors"));
            // The name of the data, and its digest, are not the same.
            content.remove("header config");
            content
        });
        assert!(ours == theirs, "{tokenizer}: the weights differ");
        let [ours, theirs] = [(&mapped, file.as_str()), (&plain, "one.txt")].map(|(run, data)| {
            let eval = ["eval", run, "--data", data, "--depths", "1,2", "--json"];
            place.done(&[&eval[..], &["--device", "cpu"]].concat()).json()
        });
        for key in ["depths", "tokens", "bytes", "words"] {
            assert_eq!(ours[key], theirs[key]);
        }
        // Bits per character do not depend on what a token is.
        let row = &ours["depths"][0];
        let bits = row["bits_per_char"].as_f64().expect("a number");
        let per_token = row["loss"].as_f64().expect("a number") / std::f64::consts::LN_2;
        match tokenizer {
            "char" => assert!((bits - per_token).abs() < 1e-9),
            // A character is one or more bytes, and a pair one or more characters.
            "byte" => assert!(bits > per_token),
            _ => assert!(bits < per_token),
        }
        let ended = place.done(&["generate", &mapped, "--max-new-tokens", "9", "--device", "cpu"]);
        assert!(!ended.stdout.is_empty());
    }
}

#[test]
fn a_run_goes_on_with_its_own_text_only() {
    let place = Place::new();
    let text = books(&place);
    place.done(&["data", "prepare", "books", "--out", "a.safetensors"]);
    place.write("other.txt", text.to_uppercase());
    place.write("changed.txt", text.chars().rev().collect::<String>());
    place.done(&["data", "prepare", "changed.txt", "--out", "b.safetensors"]);
    place.quick_model(&["--data", "a.safetensors", "--max-iters", "2"]);
    let go_on = |data: &str, code| {
        let arguments = ["train", "--resume", "run", "--max-iters", "3", "--data", data];
        let ended = place.run(&[&arguments[..], &["--device", "cpu"]].concat());
        assert_eq!(ended.code, code, "{}", ended.stderr);
        ended.stderr
    };
    for other in ["b.safetensors", "other.txt"] {
        says(&go_on(other, 2), &["not the text", "a.safetensors had the digest", "--init"]);
    }
    go_on("a.safetensors", 0);
    // A text under another name is the same text.
    place.done(&[QUICK, &["--out", "plain", "--data", "other.txt"]].concat());
    fs::rename(place.path("other.txt"), place.path("moved.txt")).expect("moved");
    let arguments = ["train", "--resume", "plain", "--max-iters", "5", "--device", "cpu"];
    place.done(&[&arguments[..], &["--data", "moved.txt"]].concat());
    let error = place.refused(2, &[&arguments[..], &["--data", "changed.txt"]].concat());
    says(&error, &["not the text", "other.txt had the digest"]);
    // Judging by another text is fine where the characters are the same ones.
    place.done(&["eval", "run", "--data", "b.safetensors", "--device", "cpu"]);
    place.done(&["data", "prepare", "moved.txt", "--out", "c.safetensors"]);
    let error = place.refused(1, &["eval", "run", "--data", "c.safetensors", "--device", "cpu"]);
    says(&error, &["c.safetensors was prepared with another vocabulary", "hint:"]);
    let typed = ["--data", "a.safetensors", "--tokenizer", "byte", "--out", "never"];
    says(&place.refused(2, &[QUICK, &typed].concat()), &["--tokenizer", "a.safetensors holds"]);
}

#[test]
fn damaged_token_files_are_named_and_nothing_is_made() {
    let place = Place::new();
    books(&place);
    place.done(&["data", "prepare", "books", "--out", "good.safetensors"]);
    let good = bytes(&place.path("good.safetensors"));
    place.write("cut.safetensors", &good[..good.len() - 10]);
    let mut flipped = good.clone();
    *flipped.last_mut().expect("bytes") ^= 1;
    place.write("flipped.safetensors", flipped);
    place.quick_model(&["--max-iters", "1"]);
    fs::copy(place.path("run/last.safetensors"), place.path("model.safetensors")).expect("copied");
    for (file, word) in
        [("cut.safetensors", "shorter or longer"), ("flipped.safetensors", "digest")]
    {
        let error = place.refused(1, &[QUICK, &["--data", file, "--out", "new"]].concat());
        says(&error, &[file, "not a usable token file", word, "hint:", "data prepare"]);
    }
    let model = ["--data", "model.safetensors", "--out", "new"];
    let error = place.refused(1, &[QUICK, &model].concat());
    says(&error, &["model.safetensors is a checkpoint, not a token file", "hint:"]);
    assert!(!place.path("new").exists(), "nothing was made");
    let ended = place.run(&["data", "list", "--json"]);
    assert_eq!(ended.code, 1);
    let document = ended.json();
    assert_eq!(document["texts"][0]["name"], "shakespeare");
    let files = document["files"].as_array().expect("a list");
    // The checkpoint is not in the list: it is no token file.
    assert_eq!(files.len(), 3, "{document}");
    assert!(files[0]["error"].as_str().expect("an error").contains("cut.safetensors"));
    assert_eq!(files[2]["name"], "books");
    assert_eq!(files[2]["tokenizer"], "char");
    let ended = place.done(&["data", "list", "good.safetensors", "--verify"]);
    says(
        &ended.stdout,
        &["good.safetensors: books, 2,340 tokens", "checksum correct", "shakespeare: built in"],
    );
}

#[test]
fn texts_come_back_and_mistakes_are_explained() {
    let place = Place::new();
    let text = books(&place);
    let arguments = ["data", "prepare", "books", "--tokenizer", "byte", "--name", "verses"];
    let ended = place.done(&[&arguments[..], &["--out", "v.safetensors", "--json"]].concat());
    let document = ended.json();
    assert_eq!((&document["name"], &document["vocab_size"]), (&"verses".into(), &256.into()));
    assert_eq!(document["tokens"], text.len());
    place.done(&["data", "export", "v.safetensors", "back.txt"]);
    assert_eq!(fs::read_to_string(place.path("back.txt")).expect("text"), text);
    // It is as open to others as any new file.
    place.write("new.txt", "new");
    let mode = |name: &str| fs::metadata(place.path(name)).expect("there").permissions();
    assert_eq!(mode("back.txt"), mode("new.txt"));
    let before = bytes(&place.path("v.safetensors"));
    let error = place.refused(2, &["data", "export", "v.safetensors", "./v.safetensors"]);
    says(&error, &["v.safetensors would be replaced"]);
    assert_eq!(bytes(&place.path("v.safetensors")), before);
    place.done(&["data", "export", "shakespeare", "plays.txt"]);
    assert_eq!(bytes(&place.path("plays.txt")).len(), 1_115_394);
    // Into a folder that does not exist yet.
    for (name, file) in [("shakespeare", "new/plays.txt"), ("v.safetensors", "newer/back.txt")] {
        place.done(&["data", "export", name, file]);
    }
    assert_eq!(bytes(&place.path("new/plays.txt")), bytes(&place.path("plays.txt")));
    assert_eq!(bytes(&place.path("newer/back.txt")), bytes(&place.path("back.txt")));
    says(&place.refused(2, &["data", "export", "hamlet", "x.txt"]), &["hamlet", "shakespeare"]);

    place.write("books/latin1.txt", b"abc\xe4def");
    let prepare =
        |text: &str, out: &str, code| place.refused(code, &["data", "prepare", text, "--out", out]);
    says(&prepare("books", "x.safetensors", 1), &["latin1.txt", "offset 3", "hint:"]);
    says(&prepare("missing", "x.safetensors", 1), &["missing cannot be read", "hint:"]);
    says(&prepare("back.txt", "back.txt", 2), &["--out", "back.txt is one of the input texts"]);
    assert!(!place.path("x.safetensors").exists());
    // Its own text under its name, prepared and trained on as the built-in one.
    place.done(&["data", "prepare", "shakespeare", "--out", "s.safetensors"]);
    place.quick_model(&["--max-iters", "1"]);
    let ended = place.done(&["eval", "run", "--data", "s.safetensors", "--device", "cpu"]);
    says(&ended.stderr, &["111,540 validation tokens"]);
}

/// The default patches would be too many for a large image, and divide no odd size.
#[test]
fn prepared_images_have_a_patch_size_in_the_command_that_trains_on_them() {
    let place = Place::new();
    for class in ["cat", "dog"] {
        fs::create_dir_all(place.path(&format!("photos/{class}"))).expect("made");
        for number in 0..6 {
            place.write(&format!("photos/{class}/{number}.png"), GREY);
        }
    }
    place.write("photos/dog/IMG_7.HEIC", "not read");
    let prepare = |size: &str| {
        let start = ["data", "prepare", "photos", "--num-channels", "1", "--out", "all"];
        place.done(&[&start[..], &["--image-size", size]].concat())
    };
    let ended = prepare("225");
    says(
        &ended.stderr,
        &["left out: 1 picture of photos in other formats", "IMG_7.HEIC", "convert them"],
    );
    let (_, train) = ended.stdout.split_once("train with: ").expect("the command");
    says(train, &["--image-size 225 --patch-size 15 "]);
    let train: Vec<_> = train.split_whitespace().skip(1).collect();
    let small = ["--hidden-size", "8", "--inner-steps", "1", "--outer-steps", "1"];
    let short = ["--batch-size", "2", "--max-iters", "1", "--device", "cpu", "--out", "run"];
    place.done(&[&train[..], &small, &short].concat());
    let ended = prepare("227");
    says(&ended.stderr, &["no patch size divides images of 227 pixels", "--image-size 224"]);
    assert!(!ended.stdout.contains("train with"), "{}", ended.stdout);
}

#[test]
fn prepared_images_are_listed_beside_token_files() {
    let place = Place::new();
    books(&place);
    place.done(&["data", "prepare", "books", "--out", "b.safetensors"]);
    for class in ["cat", "dog"] {
        fs::create_dir_all(place.path(&format!("photos/{class}"))).expect("made");
        (0..6).for_each(|n| drop(place.write(&format!("photos/{class}/{n}.png"), GREY)));
    }
    let prepare = ["data", "prepare", "photos", "--num-channels", "1", "--image-size", "8"];
    place.done(&[&prepare[..], &["--out", "a.safetensors"]].concat());
    let said = ["a.safetensors: photos, 12 images of 8 × 8 in 2 classes, checksum correct"];
    says(&place.done(&["data", "list", "a.safetensors", "--verify"]).stdout, &said);
    let files = place.done(&["data", "list", "--json"]).json()["files"].clone();
    assert_eq!(files.as_array().expect("a list").len(), 2, "{files}");
    assert_eq!((&files[0]["image_size"], &files[0]["classes"]), (&8.into(), &2.into()));
    assert_eq!(files[1]["tokenizer"], "char");
    // A damaged one is named with its own next step.
    let whole = bytes(&place.path("a.safetensors"));
    place.write("a.safetensors", &whole[..whole.len() - 10]);
    let ended = place.run(&["data", "list"]);
    assert_eq!(ended.code, 1);
    says(&ended.stderr, &["error: ", "a.safetensors", "hint:"]);
    says(&ended.stdout, &["b.safetensors: books"]);
    assert!(!ended.stderr.contains("token file"), "{}", ended.stderr);
}

#[test]
fn json_lines_train_as_they_are_prepared() {
    let place = Place::new();
    let line = |key: &str, text: &str| format!("{{\"{key}\": \"{text}\"}}\r\n");
    let escaped = r#"Gr\u00fcße, ein \"Gedicht\"."#;
    let lines = |key: &str| line(key, escaped) + &line(key, "Und Verse");
    place.write("a.jsonl", lines("text").repeat(60));
    place.write("b.ndjson", lines("story").repeat(60));
    place.done(&["data", "prepare", "a.jsonl", "--out", "a.safetensors"]);
    let prepare = ["data", "prepare", "b.ndjson", "--out", "b.safetensors", "--json"];
    let ended = place.done(&[&prepare[..], &["--field", "story"]].concat());
    let document = ended.json();
    assert_eq!(document["tokens"], 60 * 32 - 1);
    assert_eq!(document["test"], serde_json::Value::Null);
    place.done(&["data", "export", "b.safetensors", "b.txt"]);
    let text = fs::read_to_string(place.path("b.txt")).expect("text");
    assert!(text.starts_with("Grüße, ein \"Gedicht\".\nUnd Verse\nGrüße"), "{text}");
    let run = |out: &str, data: &str| {
        place.done(&[QUICK, &["--out", out, "--data", data]].concat());
        place.metrics(out)
    };
    let plain = run("plain", "a.jsonl");
    assert_eq!(run("mapped", "a.safetensors"), plain);
    assert_eq!(run("other", "b.safetensors"), plain);
    let error = place.refused(1, &prepare);
    says(&error, &["line 1 of b.ndjson", "`text`", "no such field", "hint:", "--field"]);
    let error = place.refused(1, &[QUICK, &["--data", "b.ndjson", "--out", "never"]].concat());
    says(&error, &["line 1 of b.ndjson", "no such field"]);
    assert!(!place.path("never").exists());
}

#[test]
fn a_folder_of_parts_keeps_them() {
    let place = Place::new();
    fs::create_dir(place.path("tales")).expect("made");
    let text = " \n = Title = \n \n The <unk> cost 1 @,@ 000 . \n".repeat(40);
    for (part, own) in [("train", ""), ("valid", "v"), ("test", "t")] {
        place.write(&format!("tales/wiki.{part}.tokens"), format!("{text}{own}"));
    }
    let prepare = ["data", "prepare", "tales", "--out", "w.safetensors"];
    let ended = place.done(&prepare);
    let said =
        ["w.safetensors: 3 texts", "for validation)", "w.test.safetensors: ", "all for evaluation"];
    says(&ended.stdout, &said);
    let document = place.done(&[&prepare[..], &["--json"]].concat()).json();
    let size = text.len();
    assert_eq!(document["name"], "tales");
    assert_eq!(
        (&document["tokens"], &document["val_tokens"]),
        (&(2 * size + 1).into(), &(size + 1).into())
    );
    assert_eq!(document["test"]["name"], "tales (test)");
    assert_eq!(document["test"]["tokens"], size + 1);
    let listed = place.done(&["data", "list"]).stdout;
    says(
        &listed,
        &["w.safetensors: tales, ", "for validation)", "tales (test), ", "(all for evaluation)"],
    );
    place.quick_model(&["--data", "w.safetensors", "--max-iters", "1"]);
    let eval = ["eval", "run", "--device", "cpu", "--data"];
    place.done(&[&eval[..], &["w.test.safetensors"]].concat());
    let train = ["--data", "w.test.safetensors", "--out", "never"];
    says(&place.refused(2, &[QUICK, &train].concat()), &["w.test.safetensors", "no training part"]);

    let error = place.refused(2, &["data", "prepare", "tales", "w.safetensors", "--out", "x"]);
    says(&error, &["tales has its own test split", "alone"]);
    let error = place.refused(2, &["data", "prepare", ".", "--out", "x"]);
    says(&error, &["is one split of a corpus"]);
    fs::remove_file(place.path("tales/wiki.valid.tokens")).expect("removed");
    says(&place.refused(1, &prepare), &["there is no `wiki.valid.tokens`", "hint:"]);
}

#[test]
fn what_is_wrong_with_images_comes_with_its_flag() {
    let place = Place::new();
    for class in ["cat", "dog"] {
        fs::create_dir_all(place.path(&format!("photos/{class}"))).expect("made");
        for number in 0..6 {
            place.write(&format!("photos/{class}/{number}.png"), GREY);
        }
    }
    let texts = place.refused(1, &["data", "prepare", "photos", "--out", "x"]);
    says(&texts, &["there is no text in photos", "pictures", "--image-size N"]);
    let prepare = |source: &str, size: &str, code: i32| {
        let start = ["data", "prepare", source, "--out", "x", "--image-size", size];
        place.refused(code, &start)
    };
    says(&prepare("photos", "100000", 2), &["size 100000", "from 1 to 4096", "--image-size N"]);
    let one = prepare("photos/cat/0.png", "8", 1);
    says(&one, &["0.png is a PNG picture, and a folder of images is wanted", "hint:"]);
    assert!(!place.path("x").exists());
    let train = ["train", "digits", "--data", "photos", "--image-size", "4", "--device", "cpu"];
    says(&place.refused(1, &train), &["8 × 8 pixels", "--resize true"]);
    let channels = [&train[..4], &["--num-channels", "4", "--device", "cpu"]].concat();
    says(&place.refused(2, &channels), &["images of 4 channels", "--num-channels 1 or 3"]);
}
