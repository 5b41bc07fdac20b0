//! `train`: plan, start or take up a run, train it, and say how to go on.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use trm_spec::{Failure, FailureKind, Family};
use trm_train::checkpoint;

use crate::args;
use crate::device::{self, Choice, Chosen};
use crate::facts::Facts;
use crate::interrupt::Interrupt;
use crate::limits::{Limits, Reason};
use crate::metrics::Metrics;
use crate::plan::{self, Shown, Start};
use crate::program::{program, quoted};
use crate::progress::clock;
use crate::report::say;
use crate::run_dir::RunDir;
use crate::training::{End, Training};

pub fn run(typed: &args::Train) -> anyhow::Result<()> {
    let limits = Limits::new(Interrupt::listen()?, typed.max_time);
    let device = device::open(typed.device)?;
    let plan = plan::train(typed, &device)?;
    let mut training = prepare(&plan, &device)?;
    let end = training.run(&limits).map_err(|error| advised(error, typed, &plan))?;
    let dir = training.dir();
    let words = if plan.config.model.family() == Family::Puzzles {
        ("solve puzzles", "solve", " PUZZLES")
    } else {
        ("write text", "generate", "")
    };
    let kept = match training.best() {
        Some((loss, step)) => format!(
            "best validation loss {loss:.4} at step {step}, kept in {0}\n\
             {1} with: {2} {3} {0}{4}",
            dir.best().display(),
            words.0,
            program(),
            words.1,
            words.2
        ),
        None => format!("the model is in {}", dir.last().display()),
    };
    match end {
        End::Finished => say!("done; {kept}"),
        End::OutOfPatience => say!(
            "stopped early at step {}: {} validations in a row without a new best \
             (a higher --early-stopping-patience goes on: {})\n{kept}",
            training.step(),
            plan.config.train.early_stopping_patience,
            go_on(typed, dir.path()),
        ),
        End::Stopped(reason) => say!(
            "stopped at step {}{}; go on with: {}",
            training.step(),
            match reason {
                Reason::Asked => String::new(),
                Reason::TimeUp =>
                    format!(", for its {} are up", clock(typed.max_time.unwrap_or(Duration::ZERO))),
            },
            go_on(typed, dir.path())
        ),
    }
    Ok(())
}

/// Makes the run that was planned, shows the plan and opens the run's folder.
pub fn prepare(plan: &plan::Train, device: &Chosen) -> anyhow::Result<Training> {
    let (run, dir, before) = match &plan.start {
        Start::Fresh => {
            let material = plan.text.material(&plan.config, None)?;
            let run = trm_train::create(&plan.config, material, &device.device)?;
            (run, RunDir::create(&plan.out)?, None)
        }
        Start::Init { checkpoint } => {
            let bytes = checkpoint::restart(checkpoint, &plan.config)?;
            let run = plan.text.load(&bytes, None, &device.device)?;
            (run, RunDir::create(&plan.out)?, None)
        }
        Start::Resume => {
            let (dir, last) = RunDir::open(&plan.out)?;
            let resumed = || {
                let before = Facts::read(&checkpoint::read_header(&last.checkpoint)?.metrics);
                let bytes = checkpoint::with_config(&last.checkpoint, &plan.config)?;
                let run = plan.text.load(&bytes, Some(&last.optimizer), &device.device)?;
                anyhow::Ok((run, before))
            };
            let (run, before) = resumed().with_context(|| dir.last().display().to_string())?;
            (run, dir, Some(before))
        }
    };
    let summary = run.summary();
    say!("{}", Shown { plan, summary: &summary, device });
    dir.save_config(&summary.config)?;
    let metrics = match plan.start {
        Start::Resume => Metrics::resume(&dir, summary.step)?,
        _ => Metrics::create(&dir)?,
    };
    Ok(Training::new(run, summary, plan.text.title(), dir, metrics, before))
}

/// The command that takes up the run in `folder`.
fn go_on(typed: &args::Train, folder: &Path) -> String {
    let mut command = format!("{} train --resume {}", program(), quoted(folder));
    if let Some(path) = &typed.data {
        command += &format!(" --data {}", quoted(path));
    }
    if typed.device != Choice::Auto {
        command += &format!(" --device {}", typed.device);
    }
    command
}

/// Says what to try where the loss stopped being a number.
fn advised(mut error: anyhow::Error, typed: &args::Train, plan: &plan::Train) -> anyhow::Error {
    if let Some(failure) = error.downcast_mut::<Failure>()
        && failure.kind == FailureKind::Diverged
    {
        let train = &plan.config.train;
        let clipping = if train.grad_clip > 0.0 { "" } else { "; --grad-clip 1 helps too" };
        failure.hint = format!(
            "Go on from there with a lower learning_rate ({} --learning-rate {}), or start again \
             with a lower one or more --warmup-iters{clipping}.",
            go_on(typed, &plan.out),
            train.learning_rate / 4.0,
        );
    }
    error
}
