//! Plans the continuation of a run. The settings it was trained with stay; only
//! those that do not change what was learned may differ.

use std::path::{Path, PathBuf};

use serde_json::Value;
use trm_spec::{Failure, RunConfig, SETTINGS, Setting, differences};

use super::config::{config_file, with_flags};
use super::notes;
use super::types::{Start, Train};
use crate::args;
use crate::inputs::dataset;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::run_dir::names::{BEST, CONFIG, LAST, OPTIMIZER};
use crate::run_dir::own_data::{OwnData, not_its_own};
use crate::run_dir::{expect_run, last_in, read_checkpoint};
use crate::terminal::report::usage;

/// The folder of the run that `path` means: itself, or where its last checkpoint lies.
///
/// # Errors
/// If it is another file.
pub fn folder_of(path: &Path) -> anyhow::Result<PathBuf> {
    if !path.is_file() {
        return Ok(path.to_owned());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.as_ref() {
        LAST | OPTIMIZER => Ok(folder.to_owned()),
        BEST => Err(usage!(
            "a run continues from its last state, not from its best: give its folder (--resume {}), or start a new run from these weights (--init {})",
            folder.display(),
            path.display()
        )),
        _ => Err(usage!(
            "{0} is a file, and --resume takes the folder of a run; --init {0} starts a new run from a checkpoint",
            path.display()
        )),
    }
}

/// Continues the run in `folder`: its saved settings < its `config.toml` < flags.
///
/// # Errors
/// If there is no run, another setting or dataset than before is asked for, or fewer steps than
/// the run has made.
pub fn resume(typed: &args::Train, folder: &Path) -> anyhow::Result<Train> {
    expect_run(folder)?;
    let last = last_in(folder);
    let (header, _) = read_checkpoint(&last)?;
    let base = BaseOnDisk::of(&header, &last, typed.base.as_deref())?;
    let trained = header.config;
    let mut config = trained.clone();
    let written = folder.join(CONFIG);
    if written.exists() {
        config = config_file(&trained, &written)?;
        refuse_other(&trained, &config, &written.display().to_string(), &last)?;
    }
    config = with_flags(&config, typed)?;
    refuse_other(&trained, &config, "the command line", &last)?;
    refuse_fewer_steps(&config, header.step)?;
    // Of data of the user's the settings may hold a name that nothing is known by.
    if let (None, Some(own)) = (&typed.data, OwnData::read(folder)?) {
        own.expect(None)?;
    }
    let data = dataset::open(&config, typed.data.as_deref(), typed.as_text)?;
    data.expect_same(&config.data.dataset).map_err(Failure::from)?;
    if let Some(other) = data.other_than(&config.data.dataset) {
        return Err(not_its_own(&other, &config.data.dataset));
    }
    let notes = notes::of_resumed(&trained, &config, header.step).into_iter().collect();
    Ok(Train {
        origin: format!("step {} of {}", header.step, folder.display()),
        start: Start::Resume,
        data,
        base,
        config,
        out: folder.to_owned(),
        inputs: Vec::new(),
        notes,
    })
}

/// Continues the run in the folder of `plan` if there is one of the same settings;
/// else returns `plan` itself.
///
/// # Errors
/// If the folder contains a run of other settings, or one that is beyond the last step.
pub fn auto_resume(plan: Train) -> anyhow::Result<Train> {
    let last = last_in(&plan.out);
    if !last.exists() {
        return Ok(plan);
    }
    let (header, _) = read_checkpoint(&last)?;
    let config = as_decided(&plan.config, &header.config);
    refuse_other(&header.config, &config, "this command", &last)?;
    refuse_fewer_steps(&config, header.step)?;
    let origin = format!("step {} of {}", header.step, plan.out.display());
    let notes = notes::of_resumed(&header.config, &config, header.step).into_iter().collect();
    Ok(Train { origin, start: Start::Resume, config, notes, ..plan })
}

/// `asked` with the sizes that the data decided when the run of `trained` began.
pub fn as_decided(asked: &RunConfig, trained: &RunConfig) -> RunConfig {
    let mut config = asked.clone();
    config.model.take_decided(&trained.model);
    config
}

/// Refuses settings that may not change when a run is resumed.
fn refuse_other(
    trained: &RunConfig,
    asked: &RunConfig,
    place: &str,
    last: &Path,
) -> anyhow::Result<()> {
    let other = differences(trained, asked).find(|setting| !setting.resume);
    let (trained, asked) = (serde_json::to_value(trained)?, serde_json::to_value(asked)?);
    let of = |config: &Value, setting: &Setting| config[setting.section][setting.key].clone();
    match other {
        None => Ok(()),
        Some(setting) => Err(usage!(
            "{place} asks for {key} {}, but the run was trained with {}; a resumed run keeps its {key}. \
             Only these settings may change: {}. To change others, start a new run from its weights with --init {}",
            of(&asked, setting),
            of(&trained, setting),
            resumable().join(", "),
            last.display(),
            key = setting.key,
        )),
    }
}

/// Refuses fewer steps than the run has made: it would end as if it had made them, with a
/// configuration that says so. As many are none to make, and a finished run stays one.
fn refuse_fewer_steps(asked: &RunConfig, step: usize) -> anyhow::Result<()> {
    match asked.train.max_iters {
        last if last < step => Err(usage!(
            "the run is already at step {step}; max_iters {last} is less: give --max-iters {step} or more"
        )),
        _ => Ok(()),
    }
}

/// The names of the settings that may change when a run is resumed.
fn resumable() -> Vec<&'static str> {
    SETTINGS.iter().filter(|setting| setting.resume).map(|setting| setting.key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_change_on_resume_is_live() {
        assert!(SETTINGS.iter().filter(|setting| setting.resume).all(|setting| setting.live));
        assert!(resumable().contains(&"max_iters") && !resumable().contains(&"batch_size"));
    }

    #[test]
    fn fewer_steps_than_were_made_are_refused() {
        let mut asked = RunConfig::default();
        asked.train.max_iters = 5;
        let error = refuse_fewer_steps(&asked, 24).expect_err("fewer").to_string();
        assert!(error.starts_with("the run is already at step 24; max_iters 5 is"), "{error}");
        // A run that is finished, and one that is not.
        for step in [5, 4] {
            refuse_fewer_steps(&asked, step).expect("as many, or more");
        }
    }

    #[test]
    fn other_settings_are_refused() {
        let trained = RunConfig::default();
        let refused = |change: fn(&mut RunConfig)| {
            let mut asked = trained.clone();
            change(&mut asked);
            let refused = refuse_other(&trained, &asked, "a file", Path::new("last"));
            refused.err().map(|error| error.to_string())
        };
        assert_eq!(refused(|_| {}), None);
        assert_eq!(refused(|c| c.train.max_iters += 1), None);
        let error = refused(|c| c.train.seed = 9).expect("another seed is another run");
        assert!(error.starts_with("a file asks for seed 9") && error.contains("1337"), "{error}");
        assert!(refused(|c| c.data.val_fraction = 0.2).is_some());
    }
}
