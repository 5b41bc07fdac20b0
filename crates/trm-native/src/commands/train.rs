//! `train`: plans, starts or resumes a run, trains it, and prints how to continue.

use std::path::Path;
use std::time::Duration;

use trm_data::Dataset;
use trm_spec::{Failure, FailureKind, Family, RunConfig, RunSummary, Vocab};
use trm_train::{Run, check_ranks, checkpoint};

use crate::args;
use crate::inputs::dataset;
use crate::inputs::features;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::{self, DeviceChoice, OpenDevice};
use crate::machine::interrupt::{self, Interrupt};
use crate::machine::memory;
use crate::plan::{self, Shown, Start};
use crate::ranks::replicas::{self, Replica};
use crate::run_dir::RunDir;
use crate::run_dir::metrics_log::MetricsLog;
use crate::run_dir::own_data::{OwnData, not_its_own};
use crate::terminal::count::counted;
use crate::terminal::progress::clock;
use crate::terminal::report::{about_checkpoint, say};
use crate::terminal::shell::{program, quoted};
use crate::training::run_metrics::RunMetrics;
use crate::training::stop::{StopConditions, StopReason};
use crate::training::trainer::{Trainer, TrainingEnd};

/// Runs the command in this process alone.
///
/// # Errors
/// If the plan is refused, the loss diverges or a file cannot be written.
pub fn run(typed: &args::Train) -> anyhow::Result<()> {
    let stop = StopConditions::new(Interrupt::listen()?, typed.max_time);
    interrupt::prepares();
    let devices = match &typed.devices {
        Some(list) => device::open_all(list)?,
        None => vec![device::open(typed.device)?],
    };
    let plan = plan::train(typed, &devices[0])?;
    let mut trainer = prepare(&plan, &devices)?;
    train(typed, &plan, &mut trainer, &stop)
}

/// Trains to the end of the plan or until `stop` says otherwise, and prints how it ended.
///
/// # Errors
/// If the loss diverges or a file cannot be written.
pub fn train(
    typed: &args::Train,
    plan: &plan::Train,
    trainer: &mut Trainer,
    stop: &StopConditions,
) -> anyhow::Result<()> {
    let (step, last) = (trainer.step(), plan.config.train.max_iters);
    if step >= last {
        say!(
            "the run is at step {step} and max_iters is {last}: no step is left; a higher --max-iters trains on"
        );
    }
    let end = trainer.run(stop).map_err(|error| with_hint(error, typed, plan))?;
    let continuation = continue_command(typed, plan, trainer.dir().path());
    match end {
        TrainingEnd::Finished => say!("done; {}", result(typed, plan, trainer)),
        TrainingEnd::EarlyStopped => say!(
            "stopped early at step {}: {} in a row without a new best\n{}\n\
             continue with a higher --early-stopping-patience: {continuation}",
            trainer.step(),
            counted(plan.config.train.early_stopping_patience, "validations"),
            result(typed, plan, trainer),
        ),
        TrainingEnd::Stopped(reason) => {
            let reason = match reason {
                StopReason::Interrupted => "interrupted".into(),
                StopReason::TimeLimit => {
                    let limit = typed.max_time.unwrap_or(Duration::ZERO);
                    format!("time limit of {} reached", clock(limit))
                }
            };
            say!("stopped at step {}: {reason}\ncontinue with: {continuation}", trainer.step());
        }
    }
    Ok(())
}

/// Where the best model is, and the command that uses it.
fn result(typed: &args::Train, plan: &plan::Train, trainer: &Trainer) -> String {
    let dir = trainer.dir();
    let Some((loss, step)) = trainer.best() else {
        let file = if dir.best().exists() { dir.best() } else { dir.last() };
        return format!("the model is in {}", file.display());
    };
    let folder = quoted(dir.path());
    let base = flag("--base", plan.base.as_ref().map(BaseOnDisk::path));
    let usage = match plan.config.model.family() {
        Family::Language => format!("generate text with: {} generate {folder}", program()),
        Family::Puzzles => format!("solve puzzles with: {} solve {folder} PUZZLES", program()),
        Family::Images => {
            format!("evaluate on the test images with: {} eval {folder} --split test", program())
                + &flag("--data", typed.data.as_deref())
                + &base
        }
        Family::Questions => {
            format!("ask it with: {} ask {folder} QUESTION{base}", program())
        }
    };
    format!(
        "best validation loss {loss:.4} at step {step}, saved in {}\n{usage}",
        dir.best().display()
    )
}

/// Makes the planned run on the first of `devices`, with a copy on each of the others,
/// prints the plan and opens the run's folder.
///
/// # Errors
/// If the data or a file does not fit the plan, or cannot be read or written.
pub fn prepare(plan: &plan::Train, devices: &[OpenDevice]) -> anyhow::Result<Trainer> {
    interrupt::prepares();
    check_ranks(&plan.config, devices.len(), 1)?;
    prepare_shared(plan, devices, 1, |run| on_all(run, plan, devices))
}

/// As [`prepare`], for one of `processes`; `share` joins the run with its other ranks.
///
/// # Errors
/// As of `prepare`, and those of `share`.
pub fn prepare_shared(
    plan: &plan::Train,
    devices: &[OpenDevice],
    processes: usize,
    share: impl FnOnce(Box<dyn Run>) -> anyhow::Result<Box<dyn Run>>,
) -> anyhow::Result<Trainer> {
    let device = &devices[0];
    let base = plan.base.as_ref();
    if !matches!(plan.start, Start::Resume) {
        // Data and features take long; the folder is known.
        RunDir::check(&plan.out, &plan.inputs)?;
    }
    let (run, resumed) = match &plan.start {
        Start::Fresh => {
            dataset::say_generated(&plan.data, &plan.config);
            let data = dataset::load(&plan.data, &plan.config, None)?;
            dataset::say_left_out(&data);
            dataset::say_unused(&data);
            if let Some(note) = plan::of_data(plan, &data) {
                say!("{note}");
            }
            let sized = trm_train::sized_for(&plan.config, &data)?;
            if let Dataset::Text(text) = &data {
                memory::check(&sized, text.vocab(), devices)?;
            } else {
                memory::check(&sized, &Vocab::Plain { size: 0 }, devices)?;
            }
            let data = features::cached(data, &plan.config, base, device)?;
            let base = base.map(BaseOnDisk::file);
            let run = trm_train::create_on(&plan.config, data, base, &device.device)?;
            (run, None)
        }
        Start::Init { checkpoint } => {
            let header = checkpoint::read_header(checkpoint)?;
            memory::check(&plan.config, &header.vocab, devices)?;
            let bytes = checkpoint::restart(checkpoint, &plan.config)?;
            dataset::say_generated(&plan.data, &plan.config);
            let run = dataset::init_run(&plan.data, &bytes, base, device)?;
            (run, None)
        }
        Start::Resume => {
            let (dir, last) = RunDir::open(&plan.out)?;
            let given = OwnData::of(&plan.data, &plan.config)?;
            match OwnData::read(dir.path())? {
                Some(own) => own.expect(given.as_ref())?,
                None => generated_as_before(given.as_ref(), &plan.config)?,
            }
            let load = || {
                let header = checkpoint::read_header(&last.checkpoint)?;
                memory::check(&plan.config, &header.vocab, devices)?;
                let metrics = RunMetrics::read(&header.metrics);
                let bytes = checkpoint::with_config(&last.checkpoint, &plan.config)?;
                dataset::say_generated(&plan.data, &plan.config);
                let run =
                    dataset::load_run(&plan.data, &bytes, Some(&last.optimizer), base, device)?;
                anyhow::Ok((run, metrics))
            };
            let (run, metrics) = load().map_err(|error| about_checkpoint(error, &dir.last()))?;
            (run, Some((dir, metrics)))
        }
    };
    let summary = run.summary();
    let run = share(run)?;
    interrupt::begins();
    let (dir, resumed) = match resumed {
        Some((dir, metrics)) => (dir, Some(metrics)),
        None => {
            let dir = RunDir::create(&plan.out, &plan.inputs)?;
            match OwnData::of(&plan.data, &plan.config)? {
                Some(own) => own.write(dir.path())?,
                None => OwnData::remove(dir.path())?,
            }
            (dir, None)
        }
    };
    say!("{}", Shown { plan, summary: &summary, devices, processes });
    dir.save_config(&summary.config)?;
    let log = match plan.start {
        Start::Resume => MetricsLog::resume(&dir, summary.step)?,
        _ => MetricsLog::create(&dir)?,
    };
    Ok(Trainer::new(run, summary, plan.data.title(), dir, log, resumed))
}

/// Refuses the user's file in a run that says nothing of one, and whose data come with the
/// program.
fn generated_as_before(given: Option<&OwnData>, config: &RunConfig) -> anyhow::Result<()> {
    match given {
        Some(given) if dataset::open(config, None, false).is_ok() => {
            Err(not_its_own(given.name(), &config.data.dataset))
        }
        _ => Ok(()),
    }
}

/// `run` together with its copies on all devices but the first.
fn on_all(
    run: Box<dyn Run>,
    plan: &plan::Train,
    devices: &[OpenDevice],
) -> anyhow::Result<Box<dyn Run>> {
    if devices.len() == 1 {
        return Ok(run);
    }
    let RunSummary { config, vocab, .. } = run.summary();
    let base = plan.base.as_ref();
    let data = dataset::load(&plan.data, &config, Some(&vocab))?;
    let data = features::cached(data, &config, base, &devices[0])?;
    let others = devices[1..]
        .iter()
        .map(|device| Replica { device: device.device.clone(), data: data.clone() })
        .collect();
    Ok(Box::new(replicas::share(run, others, base)?))
}

/// ` --name PATH`, where there is a path.
fn flag(name: &str, path: Option<&Path>) -> String {
    path.map_or_else(String::new, |path| format!(" {name} {}", quoted(path)))
}

/// The command that continues the run in `folder`.
fn continue_command(typed: &args::Train, plan: &plan::Train, folder: &Path) -> String {
    let mut command = format!("{} train --resume {}", program(), quoted(folder));
    command += &flag("--data", typed.data.as_deref());
    if typed.as_text {
        command += " --as-text";
    }
    command += &flag("--base", plan.base.as_ref().map(BaseOnDisk::path));
    if let Some(devices) = &typed.devices {
        command += &format!(" --devices {devices}");
    }
    if typed.device != DeviceChoice::Auto {
        command += &format!(" --device {}", typed.device);
    }
    command
}

/// Replaces the hint of a divergence by one that names the run and its settings.
fn with_hint(mut error: anyhow::Error, typed: &args::Train, plan: &plan::Train) -> anyhow::Error {
    if let Some(failure) = error.downcast_mut::<Failure>()
        && failure.kind == FailureKind::Diverged
    {
        let train = &plan.config.train;
        let clipping = if train.grad_clip > 0.0 { "" } else { ", or with --grad-clip 1" };
        failure.hint = format!(
            "Continue from the saved step with a lower learning_rate ({} --learning-rate {}), or start \
             a new run with a lower learning_rate or a higher --warmup-iters{clipping}.",
            continue_command(typed, plan, &plan.out),
            train.learning_rate / 4.0,
        );
    }
    error
}
