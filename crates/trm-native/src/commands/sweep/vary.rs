//! `sweep --vary`: trains a run for every combination of values of some settings and
//! compares their best checkpoints on the whole validation split.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};
use trm_spec::{Family, RunConfig};

use super::super::train::prepare;
use super::diverged::{Diverged, DivergedRow, RunEnd, noted};
use super::whole_split::{WholeSplit, expect_held_out};
use crate::args;
use crate::inputs::dataset;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;
use crate::plan::{self, Base, Start};
use crate::run_dir::names::{CONFIG, RESULTS};
use crate::run_dir::own_data::OwnData;
use crate::run_dir::{self, SweepDir};
use crate::sweep::bars;
use crate::sweep::vary::{VariedRow, VariedRun, plan as varied_runs};
use crate::terminal::count::{counted, thousands};
use crate::terminal::output::{print, print_json};
use crate::terminal::report::{say, usage};
use crate::training::stop::StopConditions;

/// What came of a run that is not trained again.
#[derive(Serialize)]
#[serde(untagged)]
enum Ended {
    /// It is complete.
    Row(VariedRow),
    Diverged(DivergedRow),
}

impl Ended {
    /// The row, if the run is complete.
    fn row(&self) -> Option<&VariedRow> {
        match self {
            Self::Row(row) => Some(row),
            Self::Diverged(_) => None,
        }
    }

    fn label(&self) -> String {
        match self {
            Self::Row(row) => row.label(),
            Self::Diverged(row) => row.label(),
        }
    }
}

/// Runs the sweep.
///
/// # Errors
/// If a combination cannot be used, nothing is held out or a file cannot be written.
pub fn run(
    typed: &args::Sweep,
    base: Base,
    out: &Path,
    stop: &StopConditions,
    device: &OpenDevice,
) -> anyhow::Result<()> {
    let seeds = match &typed.seeds[..] {
        [] => vec![base.config.train.seed],
        seeds => seeds.to_vec(),
    };
    let runs = varied_runs(&base.config, &typed.vary, &seeds)?;
    for run in &runs {
        expect_held_out(&run.config)?;
    }
    let open = |config: &RunConfig| {
        dataset::open(config, typed.train.data.as_deref(), typed.train.as_text)
    };
    // Images may be held out by their files. Otherwise they are refused when they are loaded.
    let by_files = |RunConfig { model, data, .. }: &RunConfig| {
        model.family() == Family::Images && data.val_fraction == 0.0
    };
    if let Some(run) = runs.iter().find(|run| by_files(&run.config)) {
        open(&run.config)?.load(&run.config, None)?;
    }
    let _taken = SweepDir::take(out)?;
    let own = OwnData::of(&base.data, &base.config)?;
    let sweep = Sweep { typed, out, own, frozen: base.frozen.as_ref(), device };
    let mut rows: Vec<Option<Ended>> =
        runs.iter().map(|run| sweep.ended(run)).collect::<Result<_, _>>()?;
    let count = runs.len();
    let finished = rows.iter().flatten().filter_map(Ended::row).count();
    let diverged = rows.iter().flatten().count() - finished;
    say!(
        "{}, settings of {}; {finished} finished before{}; output {}",
        counted(count, "runs"),
        base.origin,
        noted(diverged),
        out.display()
    );
    for (number, run) in runs.iter().enumerate() {
        if rows[number].is_some() {
            continue;
        }
        say!("run {} of {count}: {}", number + 1, run.name);
        let folder = out.join(&run.name);
        let last = run_dir::last_in(&folder);
        let (start, origin, config) = if last.exists() {
            let (header, _) = run_dir::read_checkpoint(&last)?;
            let config = plan::as_decided(&run.config, &header.config);
            (Start::Resume, "the last saved step", config)
        } else {
            (Start::Fresh, "settings of the sweep", run.config.clone())
        };
        let plan = plan::Train {
            start,
            origin: origin.into(),
            config,
            data: open(&run.config)?,
            base: base.frozen.clone(),
            out: folder,
            inputs: Vec::new(),
            notes: Vec::new(),
        };
        let mut trainer = prepare(&plan, std::slice::from_ref(device))?;
        let end = RunEnd::of(trainer.run(stop), trainer.dir().path())?;
        if matches!(end, RunEnd::Stopped) {
            say!("stopped in run {} of {count}; the same command continues the sweep", number + 1);
            return Ok(());
        }
        // Its memory is free before the best checkpoint is loaded.
        drop(trainer);
        rows[number] = sweep.ended(run)?;
        if rows[number].is_none() {
            return Err(usage!(
                "run {} has no validation loss, and a sweep compares those: there is nothing held out",
                run.name
            ));
        }
        write(out, &base.config, device, &rows)?;
    }
    let document = write(out, &base.config, device, &rows)?;
    say!("done; table in {0}/sweep.json, chart in {0}/sweep.svg", out.display());
    if typed.json {
        return print_json(&document);
    }
    let rows: Vec<_> = rows.into_iter().flatten().collect();
    print(&table(&rows))
}

/// What all runs of a sweep have in common.
struct Sweep<'a> {
    typed: &'a args::Sweep,
    out: &'a Path,
    own: Option<OwnData>,
    frozen: Option<&'a BaseOnDisk>,
    device: &'a OpenDevice,
}

impl Sweep<'_> {
    /// What came of a run; `None` if it is to be trained, or trained further.
    fn ended(&self, run: &VariedRun) -> anyhow::Result<Option<Ended>> {
        let folder = self.out.join(&run.name);
        self.expect_same(run, &folder)?;
        if let Some(diverged) = Diverged::read(&folder)? {
            return Ok(Some(Ended::Diverged(DivergedRow::of(run, diverged))));
        }
        Ok(self.finished(run, &folder)?.map(Ended::Row))
    }

    /// The row of a run that is complete, with the scores of its best checkpoint on the whole
    /// validation split. They are computed once.
    fn finished(&self, run: &VariedRun, folder: &Path) -> anyhow::Result<Option<VariedRow>> {
        let results: PathBuf = folder.join(RESULTS);
        if !results.exists() {
            return Ok(None);
        }
        let results: Value = serde_json::from_slice(&run_dir::read(&results)?)?;
        let Some(mut row) = VariedRow::of(run, &results) else { return Ok(None) };
        let scores = match WholeSplit::read(folder, row.best_step)? {
            Some(scores) => scores,
            None => {
                let train = &self.typed.train;
                let data = dataset::open(&run.config, train.data.as_deref(), train.as_text)?;
                WholeSplit::evaluate(folder, row.best_step, &data, self.frozen, self.device)?
            }
        };
        (row.val_loss, row.accuracy) = (scores.loss, scores.accuracy);
        Ok(Some(row))
    }

    /// Refuses the folder of a run with other settings or data.
    fn expect_same(&self, run: &VariedRun, folder: &Path) -> anyhow::Result<()> {
        let config = folder.join(CONFIG);
        if !config.exists() {
            return Ok(());
        }
        let stored = plan::config_file(&RunConfig::default(), &config)?;
        let what = if stored != plan::as_decided(&run.config, &stored) {
            "settings"
        } else if !OwnData::is_same(OwnData::read(folder)?.as_ref(), self.own.as_ref()) {
            "data"
        } else {
            return Ok(());
        };
        Err(usage!(
            "{} belongs to a sweep with other {what}; choose another --out",
            folder.display()
        ))
    }
}

fn write(
    out: &Path,
    base: &RunConfig,
    device: &OpenDevice,
    rows: &[Option<Ended>],
) -> anyhow::Result<Value> {
    let rows: Vec<_> = rows.iter().flatten().collect();
    let document = json!({ "dataset": base.data.dataset, "device": device.name, "rows": rows });
    run_dir::write(&out.join("sweep.json"), serde_json::to_string_pretty(&document)?.as_bytes())?;
    let complete: Vec<_> = rows.iter().filter_map(|row| row.row()).collect();
    let bars: Vec<_> = complete
        .iter()
        .map(|row| {
            let label = format!("{}, seed {}", row.label(), row.seed);
            (label, row.accuracy.unwrap_or(row.val_loss))
        })
        .collect();
    let accuracy = complete.iter().any(|row| row.accuracy.is_some());
    let what = if accuracy { "validation accuracy" } else { "validation loss" };
    let title = format!("{}: {what}", base.data.dataset);
    run_dir::write(&out.join("sweep.svg"), bars::svg(&title, &bars).as_bytes())?;
    Ok(document)
}

fn table(rows: &[Ended]) -> String {
    let width = rows.iter().map(|row| row.label().chars().count()).max().unwrap_or(0).max(8);
    let mut text =
        format!("{:width$}  seed  parameters  val loss  accuracy  best step  minutes", "settings");
    for ended in rows {
        let row = match ended {
            Ended::Row(row) => row,
            Ended::Diverged(row) => {
                let (label, seed) = (row.label(), row.seed);
                let _ = write!(text, "\n{label:width$}  {seed:4}  {:>10}  diverged", "–");
                continue;
            }
        };
        let accuracy = row.accuracy.map_or("–".into(), |share| format!("{:.2} %", share * 100.0));
        let _ = write!(
            text,
            "\n{:width$}  {:4}  {:>10}  {:8.4}  {accuracy:>8}  {:9}  {:7.1}",
            row.label(),
            row.seed,
            thousands(row.parameters),
            row.val_loss,
            row.best_step,
            row.seconds / 60.0
        );
    }
    text + "\nval loss, accuracy: best checkpoint over the whole validation split"
}
