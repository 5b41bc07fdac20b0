//! `sweep`: trains a language model at several depths, with equal settings and with
//! equal compute; or any model with several values of some settings. Runs that are complete or
//! diverged are not trained again.

mod diverged;
mod vary;
mod whole_split;

use std::path::{Path, PathBuf};

use anyhow::Context;
use pollster::block_on;
use serde_json::json;
use trm_spec::{Failure, Family, RunConfig};

use self::diverged::{Diverged, RunEnd};
use self::whole_split::expect_held_out;
use super::train::prepare;
use crate::args;
use crate::inputs::dataset;
use crate::machine::device::{self, OpenDevice};
use crate::machine::interrupt::{self, Interrupt};
use crate::plan::{self, Start};
use crate::ranks::launch;
use crate::run_dir::metrics_log;
use crate::run_dir::names::CONFIG;
use crate::run_dir::{self, RunDir, SweepDir};
use crate::sweep::outcome::{Outcome, Row, Table, rows};
use crate::sweep::{Equal, SweepPlan, SweepRun, chart};
use crate::terminal::count::{counted, thousands};
use crate::terminal::output::{print, print_json};
use crate::terminal::report::{say, usage};
use crate::terminal::shell::{program, quoted};
use crate::training::stop::StopConditions;

/// Runs the command.
///
/// # Errors
/// If the plan is refused or a file cannot be written.
pub fn run(typed: &args::Sweep) -> anyhow::Result<()> {
    launch::expect_one_process("sweep")?;
    let compute = typed.equal.is_some_and(|equal| equal.contains(&Equal::Compute));
    if !typed.vary.is_empty() && compute {
        return Err(usage!(
            "--equal compute and --equal both are for sweeps of the recursion depth (--recursion-steps); all runs of --vary make as many steps as their settings say, so leave it out"
        ));
    }
    let stop = StopConditions::new(Interrupt::listen()?, typed.train.max_time);
    interrupt::prepares();
    let device = device::open(typed.train.device)?;
    let base = plan::base(&typed.train, &device)?;
    if !typed.vary.is_empty() {
        let out = folder(typed, &base.name);
        return vary::run(typed, base, &out, &stop, &device);
    }
    let (is, step) = match base.config.model.family() {
        Family::Language => ("", ""),
        Family::Puzzles => ("a puzzle model", "supervision step"),
        Family::Images => ("an image classifier", "outer step"),
        Family::Questions => ("a question model", "supervision step"),
    };
    if !is.is_empty() {
        return Err(usage!(
            "a sweep over depths compares language models; {} describes {is}, whose `eval` shows every {step}; to compare settings, use --vary",
            base.origin
        ));
    }
    expect_held_out(&base.config)?;
    let text = base.data.text(&base.config, None).map_err(Failure::from)?;
    let vocab_size = text.vocab().size();
    let seeds = match &typed.seeds[..] {
        [] => vec![base.config.train.seed],
        seeds => seeds.to_vec(),
    };
    let equal = typed.equal.unwrap_or(&BOTH);
    let plan = SweepPlan::new(&base.config, &typed.depths, &seeds, equal, vocab_size)?;
    let out = folder(typed, &base.name);
    let _taken = SweepDir::take(&out)?;
    let sweep = Sweep { typed, plan, out: &out, device: &device, vocab_size };
    let mut outcomes = sweep.outcomes()?;
    let mut diverged = sweep.diverged()?;
    let count = sweep.plan.runs.len();
    say!(
        "{} at depths {:?} with seeds {seeds:?}, settings of {}; {} finished before{}; output {}",
        counted(count, "runs"),
        typed.depths,
        base.origin,
        outcomes.iter().flatten().count(),
        diverged::noted(diverged.iter().flatten().count()),
        out.display()
    );
    for (number, run) in sweep.plan.runs.iter().enumerate() {
        if outcomes[number].is_some() || diverged[number].is_some() {
            continue;
        }
        say!("run {} of {count}: {}", number + 1, run.name());
        let end = sweep.train(run, &stop)?;
        let stopped = matches!(end, RunEnd::Stopped);
        match end {
            RunEnd::Complete(outcome) => outcomes[number] = Some(outcome),
            RunEnd::Stopped => {}
            RunEnd::Diverged(found) => diverged[number] = Some(found),
        }
        sweep.write(&rows(&sweep.plan, &outcomes), &diverged)?;
        if stopped {
            say!(
                "stopped in run {} of {count}\ncontinue with: {}",
                number + 1,
                sweep.continue_command()
            );
            return Ok(());
        }
    }
    let rows = rows(&sweep.plan, &outcomes);
    let document = sweep.write(&rows, &diverged)?;
    say!("done; table in {0}/sweep.json, chart in {0}/sweep.svg", out.display());
    if typed.json {
        return print_json(&document);
    }
    print(&Table(&rows).to_string())?;
    for (run, found) in sweep.plan.runs.iter().zip(&diverged) {
        if let Some(Diverged { message }) = found {
            let SweepRun { depth, seed, config } = run;
            let steps = config.train.max_iters;
            let steps = counted(steps, "steps");
            print(&format!("diverged: depth {depth}, seed {seed}, {steps}: {message}"))?;
        }
    }
    Ok(())
}

/// The comparisons of depths, unless one is asked for.
const BOTH: [Equal; 2] = [Equal::Settings, Equal::Compute];

/// The folder of the sweep.
fn folder(typed: &args::Sweep, name: &str) -> PathBuf {
    let default = || Path::new("runs").join(format!("sweep-{name}"));
    typed.train.out.clone().unwrap_or_else(default)
}

struct Sweep<'a> {
    typed: &'a args::Sweep,
    plan: SweepPlan,
    out: &'a Path,
    device: &'a OpenDevice,
    vocab_size: usize,
}

impl Sweep<'_> {
    /// The results of the runs that are complete, one entry per run.
    fn outcomes(&self) -> anyhow::Result<Vec<Option<Outcome>>> {
        let of = |run: &SweepRun| {
            let folder = self.out.join(run.name());
            let config = folder.join(CONFIG);
            if config.exists() && plan::config_file(&RunConfig::default(), &config)? != run.config {
                return Err(usage!(
                    "{} belongs to a sweep with other settings; choose another --out",
                    folder.display()
                ));
            }
            Outcome::read(&folder)
        };
        self.plan.runs.iter().map(of).collect()
    }

    /// The runs that are known to diverge, one entry per run.
    fn diverged(&self) -> anyhow::Result<Vec<Option<Diverged>>> {
        self.plan.runs.iter().map(|run| Diverged::read(&self.out.join(run.name()))).collect()
    }

    /// Trains a run and evaluates it, if it is complete.
    fn train(&self, run: &SweepRun, stop: &StopConditions) -> anyhow::Result<RunEnd<Outcome>> {
        let folder = self.out.join(run.name());
        let begun = run_dir::last_in(&folder).exists();
        let data =
            dataset::open(&run.config, self.typed.train.data.as_deref(), self.typed.train.as_text)?;
        let plan = plan::Train {
            start: if begun { Start::Resume } else { Start::Fresh },
            origin: if begun {
                "the last saved step".into()
            } else {
                "settings of the sweep".into()
            },
            config: run.config.clone(),
            data,
            base: None,
            out: folder,
            inputs: Vec::new(),
            notes: Vec::new(),
        };
        let mut trainer = prepare(&plan, std::slice::from_ref(self.device))?;
        match RunEnd::of(trainer.run(stop), trainer.dir().path())? {
            RunEnd::Complete(()) => {}
            RunEnd::Stopped => return Ok(RunEnd::Stopped),
            RunEnd::Diverged(diverged) => return Ok(RunEnd::Diverged(diverged)),
        }
        let outcome = self.evaluate(&plan, trainer.dir(), trainer.step())?;
        outcome.write(trainer.dir().path())?;
        say!("best checkpoint: loss {:.4} over the whole validation split\n", outcome.loss);
        Ok(RunEnd::Complete(outcome))
    }

    /// The loss of the best checkpoint, and the cost of the run.
    fn evaluate(&self, plan: &plan::Train, dir: &RunDir, steps: usize) -> anyhow::Result<Outcome> {
        let best = dir.best();
        let bytes = run_dir::read(&best)?;
        let run = dataset::load_run(&plan.data, &bytes, None, None, self.device)
            .with_context(|| best.display().to_string())?;
        let losses = block_on(run.evaluate(&[plan.config.model.depth()], 0))?;
        let flops_per_token = plan.config.training_flops_per_token(self.vocab_size);
        Ok(Outcome {
            loss: losses.first().context("the evaluation returned no loss")?.loss,
            steps,
            parameters: run.summary().parameters,
            flops_per_token,
            training_flops: flops_per_token * (steps * plan.config.tokens_per_step()) as f64,
            seconds: metrics_log::seconds(&run_dir::read(&dir.metrics())?),
        })
    }

    /// Writes the table and the chart of the runs that are complete, and which ones diverged.
    fn write(
        &self,
        rows: &[Row],
        diverged: &[Option<Diverged>],
    ) -> anyhow::Result<serde_json::Value> {
        let diverged = self.plan.runs.iter().zip(diverged).filter_map(|(run, diverged)| {
            let SweepRun { depth, seed, config } = run;
            let (steps, message) = (config.train.max_iters, &diverged.as_ref()?.message);
            Some(json!({ "depth": depth, "seed": seed, "steps": steps, "message": message }))
        });
        let diverged: Vec<_> = diverged.collect();
        let first = &self.plan.runs[0].config;
        let document = json!({
            "dataset": first.data.dataset,
            "device": self.device.name,
            "tokens_per_step": first.tokens_per_step(),
            "rows": rows,
            "diverged": diverged,
        });
        run_dir::write(
            &self.out.join("sweep.json"),
            serde_json::to_string_pretty(&document)?.as_bytes(),
        )?;
        let title = format!(
            "{}, {} parameters: loss by depth",
            first.data.dataset,
            rows.first().map_or("–".into(), |row| thousands(row.parameters as u64))
        );
        run_dir::write(&self.out.join("sweep.svg"), chart::svg(&title, rows).as_bytes())?;
        Ok(document)
    }

    /// The command that was typed, with the folder of the sweep.
    fn continue_command(&self) -> String {
        let mut command = program();
        for argument in std::env::args_os().skip(1) {
            command += &format!(" {}", quoted(Path::new(&argument)));
        }
        if self.typed.train.out.is_none() {
            command += &format!(" --out {}", quoted(self.out));
        }
        command
    }
}
