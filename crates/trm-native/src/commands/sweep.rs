//! `sweep`: the same model at several depths, under equal settings and under
//! equal compute; what is finished is not trained again.

use std::path::Path;

use anyhow::Context;
use pollster::block_on;
use serde_json::json;
use trm_spec::{Family, RunConfig};

use super::train::prepare;
use super::{print, print_json};
use crate::args;
use crate::device::{self, Chosen};
use crate::interrupt::Interrupt;
use crate::limits::Limits;
use crate::metrics;
use crate::plan::{self, Start, Text};
use crate::program::{program, quoted};
use crate::progress::thousands;
use crate::report::{say, usage};
use crate::run_dir::{self, RunDir};
use crate::sweep::outcome::{Outcome, Row, Table, rows};
use crate::sweep::{Member, Plan, picture};
use crate::training::End;

pub fn run(typed: &args::Sweep) -> anyhow::Result<()> {
    let limits = Limits::new(Interrupt::listen()?, typed.train.max_time);
    let device = device::open(typed.train.device)?;
    let base = plan::base(&typed.train, &device)?;
    if base.config.model.family() == Family::Puzzles {
        return Err(usage!(
            "a sweep compares the depths of language models; {} describes a puzzle solver, whose `eval` shows every step",
            base.origin
        ));
    }
    if base.config.data.val_fraction == 0.0 {
        return Err(usage!("a sweep compares validation losses; val_fraction must be above 0"));
    }
    let vocab_size = base.text.corpus(&base.config, None)?.vocab().size();
    let seeds = match &typed.seeds[..] {
        [] => vec![base.config.train.seed],
        seeds => seeds.to_vec(),
    };
    let plan = Plan::new(&base.config, &typed.depths, &seeds, &typed.equal, vocab_size)?;
    let out = typed
        .train
        .out
        .clone()
        .unwrap_or_else(|| Path::new("runs").join(format!("sweep-{}", base.name)));
    let sweep = Sweep { typed, plan, out: &out, device: &device, vocab_size };
    let mut outcomes = sweep.outcomes()?;
    let count = sweep.plan.members.len();
    say!(
        "{count} runs for depths {:?} and seeds {seeds:?}, of {}; {} finished before; out {}",
        typed.depths,
        base.origin,
        outcomes.iter().flatten().count(),
        out.display()
    );
    for (number, member) in sweep.plan.members.iter().enumerate() {
        if outcomes[number].is_some() {
            continue;
        }
        say!("run {} of {count}: {}", number + 1, member.name());
        outcomes[number] = sweep.train(member, &limits)?;
        sweep.write(&rows(&sweep.plan, &outcomes))?;
        if outcomes[number].is_none() {
            say!("stopped in run {} of {count}; go on with: {}", number + 1, sweep.go_on());
            return Ok(());
        }
    }
    let rows = rows(&sweep.plan, &outcomes);
    let document = sweep.write(&rows)?;
    say!("done; the table is in {0}/sweep.json, a picture in {0}/sweep.svg", out.display());
    if typed.json { print_json(&document) } else { print(&Table(&rows).to_string()) }
}

struct Sweep<'a> {
    typed: &'a args::Sweep,
    plan: Plan,
    out: &'a Path,
    device: &'a Chosen,
    vocab_size: usize,
}

impl Sweep<'_> {
    /// What is there already, numbered as the members are.
    fn outcomes(&self) -> anyhow::Result<Vec<Option<Outcome>>> {
        let of = |member: &Member| {
            let folder = self.out.join(member.name());
            let config = folder.join("config.toml");
            if config.exists()
                && plan::config_file(&RunConfig::default(), &config)? != member.config
            {
                return Err(usage!(
                    "{} is of a sweep with other settings; choose another --out",
                    folder.display()
                ));
            }
            Outcome::read(&folder)
        };
        self.plan.members.iter().map(of).collect()
    }

    /// Trains a member to its end; nothing where it was stopped before.
    fn train(&self, member: &Member, limits: &Limits) -> anyhow::Result<Option<Outcome>> {
        let folder = self.out.join(member.name());
        let begun = folder.join("last.safetensors").exists();
        let text = Text::choose(&member.config.data.dataset, self.typed.train.data.as_deref())?;
        let plan = plan::Train {
            start: if begun { Start::Resume } else { Start::Fresh },
            origin: if begun { "where it stopped".into() } else { "the sweep's settings".into() },
            config: member.config.clone(),
            text,
            out: folder,
        };
        let mut training = prepare(&plan, self.device)?;
        if matches!(training.run(limits)?, End::Stopped(_)) {
            return Ok(None);
        }
        let outcome = self.judge(&plan, training.dir(), training.step())?;
        outcome.write(training.dir().path())?;
        say!("loss {:.4} over the whole validation split\n", outcome.loss);
        Ok(Some(outcome))
    }

    /// What the best checkpoint is worth, and what the run cost.
    fn judge(&self, plan: &plan::Train, dir: &RunDir, steps: usize) -> anyhow::Result<Outcome> {
        let best = dir.best();
        let bytes = run_dir::read(&best)?;
        let run = plan
            .text
            .load(&bytes, None, &self.device.device)
            .with_context(|| best.display().to_string())?;
        let losses = block_on(run.evaluate(&[plan.config.model.depth()], 0))?;
        let flops_per_token = plan.config.training_flops_per_token(self.vocab_size);
        Ok(Outcome {
            loss: losses.first().context("the evaluation gave no loss")?.loss,
            steps,
            parameters: run.summary().parameters,
            flops_per_token,
            training_flops: flops_per_token * (steps * plan.config.tokens_per_step()) as f64,
            seconds: metrics::seconds(&run_dir::read(&dir.metrics())?),
        })
    }

    /// Writes the table and the picture of what is there so far.
    fn write(&self, rows: &[Row]) -> anyhow::Result<serde_json::Value> {
        let first = &self.plan.members[0].config;
        let document = json!({
            "dataset": first.data.dataset,
            "device": self.device.name,
            "tokens_per_step": first.tokens_per_step(),
            "rows": rows,
        });
        run_dir::write(
            &self.out.join("sweep.json"),
            serde_json::to_string_pretty(&document)?.as_bytes(),
        )?;
        let title = format!(
            "{}, {} parameters: what depth is worth",
            first.data.dataset,
            rows.first().map_or("–".into(), |row| thousands(row.parameters as u64))
        );
        run_dir::write(&self.out.join("sweep.svg"), picture::svg(&title, rows).as_bytes())?;
        Ok(document)
    }

    /// The command that was typed, with the folder it came to.
    fn go_on(&self) -> String {
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
