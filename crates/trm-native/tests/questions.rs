//! Questions on the command line: a model on a frozen decoder is trained, resumed, evaluated
//! and asked; files and bases that do not fit are refused.

mod common;

use common::{Place, bytes, content, says};
use safetensors::SafeTensors;
use serde_json::Value;

const CPU: [&str; 2] = ["--device", "cpu"];

/// A small model on a small base.
const SIZES: [&str; 26] = [
    "--cut",
    "1",
    "--num-latents",
    "4",
    "--window",
    "4",
    "--hidden-size",
    "16",
    "--num-heads",
    "2",
    "--n-layers",
    "1",
    "--intermediate-size",
    "32",
    "--h-cycles",
    "2",
    "--l-cycles",
    "1",
    "--supervision-steps",
    "2",
    "--lora-rank",
    "2",
    "--num-questions",
    "40",
    "--num-val-questions",
    "8",
];
const STEPS: [&str; 14] = [
    "--lr-schedule",
    "constant",
    "--max-difficulty",
    "3",
    "--batch-size",
    "4",
    "--warmup-iters",
    "0",
    "--curriculum-iters",
    "0",
    "--eval-interval",
    "4",
    "--log-interval",
    "1",
];

/// A decoder of characters in `base.safetensors`.
fn with_base(place: &Place) {
    let form = "Question: The ball is under cup A. Swap B and C. Which cup?\nAnswer: A~\n";
    let text: String = (' '..='~').chain(form.repeat(60).chars()).collect();
    std::fs::write(place.path("forms.txt"), text).unwrap();
    let sizes = [
        "train",
        "--variant",
        "llama",
        "--data",
        "forms.txt",
        "--hidden-size",
        "32",
        "--n-layers",
        "2",
        "--num-heads",
        "2",
        "--num-kv-heads",
        "1",
        "--intermediate-size",
        "48",
        "--block-size",
        "160",
        "--batch-size",
        "2",
        "--max-iters",
        "4",
        "--warmup-iters",
        "0",
        "--eval-interval",
        "4",
        "--eval-iters",
        "1",
        "--out",
        "decoder",
    ];
    place.done(&[&sizes[..], &CPU].concat());
    std::fs::copy(place.path("decoder/best.safetensors"), place.path("base.safetensors")).unwrap();
}

fn train(place: &Place, more: &[&str]) -> String {
    let start = ["train", "cups", "--base", "base.safetensors"];
    place.done(&[&start[..], &SIZES, &STEPS, &CPU, more].concat()).stderr
}

#[test]
fn a_model_is_trained_resumed_evaluated_and_asked() {
    let place = Place::new();
    with_base(&place);
    let said = train(&place, &["--out", "whole", "--max-iters", "8"]);
    says(&said, &["40 training questions, 8 validation questions", "exact answers by steps 0:"]);
    says(&said, &["ask whole QUESTION --base base.safetensors"]);
    train(&place, &["--out", "parts", "--max-iters", "4"]);
    let resume = ["train", "--resume", "parts", "--base", "base.safetensors", "--max-iters", "8"];
    place.done(&[&resume[..], &CPU].concat());
    let weights = |run: &str| {
        let file = bytes(&place.path(&format!("{run}/last.safetensors")));
        let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        file[8 + header..].to_vec()
    };
    assert!(weights("whole") == weights("parts"), "a resumed run goes on exactly");

    // The base lies beside the run's folder, where its name is looked for.
    let eval = place.done(&[&["eval", "whole", "--json"][..], &CPU].concat()).stdout;
    let eval: Value = serde_json::from_str(&eval).unwrap();
    for (set, count) in [("val", 8), ("harder", 8)] {
        assert_eq!(eval[set]["questions"], count, "{eval}");
        // From 0 to four steps beyond the trained ones.
        assert_eq!(eval[set]["steps"].as_array().unwrap().len(), 7);
        // A question that never halts stops where training did.
        let halting = &eval[set]["halting"]["steps"];
        assert!(halting.as_f64().unwrap() <= 2.0, "{halting}");
    }
    assert!(eval["short_answers"].is_null(), "generated answers have none");
    let table = place.done(&[&["eval", "whole", "--depths", "0..2"][..], &CPU].concat()).stdout;
    says(
        &table,
        &["8 questions that the model was not trained on", "without recursion", "as trained"],
    );

    // All questions of a file, also of a short one, or a part of them.
    let lines = |count: usize| -> String {
        let line = |n| format!("{{\"question\": \"Which cup, {n}?\", \"answer\": \"B\"}}\n");
        (0..count).map(line).collect()
    };
    place.write("asked.jsonl", lines(3));
    place.write("more.jsonl", lines(10));
    let test = ["eval", "whole", "--depths", "1", "--test", "asked.jsonl"];
    let table = place.done(&[&test[..], &CPU].concat()).stdout;
    says(&table, &["3 questions of asked.jsonl"]);
    assert!(!table.contains("####"), "{table}");
    let refused = place.refused(2, &[&test[..], &["--baselines"], &CPU].concat());
    says(&refused, &["--baselines", "--test"]);
    // As in GSM8K, where what follows the mark is compared with what the model writes.
    let short = "{\"question\": \"Which cup?\", \"answer\": \"A, then B.\\n#### B\"}\n";
    place.write("short.jsonl", short);
    let test = ["eval", "whole", "--depths", "0..1", "--test", "short.jsonl"];
    let table = place.done(&[&test[..], &CPU].concat()).stdout;
    says(&table, &["written after step 1: ", "are right after the last `#### `"]);
    let json = place.done(&[&test[..], &["--json"], &CPU].concat()).json();
    assert_eq!(json["short_answers"]["step"], 1, "{json}");
    assert!((0.0..=1.0).contains(&json["short_answers"]["exact"].as_f64().unwrap()), "{json}");
    let other = ["eval", "whole", "--depths", "1", "--data", "more.jsonl"];
    let other = place.done(&[&other[..], &CPU].concat());
    says(&other.stderr, &["more.jsonl is not what the run was trained on (cups)"]);
    says(&other.stdout, &["2 questions held out of more.jsonl"]);
    let resume = ["train", "--resume", "whole", "--data", "asked.jsonl", "--max-iters", "9"];
    says(&place.refused(2, &[&resume[..], &CPU].concat()), &["trained on cups", "asked.jsonl"]);

    // The baselines read the states that training has kept.
    let kept = || {
        let names = std::fs::read_dir(place.path(".")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("states-")).collect::<Vec<_>>()
    };
    let before = kept();
    let eval = ["eval", "whole", "--baselines", "--json"];
    let ended = place.done(&[&eval[..], &CPU].concat());
    let compared = ended.json();
    assert_eq!((before.len(), kept()), (1, before));
    let rows = compared["baselines"].as_array().unwrap();
    assert_eq!(rows.len(), 5, "{compared}");
    assert_eq!(rows[0]["model"], "base alone, few-shot (8 questions)");
    // Like the run, each is validated at every interval, and its best weights are scored.
    for step in ["window 0: step 4/8, ", "window 0: step 8/8, "] {
        says(&ended.stderr, &[step, "of the held-out questions answered exactly"]);
    }
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(row["parameters"].as_u64().unwrap() > 0, place > 0, "{row}");
        for set in ["val", "harder"] {
            assert!((0.0..=1.0).contains(&row[set].as_f64().unwrap()), "{row}");
        }
    }

    // Two folders above a file the base is found too, and from within.
    std::fs::create_dir(place.path("deep")).unwrap();
    std::fs::rename(place.path("parts"), place.path("deep/parts")).unwrap();
    let resume = ["train", "--resume", "deep/parts", "--max-iters", "9"];
    place.done(&[&resume[..], &CPU].concat());
    let file = ["eval", "deep/parts/best.safetensors", "--depths", "1"];
    place.done(&[&file[..], &CPU].concat());

    let question = "The ball is under cup A. Swap A and B. Which cup?";
    let ask =
        |more: &[&str]| place.done(&[&["ask", "whole", question][..], &CPU, more].concat()).stdout;
    let answers: Value = serde_json::from_str(&ask(&["--depth", "0..3", "--json"])).unwrap();
    assert_eq!(answers["answers"].as_array().unwrap().len(), 4);
    assert_eq!(answers["halt"].as_array().unwrap().len(), 3);
    assert_eq!(answers["answers"][3]["depth"], 3);
    assert!(answers["think"].as_f64().unwrap() <= 1.0);
    says(&ask(&["--max-new-tokens", "1"]), &["depth   2", "<think> follows", "halting"]);

    // The adapters in peft's form fit the decoder that they belong to.
    std::fs::create_dir(place.path("adapter")).unwrap();
    let to = [
        "convert",
        "whole",
        "--from",
        "trm",
        "--to-format",
        "peft",
        "--base",
        "base.safetensors",
        "--to",
        "adapter/adapter_model.safetensors",
    ];
    place.done(&to);
    let merge = [
        "convert",
        "adapter",
        "--from",
        "peft",
        "--base",
        "base.safetensors",
        "--to",
        "merged.safetensors",
    ];
    place.done(&merge);
    // The weights alone name their folder.
    let mut from_file = merge;
    from_file[1] = "adapter/adapter_model.safetensors";
    from_file[7] = "same.safetensors";
    place.done(&from_file);
    let [one, other] = ["same.safetensors", "merged.safetensors"];
    assert!(content(&place.path(one)) == content(&place.path(other)));
    place.done(&["generate", "merged.safetensors", "--max-new-tokens", "3", "--device", "cpu"]);
}

#[test]
fn other_files_and_bases_are_refused() {
    let place = Place::new();
    with_base(&place);
    let refused = |code: i32, arguments: &[&str]| place.refused(code, &[arguments, &CPU].concat());
    let start = [&["train", "cups"][..], &SIZES].concat();
    says(&refused(2, &start), &["needs a frozen language model", "--base"]);
    let on_base = [&["train", "cups", "--base", "base.safetensors"][..], &SIZES].concat();
    for (name, text, words) in [
        ("fields.json", "[{\"question\": \"a\"}]", &["answer"][..]),
        ("empty.jsonl", "{\"question\": \"a\", \"answer\": \"\"}\n", &["empty"]),
        ("broken.jsonl", "{\"question\": \"a\"\n", &["JSON"]),
    ] {
        std::fs::write(place.path(name), text).unwrap();
        says(&refused(1, &[&on_base[..], &["--data", name]].concat()), words);
    }
    let long = "word ".repeat(60);
    let entry = |i: usize| format!("{{\"question\": \"{long}{i}\", \"answer\": \"b\"}}\n");
    std::fs::write(place.path("long.jsonl"), (0..10).map(entry).collect::<String>()).unwrap();
    let said = refused(1, &[&on_base[..], &["--data", "long.jsonl"]].concat());
    says(&said, &["positions", "160"]);
    says(&refused(2, &[&on_base[..], &["--cut", "2"]].concat()), &["cut", "2 layers"]);

    train(&place, &["--out", "run", "--max-iters", "4"]);
    std::fs::rename(place.path("base.safetensors"), place.path("hidden.safetensors")).unwrap();
    for command in [&["ask", "run", "Which cup?"][..], &["eval", "run"]] {
        let lost = refused(2, command);
        says(&lost, &["needs its frozen base, base.safetensors", "--base FILE (SHA-256 "]);
        assert!(!lost.contains("smollm2"), "it is the user's own: {lost}");
    }
    let adapters = ["convert", "run", "--from", "trm", "--to-format", "peft", "--to", "adapter"];
    let lost = place.refused(2, &adapters);
    says(&lost, &["run: this model needs its frozen base, base.safetensors", "--base FILE (SHA"]);
    // Another file of the same weights is the same base, as of a conversion that was repeated.
    let bytes = std::fs::read(place.path("hidden.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut pairs = header.metadata().clone().unwrap();
    pairs.insert("note".into(), "another file".into());
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let again = safetensors::serialize(tensors.tensors(), Some(pairs)).unwrap();
    std::fs::write(place.path("again.safetensors"), again).unwrap();
    for file in ["hidden.safetensors", "again.safetensors"] {
        let asked = ["ask", "run", "Which cup?", "--base", file, "--max-new-tokens", "1"];
        place.done(&[&asked[..], &CPU].concat());
    }
    let resume = ["train", "--resume", "decoder", "--data", "forms.txt", "--max-iters", "5"];
    place.done(&[&resume[..], &CPU].concat());
    let other = ["ask", "run", "Which cup?", "--base", "decoder/last.safetensors"];
    says(&refused(2, &other), &["is not the frozen base", "SHA-256"]);
    says(&refused(2, &["ask", "decoder", "Which cup?"]), &["a language model", "`generate`"]);
    // Without a recursion there is one depth to evaluate.
    let scores = place
        .done(&[&["eval", "decoder", "--data", "forms.txt", "--json"][..], &CPU].concat())
        .json();
    assert_eq!(scores["depths"].as_array().unwrap().len(), 1, "{scores}");
    assert_eq!(scores["depths"][0]["depth"], 1);
    says(&refused(2, &["generate", "run"]), &["a question model", "ask"]);
    says(&refused(2, &["ask", "run", "Which cup?", "--depth", "x"]), &["not a depth"]);
}
