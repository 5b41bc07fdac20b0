//! Training in several processes gives what one process gives, bit by bit, and ends with the
//! first of them that fails. Needs Open MPI's `mpirun`.

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use common::{Ended, Place, content, says};
use safetensors::SafeTensors;

/// Four batches in an update; validation and saving in between.
const SHARDS: &[&str] = &[
    "--gradient-accumulation-steps",
    "4",
    "--batch-size",
    "2",
    "--max-iters",
    "40",
    "--eval-interval",
    "20",
    "--eval-iters",
    "1",
    "--log-interval",
    "1",
    "--device",
    "cpu",
];

/// Settings that draw random numbers or keep something beside the weights.
const EVERYTHING: &[&str] = &[
    "--dropout",
    "0.1",
    "--optimizer",
    "muon",
    "--ema-decay",
    "0.9",
    "--grad-clip",
    "0.5",
    "--depth-sampling",
    "uniform",
    // Otherwise the schedule ends with each part of the run.
    "--lr-decay-iters",
    "40",
];

/// A run that does not end by itself.
const ENDLESS: &[&str] = &["--max-iters", "1000000", "--eval-interval", "1000000"];

/// Longest time until all processes have ended after one of them failed.
const SECONDS: Duration = Duration::from_secs(15);

impl Place {
    /// Processes that talk to each other by `way`, a list of Open MPI's transports. Each of
    /// `ranks` has arguments of its own beside `arguments`.
    fn mpirun(&self, way: &str, arguments: &[&str], ranks: &[&[&str]]) -> Command {
        let mut command = Command::new("mpirun");
        command.args(["--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]);
        command.args(["--mca", "btl", way, "--mca", "oob_tcp_if_include", "lo"]);
        command.args(["--mca", "btl_tcp_if_include", "lo"]);
        for (rank, own) in ranks.iter().enumerate() {
            command.args(if rank > 0 { &[":", "-n", "1"][..] } else { &["-n", "1"] });
            command.arg(env!("CARGO_BIN_EXE_trm-native")).arg("train");
            command.args(arguments).args(*own);
        }
        command.current_dir(self.path("")).env_remove("CARGO").env("RAYON_NUM_THREADS", "1");
        command
    }

    /// Trains in so many processes, or in this one without MPI.
    fn trained(&self, processes: usize, arguments: &[&str]) -> Ended {
        if processes == 1 {
            return self.done(&[&["train"], arguments].concat());
        }
        let mut command = self.mpirun("self,vader", arguments, &vec![&[][..]; processes]);
        let ended = Ended::from(command.output().expect("mpirun starts"));
        assert_eq!(ended.code, 0, "{arguments:?}\n{}", ended.stderr);
        ended
    }

    fn equal(&self, one: &str, other: &str) {
        assert_eq!(self.metrics(one), self.metrics(other));
        for file in ["last.safetensors", "last.optim.safetensors", "best.safetensors"] {
            let [one, other] = [one, other].map(|run| content(&self.path(run).join(file)));
            assert!(one == other, "{file} differs");
        }
    }

    /// Two processes in training, past some steps.
    fn under_way(&self, arguments: &[&str]) -> UnderWay {
        self.under_way_in(2, arguments)
    }

    fn under_way_in(&self, processes: usize, arguments: &[&str]) -> UnderWay {
        let arguments = [&["tiny"], SHARDS, ENDLESS, &["--out", "run"], arguments].concat();
        let mut command = self.mpirun("self,vader", &arguments, &vec![&[][..]; processes]);
        command.stderr(Stdio::piped()).stdout(Stdio::null());
        let mut mpirun = command.spawn().expect("mpirun starts");
        let mut lines = BufReader::new(mpirun.stderr.take().expect("piped"));
        let mut line = String::new();
        while !line.starts_with("step 30/") {
            line.clear();
            assert!(lines.read_line(&mut line).expect("readable") > 0, "ended before step 30");
        }
        UnderWay { mpirun, lines, folder: fs::canonicalize(self.path("")).expect("a folder") }
    }
}

/// Sends a signal to a process.
fn kill(signal: &str, process: &str) {
    let status = Command::new("kill").args([signal, process]).status();
    assert!(status.expect("kill starts").success());
}

struct UnderWay {
    mpirun: Child,
    lines: BufReader<std::process::ChildStderr>,
    folder: std::path::PathBuf,
}

impl UnderWay {
    /// Sends a signal to the process of a rank.
    fn signal(&self, name: &str, rank: usize) {
        let variable = format!("OMPI_COMM_WORLD_RANK={rank}");
        let is_rank = |process: &fs::DirEntry| {
            let here = fs::read_link(process.path().join("cwd")).is_ok_and(|at| at == self.folder);
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            here && environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
        };
        let processes = fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
        let found = processes.into_iter().find(is_rank).expect("the process of the rank");
        let process = found.file_name().into_string().expect("a number");
        kill(name, &process);
    }

    /// Waits for the end, which must come soon.
    fn ended(mut self) -> Ended {
        let deadline = Instant::now() + SECONDS;
        let code = loop {
            if let Some(status) = self.mpirun.try_wait().expect("waited") {
                break status.code().unwrap_or(-1);
            }
            if Instant::now() > deadline {
                self.mpirun.kill().expect("killed");
                panic!("not ended within {SECONDS:?}");
            }
            thread::sleep(Duration::from_millis(20));
        };
        let mut stderr = String::new();
        self.lines.read_to_string(&mut stderr).expect("readable");
        Ended { code, stdout: String::new(), stderr }
    }
}

/// The step of the last save, which must be whole, with its optimizer.
fn saved_step(place: &Place) -> usize {
    let [step, other] = ["last.safetensors", "last.optim.safetensors"].map(|file| {
        let bytes = common::bytes(&place.path("run").join(file));
        SafeTensors::deserialize(&bytes).expect("whole");
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("whole");
        header.metadata().as_ref().expect("metadata")["step"].parse().expect("a step")
    });
    assert_eq!(step, other);
    step
}

#[test]
fn the_number_of_processes_changes_no_bit() {
    let place = Place::new();
    let train =
        |processes, run| place.trained(processes, &[&["tiny"], SHARDS, &["--out", run]].concat());
    train(1, "one");
    let two = train(2, "two").stderr;
    says(&two, &["processes 2; each computes 2 batches of an update", "exchange of gradients"]);
    assert_eq!(two.matches("settings  preset tiny").count(), 1, "one rank prints:\n{two}");
    assert_eq!(two.matches("step 7/40").count(), 1, "one rank prints:\n{two}");
    place.equal("one", "two");
}

#[test]
fn a_run_with_dropout_and_every_extra_goes_on_in_another_number_of_processes() {
    let place = Place::new();
    let start = |run, steps| {
        [&["tiny"], SHARDS, EVERYTHING, &["--out", run, "--max-iters", steps]].concat()
    };
    place.trained(1, &start("whole", "40"));
    place.trained(2, &start("parts", "20"));
    let resume = |steps| ["--resume", "parts", "--device", "cpu", "--max-iters", steps];
    let ended = place.trained(4, &resume("30"));
    says(&ended.stderr, &["steps 20 to 30", "processes 4; each computes 1 batch of an update"]);
    place.trained(1, &resume("40"));
    let [whole, parts] =
        ["whole", "parts"].map(|run| content(&place.path(run).join("last.optim.safetensors")));
    assert!(whole == parts, "the optimizer's state differs");
    let losses = |run| {
        let lines = place.metrics(run).into_iter().filter(|line| line.get("loss").is_some());
        lines.map(|line| (line["step"].clone(), line["loss"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(losses("whole"), losses("parts"));
}

#[test]
fn an_image_classifier_trains_over_tcp() {
    let place = Place::new();
    let arguments = [&["digits"], SHARDS, &["--max-iters", "4", "--eval-interval", "2"]].concat();
    place.trained(1, &[&arguments[..], &["--out", "one"]].concat());
    let arguments = [&arguments[..], &["--out", "two"]].concat();
    let output = place.mpirun("self,tcp", &arguments, &[&[], &[]]).output();
    let ended = Ended::from(output.expect("mpirun starts"));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place.equal("one", "two");
}

/// What is under way on all ranks is in the files of rank 0.
#[test]
fn a_puzzle_solver_goes_on_in_another_number_of_processes() {
    let place = Place::new();
    let small = ["sudoku-4x4", "--hidden-size", "32", "--num-puzzles", "40"];
    let more = ["--num-val-puzzles", "8", "--halt-max-steps", "4", "--eval-interval", "4"];
    let start =
        |run, steps| [&small, SHARDS, &more[..], &["--out", run, "--max-iters", steps]].concat();
    place.trained(1, &start("whole", "12"));
    place.trained(2, &start("parts", "6"));
    let resume = |steps| ["--resume", "parts", "--device", "cpu", "--max-iters", steps];
    place.trained(4, &resume("9"));
    place.trained(1, &resume("12"));
    let [whole, parts] =
        ["whole", "parts"].map(|run| content(&place.path(run).join("last.optim.safetensors")));
    assert!(whole == parts, "the optimizer's state differs");
}

/// A task of ARC, and a model for it that is soon trained.
const TASK: &str = r#"{"a": {"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[1]], "output": [[2]]}]}}"#;
const ARC: &[&str] = &[
    "arc",
    "--hidden-size",
    "32",
    "--num-heads",
    "2",
    "--puzzle-emb-ndim",
    "32",
    "--num-aug",
    "2",
    "--eval-interval",
    "100",
];

/// The number of tasks is decided by the data, on every rank.
#[test]
fn the_same_command_goes_on_with_arc() {
    let place = Place::new();
    place.write("tasks.json", TASK);
    let start = |steps| {
        let data = ["--data", "tasks.json", "--out", "run", "--auto-resume", "--max-iters", steps];
        [ARC, SHARDS, &data].concat()
    };
    place.trained(2, &start("2"));
    place.trained(2, &start("3"));
    assert_eq!(saved_step(&place), 3);
}

#[test]
fn ranks_that_differ_are_refused_with_one_message_before_anything_is_written() {
    let place = Place::new();
    let text = "To be, or not to be, that is the question. ".repeat(40);
    let first = place.write("first.txt", &text);
    let second = place.write("second.txt", text.replace("question", "Question"));
    let [first, second] = [&first, &second].map(|path| path.to_str().expect("UTF-8"));
    let refused = |code: i32, arguments: &[&str], ranks: &[&[&str]], words: &[&str]| {
        let preset: &[&str] = if arguments.is_empty() { &["tiny"] } else { arguments };
        let arguments = [preset, SHARDS, &["--out", "run"]].concat();
        let output = place.mpirun("self,vader", &arguments, ranks).output();
        let ended = Ended::from(output.expect("mpirun starts"));
        assert_eq!(ended.code, code, "{}", ended.stderr);
        says(&ended.stderr, words);
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{}", ended.stderr);
        assert!(!place.path("run").exists(), "{}", ended.stderr);
    };
    refused(2, &[], &[&[], &["--seed", "5"]], &["rank 1: seed is 5 here, but 1337 on rank 0"]);
    let data: [&[&str]; 2] = [&["--data", first], &["--data", second]];
    refused(2, &[], &data, &["rank 1: the digest of the data is ", "on rank 0"]);
    // Puzzles have no digest in their settings.
    place.write("two.json", TASK);
    place.write("three.json", TASK.replace("[[2]]", "[[3]]"));
    let puzzles: [&[&str]; 2] = [&["--data", "two.json"], &["--data", "three.json"]];
    refused(2, ARC, &puzzles, &["rank 1: the digest of the data is ", "on rank 0"]);
    let missing: [&[&str]; 2] = [&[], &["--data", "missing.txt"]];
    refused(1, &[], &missing, &["rank 1: missing.txt cannot be read"]);
    refused(2, &[], &[&[][..]; 3], &["an update has 4 batches", "cannot share equally"]);
}

#[test]
fn a_rank_that_is_killed_ends_all_and_leaves_the_last_save() {
    for rank in [0, 1] {
        let place = Place::new();
        // It is killed after step 30, between two saves: a save in the middle would leave the
        // files of two steps, and the optimizer's under another name.
        let run = place.under_way(&["--save-interval", "20"]);
        run.signal("-KILL", rank);
        let ended = run.ended();
        assert_ne!(ended.code, 0);
        let died = format!("rank {rank} has died; step ");
        says(&ended.stderr, &[&died, "is the last that all ranks have", "--resume"]);
        let step = saved_step(&place);
        assert!(step >= 20, "{step}");
        let last = (step + 2).to_string();
        place.trained(1, &["--resume", "run", "--device", "cpu", "--max-iters", &last]);
        assert_eq!(saved_step(&place), step + 2);
    }
}

/// On a busy machine the launcher takes long to end the others.
#[test]
fn one_rank_prints_however_long_the_launcher_takes() {
    let place = Place::new();
    let run = place.under_way_in(4, &[]);
    let launcher = run.mpirun.id().to_string();
    kill("-STOP", &launcher);
    run.signal("-KILL", 3);
    // Longer than a rank leaves it to a lower one to print and to end all.
    thread::sleep(Duration::from_secs(5));
    kill("-CONT", &launcher);
    let ended = run.ended();
    assert_ne!(ended.code, 0);
    says(&ended.stderr, &["rank 3 has died; step "]);
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{}", ended.stderr);
}

#[test]
fn a_silent_rank_is_named_after_the_time_limit() {
    let place = Place::new();
    let run = place.under_way(&["--rank-timeout", "1"]);
    run.signal("-STOP", 1);
    let ended = run.ended();
    assert_ne!(ended.code, 0);
    says(&ended.stderr, &["rank 1 has sent nothing for 1 s; step ", "--rank-timeout"]);
}

/// Rank 1 stops in the middle of a request for many steps. Those before that are reported, and
/// the failure is not forgotten meanwhile.
#[test]
fn a_silent_rank_is_waited_for_once() {
    const LIMIT: Duration = Duration::from_secs(3);
    let place = Place::new();
    let mut run = place.under_way(&["--rank-timeout", "3", "--log-interval", "30"]);
    run.signal("-STOP", 1);
    let stopped = Instant::now();
    let mut line = String::new();
    while !line.contains("rank 1 has sent nothing") {
        line.clear();
        assert!(run.lines.read_line(&mut line).expect("readable") > 0, "ended without a message");
    }
    let waited = stopped.elapsed();
    assert!(waited < 2 * LIMIT, "{waited:?}");
    says(&line, &["for 3 s; step "]);
    assert_ne!(run.ended().code, 0);
}

#[test]
fn a_signal_to_any_rank_stops_all_and_saves_once() {
    for rank in [0, 1] {
        let place = Place::new();
        let run = place.under_way(&[]);
        run.signal("-INT", rank);
        let ended = run.ended();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        says(&ended.stderr, &["interrupted", "continue with: "]);
        let step = saved_step(&place);
        says(&ended.stderr, &[&format!("stopped at step {step}")]);
        assert_eq!(ended.stderr.matches("stopped at step").count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn processes_that_mpi_does_not_join_are_refused() {
    let place = Place::new();
    let started = |command: &[&str]| {
        let output = place.program().args(command).env("SLURM_STEP_NUM_TASKS", "2").output();
        let ended = Ended::from(output.expect("the program starts"));
        assert!(!place.path("runs").exists(), "{}", ended.stderr);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        ended.stderr
    };
    says(&started(&["train", "tiny"]), &["2 processes were started together, but MPI sees 1"]);
    says(&started(&["train", "tiny", "--devices", "2"]), &["give each of them one --device"]);
    says(&started(&["sweep", "tiny", "--recursion-steps", "1,2"]), &["`sweep` is for one"]);
}
