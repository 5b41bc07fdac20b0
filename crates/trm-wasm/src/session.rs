//! Commands to calls, results to events.

use std::collections::BTreeMap;

use serde_json::Value;
use trm_data::Corpus;
use trm_data::puzzles::{Kind, PuzzleError};
use trm_spec::{Command, DeviceInfo, Event, Failure, FailureKind, Lessons, Memory, RunConfig};
use trm_train::{Material, Run, TextStream, TraceRequest};

#[cfg(feature = "puzzles")]
use crate::arc;
use crate::device::Opened;

/// A session's state: the device, the run if there is one, and the open streams.
pub struct Answering {
    opened: Opened,
    run: Option<Box<dyn Run>>,
    streams: BTreeMap<u32, Box<dyn TextStream>>,
    next_stream: u32,
}

/// The answer to something that is no command.
pub fn misunderstood(error: &dyn std::fmt::Display) -> Event {
    Event::Failed {
        failure: Failure::new(
            FailureKind::Protocol,
            format!("the command could not be read: {error}"),
            "Reload the page; its parts may be of different versions.",
        ),
    }
}

impl Answering {
    pub fn new(opened: Opened) -> Self {
        Self { opened, run: None, streams: BTreeMap::new(), next_stream: 0 }
    }

    pub fn device(&self) -> &DeviceInfo {
        &self.opened.info
    }

    /// One event for one command, failures included.
    pub async fn answer(&mut self, command: Command) -> Event {
        match self.obey(command).await {
            Ok(event) => event,
            Err(failure) => Event::Failed { failure },
        }
    }

    async fn obey(&mut self, command: Command) -> Result<Event, Failure> {
        match command {
            Command::Create { config, lessons } => {
                let material = Material::new(&lessons, &config, None)?;
                let run = trm_train::create(&config, material, &self.opened.device)?;
                Ok(self.take_up(run))
            }
            Command::Load { checkpoint, optimizer, lessons } => {
                let run = trm_train::load(
                    &checkpoint,
                    optimizer.as_deref(),
                    lessons.as_ref(),
                    &self.opened.device,
                )?;
                Ok(self.take_up(run))
            }
            Command::Step { n } => Ok(Event::Stepped { reports: self.run_mut()?.steps(n).await? }),
            Command::Evaluate { depths, max_tokens } => {
                let run = self.run()?;
                let step = run.summary().step;
                Ok(Event::Evaluated { step, depths: run.evaluate(&depths, max_tokens).await? })
            }
            Command::Generate { options } => {
                let stream = self.run()?.generate(&options)?;
                self.next_stream += 1;
                self.streams.insert(self.next_stream, stream);
                Ok(Event::Generating { stream: self.next_stream })
            }
            Command::Pull { stream, n } => self.pull(stream, n).await,
            Command::Close { stream } => {
                self.streams.remove(&stream);
                Ok(Event::Closed { stream })
            }
            Command::Trace { prompt, depth, top, attention } => {
                let run = self.run()?;
                let tokens = vec![run.encode(&prompt)?];
                let request =
                    TraceRequest { tokens, depth, top, attention, ..TraceRequest::default() };
                let trace = run.trace(&request).await?;
                let summary = run.summary();
                Ok(Event::Traced { step: summary.step, trace, vocab: summary.vocab })
            }
            Command::Pose { kind, from } if cfg!(feature = "puzzles") => Ok(Event::Posed {
                posed: Kind::known(&kind).and_then(|kind| kind.pose(&from)).map_err(unusable)?,
            }),
            Command::Examine { kind, puzzle, steps, top } if cfg!(feature = "puzzles") => {
                self.examine(&kind, puzzle, steps, top).await
            }
            #[cfg(feature = "puzzles")]
            Command::ReadTasks { name, text } => arc::read(&name, &text),
            #[cfg(feature = "puzzles")]
            Command::Attempt { task, test, guise, steps } => {
                arc::attempt(self.run()?, &task, test, guise, steps).await
            }
            #[cfg(feature = "puzzles")]
            Command::Vote { ballots } => arc::vote(&ballots),
            Command::Pose { .. } | Command::Examine { .. } => Err(no_puzzles()),
            #[cfg(not(feature = "puzzles"))]
            Command::ReadTasks { .. } | Command::Attempt { .. } | Command::Vote { .. } => {
                Err(no_puzzles())
            }
            Command::Judge { steps, puzzles } => {
                let run = self.run()?;
                let step = run.summary().step;
                Ok(Event::Judged { step, scores: run.judge(steps, puzzles).await? })
            }
            Command::Configure { config } => {
                let run = self.run_mut()?;
                run.configure(&config)?;
                Ok(Event::Ready { summary: run.summary() })
            }
            Command::Save => Ok(Event::Saved { saved: self.run()?.save(Value::Null).await? }),
            Command::Probe { config, steps } => self.probe(config, steps).await,
            Command::MeasureMemory => Ok(Event::Memory { memory: self.memory() }),
        }
    }

    /// Replaces the run; streams of the old one end.
    fn take_up(&mut self, run: Box<dyn Run>) -> Event {
        let summary = run.summary();
        self.run = Some(run);
        self.streams.clear();
        Event::Ready { summary }
    }

    fn run(&self) -> Result<&dyn Run, Failure> {
        self.run.as_deref().ok_or_else(no_run)
    }

    fn run_mut(&mut self) -> Result<&mut Box<dyn Run>, Failure> {
        self.run.as_mut().ok_or_else(no_run)
    }

    async fn pull(&mut self, stream: u32, n: usize) -> Result<Event, Failure> {
        let open = self.streams.get_mut(&stream).ok_or_else(|| {
            Failure::new(
                FailureKind::Protocol,
                format!("stream {stream} is not open"),
                "Start the text again.",
            )
        })?;
        let output = open.pull(n).await?;
        if output.done {
            self.streams.remove(&stream);
        }
        Ok(Event::Generated { stream, output })
    }

    /// Asks the model for every step's answer, and the rules what it is worth.
    async fn examine(
        &self,
        kind: &str,
        puzzle: Vec<u32>,
        depth: usize,
        top: usize,
    ) -> Result<Event, Failure> {
        let run = self.run()?;
        let kind = Kind::known(kind).map_err(unusable)?;
        let request =
            TraceRequest { tokens: vec![puzzle.clone()], depth, top, ..TraceRequest::default() };
        let trace = run.trace(&request).await?;
        let verdicts = trace.steps.iter().map(|step| kind.judge(&puzzle, &step.argmax[0]));
        let verdicts = verdicts.collect::<Result<_, _>>().map_err(unusable)?;
        Ok(Event::Examined { step: run.summary().step, trace, verdicts })
    }

    fn memory(&self) -> Memory {
        use wasm_bindgen::JsCast;

        let own: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
        let buffer: js_sys::ArrayBuffer = own.buffer().unchecked_into();
        Memory {
            wasm: buffer.byte_length() as usize,
            device: self.opened.device.memory_pool_usage().map(|usage| usage.bytes_reserved),
        }
    }

    /// Times training steps of `config` on what is made up for it. The first step, which
    /// compiles kernels and fills caches, is not counted.
    async fn probe(&self, config: RunConfig, steps: usize) -> Result<Event, Failure> {
        let material = made_up(&config)?;
        let tokens_per_step = config.train.batch_size * config.model.length();
        let mut config = config;
        config.train.max_iters = config.train.max_iters.max(steps + 1);
        let mut run = trm_train::create(&config, material, &self.opened.device)?;
        run.steps(1).await?;
        let start = now();
        let reports = run.steps(steps.max(1)).await?;
        let ms_per_step = (now() - start) / reports.len().max(1) as f64;
        Ok(Event::Probed { ms_per_step, tokens_per_step })
    }
}

/// Any task costs as much as any other.
const ARC_PROBE: &str = r#"{ "train": [{ "input": [[1]], "output": [[2]] }], "test": [{ "input": [[1]], "output": [[2]] }] }"#;

/// A text, or a few puzzles, of the size that `config` learns from.
fn made_up(config: &RunConfig) -> Result<Material, Failure> {
    if config.model.solves_puzzles() {
        let mut config = config.clone();
        config.data.num_puzzles = config.train.batch_size;
        config.data.num_val_puzzles = 1;
        let lessons = match config.data.dataset.as_str() {
            "arc" => Lessons::Tasks { name: "probe".into(), text: ARC_PROBE.into() },
            _ => Lessons::Puzzles,
        };
        return Material::new(&lessons, &config, None);
    }
    let length = 20 * (config.model.length() + 1);
    // As many characters as Tiny Shakespeare has, so that the head costs the same.
    let text: String = (0..length).map(|i| char::from(b' ' + (i * 7 % 65) as u8)).collect();
    Ok(Corpus::from_text("probe", &text, 0.1)?.into())
}

/// Of what was typed or drawn, not of what a run learns from.
pub fn unusable(error: PuzzleError) -> Failure {
    Failure { kind: FailureKind::Puzzle, ..error.into() }
}

fn no_puzzles() -> Failure {
    Failure::new(FailureKind::Room, "this room's module knows no puzzles", "Open the puzzle room.")
}

fn no_run() -> Failure {
    Failure::new(
        FailureKind::Protocol,
        "there is no model yet",
        "Start a run or load a checkpoint.",
    )
}

/// Milliseconds, from the worker's or the page's own clock.
fn now() -> f64 {
    use wasm_bindgen::JsCast;

    js_sys::Reflect::get(&js_sys::global(), &"performance".into())
        .ok()
        .and_then(|clock| clock.dyn_into::<web_sys::Performance>().ok())
        .map_or_else(js_sys::Date::now, |clock| clock.now())
}
