//! Commands to calls, results to events.

use std::collections::BTreeMap;

use serde_json::Value;
use trm_data::{Dataset, TextDataset};
use trm_spec::{Command, DeviceInfo, Event, Failure, FailureKind, Memory, RunConfig, RunSummary};
use trm_train::checkpoint::{Header, read_header};
use trm_train::{Run, Sharing, TextStream, TraceRequest};

use crate::device::Opened;
use crate::exchange::{Exchange, Rank, not_connected};
#[cfg(feature = "images")]
use crate::images;
#[cfg(feature = "puzzles")]
use crate::puzzles;
#[cfg(feature = "questions")]
use crate::questions::{self, OpenBase};

/// Memory that a module of 32 bits can address, in bytes.
const MOST_MEMORY: u64 = 1 << 32;

/// A session's state: the device, the run if there is one, and the open streams.
pub struct SessionState {
    opened: Opened,
    #[cfg(feature = "questions")]
    base: OpenBase,
    run: Option<Box<dyn Run>>,
    streams: BTreeMap<u32, Box<dyn TextStream>>,
    next_stream: u32,
    /// Whether a step of the run is yet to be compared with the memory. A run that was trained
    /// elsewhere may be asked, also where it cannot be trained.
    unchecked: bool,
    /// The connection to the other sessions of a group.
    exchange: Option<Exchange>,
}

/// The answer to a command that cannot be read.
pub fn unreadable_command(error: &dyn std::fmt::Display) -> Event {
    Event::Failed {
        failure: Failure::new(
            FailureKind::Protocol,
            format!("the command could not be read: {error}"),
            "Reload the page; its files may come from different versions.",
        ),
    }
}

impl SessionState {
    pub fn new(opened: Opened) -> Self {
        Self {
            opened,
            #[cfg(feature = "questions")]
            base: OpenBase::default(),
            run: None,
            streams: BTreeMap::new(),
            next_stream: 0,
            unchecked: false,
            exchange: None,
        }
    }

    pub fn device(&self) -> &DeviceInfo {
        &self.opened.info
    }

    pub fn connect(&mut self, exchange: Exchange) {
        self.exchange = Some(exchange);
    }

    /// One event for one command, failures included.
    pub async fn answer(&mut self, command: Command) -> Event {
        match self.dispatch(command).await {
            Ok(event) => event,
            Err(failure) => Event::Failed { failure },
        }
    }

    async fn dispatch(&mut self, command: Command) -> Result<Event, Failure> {
        match command {
            Command::Create { config, data } => {
                // First what a setting alone makes impossible, which names it.
                config.validate_new()?;
                let data = trm_train::load_data(&data, &config, None)?;
                let vocab = match &data {
                    Dataset::Text(text) => text.vocab().size(),
                    _ => 0,
                };
                self.check_memory(&config, vocab)?;
                let run = trm_train::create(&config, data, &self.opened.device)?;
                Ok(self.replace(run))
            }
            Command::Load {
                checkpoint,
                optimizer,
                data,
                #[cfg(feature = "images")]
                base,
            } => {
                #[cfg(feature = "images")]
                let base = images::base_file(base.as_deref());
                #[cfg(not(feature = "images"))]
                let base = None;
                let data = match &data {
                    Some(source) => {
                        let Header { config, vocab, .. } = read_header(&checkpoint)?;
                        Some(trm_train::load_data(source, &config, Some(&vocab))?)
                    }
                    None => None,
                };
                let device = &self.opened.device;
                let run =
                    trm_train::load_on(&checkpoint, optimizer.as_deref(), data, base, device)?;
                Ok(self.replace(run))
            }
            Command::Attach { data } => {
                let run = self.run_mut()?;
                let RunSummary { config, vocab, .. } = run.summary();
                run.attach(trm_train::load_data(&data, &config, Some(&vocab))?)?;
                run.set_sharing(Sharing::Alone { parts: 1 })?;
                Ok(Event::Ready { summary: run.summary() })
            }
            Command::Join { rank, size, parts } => self.join(rank, size, parts),
            Command::Step { n } => {
                if self.unchecked {
                    let RunSummary { config, vocab, .. } = self.run()?.summary();
                    self.check_memory(&config, vocab.size())?;
                    self.unchecked = false;
                }
                let run = self.run_mut()?;
                let reports = run.steps(n).await?;
                // So that this session can save, and continue alone, at any time. If another one
                // stopped, the next step fails.
                let _ = run.gather_carry().await;
                Ok(Event::Stepped { reports })
            }
            Command::Evaluate { depths, max_tokens } => {
                let run = self.run()?;
                let step = run.summary().step;
                Ok(Event::Evaluated { step, depths: run.evaluate(&depths, max_tokens).await? })
            }
            Command::Generate { options } => {
                let stream = self.run()?.writer()?.generate(&options)?;
                Ok(Event::Generating { stream: self.begin(stream) })
            }
            Command::Pull { stream, n, trace } => self.pull(stream, n, trace).await,
            Command::Close { stream } => {
                self.streams.remove(&stream);
                Ok(Event::Closed { stream })
            }
            Command::Trace { prompt, depth, top, attention } => {
                let run = self.run()?;
                let tokens = vec![run.writer()?.encode(&prompt)?];
                let request =
                    TraceRequest { tokens, depth, top, attention, ..TraceRequest::default() };
                let trace = run.trace(&request).await?;
                Ok(Event::Traced { step: run.summary().step, trace })
            }
            Command::Draft { prompt, depth, top } => {
                let run = self.run()?;
                let tokens = vec![run.writer()?.encode(&prompt)?];
                let request = TraceRequest { tokens, depth, top, ..TraceRequest::default() };
                let draft = run.writer()?.draft(&request).await?;
                Ok(Event::Drafted { step: run.summary().step, draft })
            }
            #[cfg(feature = "puzzles")]
            Command::CheckPuzzle { kind, input } => puzzles::check(&kind, &input),
            #[cfg(feature = "puzzles")]
            Command::SolvePuzzle { kind, puzzle, steps, top, copy } => {
                puzzles::solve(self.run()?, &kind, puzzle, (steps, top), copy).await
            }
            #[cfg(feature = "puzzles")]
            Command::ReadTasks { name, text } => puzzles::read_tasks(&name, &text),
            #[cfg(feature = "puzzles")]
            Command::PredictArc { task, test, augmentation, steps } => {
                puzzles::predict(self.run()?, &task, test, augmentation, steps).await
            }
            #[cfg(feature = "puzzles")]
            Command::Vote { predictions } => puzzles::vote(&predictions),
            #[cfg(feature = "puzzles")]
            Command::EvaluatePuzzles { steps, puzzles } => {
                let run = self.run()?;
                let step = run.summary().step;
                Ok(Event::PuzzlesEvaluated {
                    step,
                    scores: run.solver()?.evaluate_puzzles(steps, puzzles, &mut |_, _| ()).await?,
                })
            }
            #[cfg(feature = "images")]
            Command::Classify { input, inner_steps, outer_steps } => {
                images::classify(self.run()?, &input, inner_steps, outer_steps).await
            }
            #[cfg(feature = "images")]
            Command::EvaluateImages { split, images: count, inner_steps, outer_steps } => {
                let scoring =
                    trm_train::ImageScoring { split, images: count, inner_steps, outer_steps };
                images::evaluate(self.run()?, &scoring).await
            }
            #[cfg(feature = "images")]
            Command::ShowImages { split, indexes } => images::show(self.run()?, split, &indexes),
            #[cfg(feature = "questions")]
            Command::OpenBase { name, bytes } => {
                // What stands on the base before holds its weights.
                self.run = None;
                self.streams.clear();
                self.base.open(&name, &bytes, &self.opened)
            }
            #[cfg(feature = "questions")]
            Command::Chat { options } => {
                let stream = self.base.chat(&options)?;
                Ok(Event::Generating { stream: self.begin(stream) })
            }
            #[cfg(feature = "questions")]
            Command::LoadOnBase { checkpoint } => {
                let run = self.base.load(&checkpoint, &self.opened).await?;
                Ok(self.replace(run))
            }
            #[cfg(feature = "questions")]
            Command::Ask { question, depths, top, max_new_tokens } => {
                let request = trm_train::ConsiderRequest { question, depths, top, max_new_tokens };
                let (considered, answers) = questions::ask(self.run()?, &request).await?;
                let step = self.run()?.summary().step;
                let streams = answers.into_iter().map(|answer| self.begin(answer)).collect();
                Ok(Event::Considered { step, considered, streams })
            }
            Command::Configure { config } => {
                config.validate()?;
                self.check_memory(&config, self.run()?.summary().vocab.size())?;
                let run = self.run_mut()?;
                // The group and the parts were chosen for the previous settings.
                run.set_sharing(Sharing::Alone { parts: 1 })?;
                run.configure(&config)?;
                Ok(Event::Ready { summary: run.summary() })
            }
            Command::Save => Ok(Event::Saved { saved: self.run()?.save(Value::Null).await? }),
            Command::Export => {
                Ok(Event::Exported { checkpoint: self.run()?.export(Value::Null).await? })
            }
            Command::Benchmark { config, steps } => self.benchmark(config, steps).await,
            Command::MeasureMemory => Ok(Event::Memory { memory: self.memory() }),
        }
    }

    /// Checks that a step of a run of `config`, with `vocab` tokens, fits into the module; on a
    /// GPU, that its largest tensor does.
    ///
    /// # Errors
    /// If it does not.
    fn check_memory(&self, config: &RunConfig, vocab: usize) -> Result<(), Failure> {
        match self.opened.largest_buffer {
            None => trm_train::check_memory(config, vocab, 1, MOST_MEMORY),
            Some(buffer) => trm_train::check_buffer(config, vocab, buffer),
        }
    }

    /// Keeps a stream to be pulled; its number.
    fn begin(&mut self, stream: Box<dyn TextStream>) -> u32 {
        self.next_stream += 1;
        self.streams.insert(self.next_stream, stream);
        self.next_stream
    }

    /// Joins a group, or leaves it (`size` 1).
    fn join(&mut self, rank: usize, size: usize, parts: usize) -> Result<Event, Failure> {
        let sharing = match (size, &self.exchange) {
            (..=1, _) => Sharing::Alone { parts },
            (_, None) => return Err(not_connected()),
            (_, Some(exchange)) => {
                let ranks = Box::new(Rank { rank, size, exchange: exchange.clone() });
                Sharing::Group { ranks, parts }
            }
        };
        let run = self.run_mut()?;
        run.set_sharing(sharing)?;
        Ok(Event::Ready { summary: run.summary() })
    }

    /// Replaces the run; streams of the old one end.
    fn replace(&mut self, run: Box<dyn Run>) -> Event {
        let summary = run.summary();
        self.run = Some(run);
        self.unchecked = true;
        self.streams.clear();
        Event::Ready { summary }
    }

    fn run(&self) -> Result<&dyn Run, Failure> {
        self.run.as_deref().ok_or_else(no_run)
    }

    fn run_mut(&mut self) -> Result<&mut Box<dyn Run>, Failure> {
        self.run.as_mut().ok_or_else(no_run)
    }

    async fn pull(&mut self, stream: u32, n: usize, trace: bool) -> Result<Event, Failure> {
        let open = self.streams.get_mut(&stream).ok_or_else(|| {
            Failure::new(
                FailureKind::Protocol,
                format!("stream {stream} is not open"),
                "Start the generation again.",
            )
        })?;
        let output = open.pull(n, trace).await?;
        if output.done {
            self.streams.remove(&stream);
        }
        Ok(Event::Generated { stream, output })
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

    /// Times training steps of `config` on generated data. The first step, which
    /// compiles kernels and fills caches, is not counted.
    async fn benchmark(&self, config: RunConfig, steps: usize) -> Result<Event, Failure> {
        let data = generated(&config)?;
        let tokens_per_step = config.tokens_per_step();
        let mut config = config;
        config.train.max_iters = config.train.max_iters.max(steps + 1);
        let mut run = trm_train::create(&config, data, &self.opened.device)?;
        run.steps(1).await?;
        let start = now();
        let reports = run.steps(steps.max(1)).await?;
        let ms_per_step = (now() - start) / reports.len().max(1) as f64;
        Ok(Event::Benchmarked { ms_per_step, tokens_per_step })
    }
}

/// A text, or a few puzzles or images, of the size that `config` is trained on.
fn generated(config: &RunConfig) -> Result<Dataset, Failure> {
    match config.model.family() {
        #[cfg(feature = "puzzles")]
        trm_spec::Family::Puzzles => return puzzles::generated(config),
        #[cfg(feature = "images")]
        trm_spec::Family::Images => return images::generated(config),
        _ => {}
    }
    let length = 20 * (config.model.length() + 1);
    // As many characters as Tiny Shakespeare has, so that the head costs the same.
    let text: String = (0..length).map(|i| char::from(b' ' + (i * 7 % 65) as u8)).collect();
    Ok(TextDataset::from_text("benchmark", &text, 0.1)?.into())
}

fn no_run() -> Failure {
    Failure::new(FailureKind::Protocol, "no model is loaded", "Start a run or load a checkpoint.")
}

/// Milliseconds, from the worker's or the page's own clock.
fn now() -> f64 {
    use wasm_bindgen::JsCast;

    js_sys::Reflect::get(&js_sys::global(), &"performance".into())
        .ok()
        .and_then(|clock| clock.dyn_into::<web_sys::Performance>().ok())
        .map_or_else(js_sys::Date::now, |clock| clock.now())
}
