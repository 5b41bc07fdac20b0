//! `train`: plan, start or take up a run, train it, and say how to go on.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use trm_train::checkpoint;

use crate::args;
use crate::device::{self, Choice, Chosen};
use crate::interrupt::Interrupt;
use crate::metrics::Metrics;
use crate::plan::{self, Shown, Start};
use crate::run_dir::RunDir;
use crate::training::{End, Training};

pub fn run(typed: &args::Train) -> anyhow::Result<()> {
    let device = device::open(typed.device)?;
    let plan = plan::train(typed, &device)?;
    let mut training = prepare(&plan, &device)?;
    let interrupt = Interrupt::listen()?;
    match training.run(&interrupt)? {
        End::Finished => {
            let dir = training.dir();
            match training.best() {
                Some((loss, step)) => eprintln!(
                    "done; best validation loss {loss:.4} at step {step}, kept in {0}\n\
                     write text with: {1} generate {0}",
                    dir.best().display(),
                    program()
                ),
                None => eprintln!("done; the model is in {}", dir.last().display()),
            }
        }
        End::Stopped { step } => {
            eprintln!(
                "stopped at step {step}; go on with: {}",
                go_on(typed, training.dir().path())
            );
        }
    }
    Ok(())
}

/// Makes the run that was planned, shows the plan and opens the run's folder.
fn prepare(plan: &plan::Train, device: &Chosen) -> anyhow::Result<Training> {
    let (run, dir, before) = match &plan.start {
        Start::Fresh => {
            let corpus = plan.text.corpus(&plan.config, None)?;
            let run = trm_train::create(&plan.config, corpus, &device.device)?;
            (run, RunDir::create(&plan.out)?, Value::Null)
        }
        Start::Init { checkpoint } => {
            let bytes = checkpoint::restart(checkpoint, &plan.config)?;
            let run = plan.text.load(&bytes, None, &device.device)?;
            (run, RunDir::create(&plan.out)?, Value::Null)
        }
        Start::Resume { live } => {
            let (dir, last) = RunDir::open(&plan.out)?;
            let mut run = plan
                .text
                .load(&last.checkpoint, Some(&last.optimizer), &device.device)
                .with_context(|| dir.last().display().to_string())?;
            run.configure(live)?;
            (run, dir, checkpoint::read_header(&last.checkpoint)?.metrics)
        }
    };
    let summary = run.summary();
    eprintln!("{}", Shown { plan, summary: &summary, device });
    dir.save_config(&summary.config)?;
    let metrics = match plan.start {
        Start::Resume { .. } => Metrics::resume(dir.metrics(), summary.step)?,
        _ => Metrics::create(dir.metrics())?,
    };
    Ok(Training::new(run, summary, dir, metrics, &before))
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

/// How this program was started.
fn program() -> String {
    // Cargo names itself to what it runs.
    if std::env::var_os("CARGO").is_some() {
        return "cargo run --release -p trm-native --".into();
    }
    std::env::args().next().map_or_else(|| "trm-native".into(), |name| quoted(Path::new(&name)))
}

/// A path as a shell reads it back.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:\\".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted(Path::new("runs/tiny-2")), "runs/tiny-2");
        assert_eq!(quoted(Path::new("my runs/it's")), r"'my runs/it'\''s'");
    }
}
