//! A run that goes on: what it was trained with so far holds, and only settings
//! that do not touch what was learned may change.

use std::path::Path;

use serde_json::Value;
use trm_spec::{Failure, RunConfig, Setting, differences};

use super::{Start, Train, config_file, open_data, read_checkpoint, with_flags};
use crate::args;
use crate::report::usage;

/// What may change while a run goes on.
const MAY_CHANGE: &[&str] = &[
    "learning_rate",
    "max_iters",
    "gradient_checkpointing",
    "eval_interval",
    "save_interval",
    "eval_iters",
    "save_top_k",
    "early_stopping_patience",
    "log_interval",
    "sample_interval",
];

/// The run in `folder`, under its own `config.toml` and then the flags.
pub fn resume(typed: &args::Train, folder: &Path) -> anyhow::Result<Train> {
    let last = folder.join("last.safetensors");
    if !last.exists() {
        return Err(usage!(
            "{} holds no run to go on with (last.safetensors is missing)",
            folder.display()
        ));
    }
    let (header, _) = read_checkpoint(&last)?;
    let trained = header.config;
    let mut config = trained.clone();
    let written = folder.join("config.toml");
    if written.exists() {
        config = config_file(&trained, &written)?;
        refuse_other(&trained, &config, &written.display().to_string(), &last)?;
    }
    config = with_flags(&config, typed)?;
    refuse_other(&trained, &config, "the command line", &last)?;
    let data = open_data(&config.data.dataset, typed.data.as_deref())?;
    data.expect_same(&config.data.dataset).map_err(Failure::from)?;
    Ok(Train {
        origin: format!("step {} of {}", header.step, folder.display()),
        start: Start::Resume,
        data,
        config,
        out: folder.to_owned(),
    })
}

/// The run in the folder of `begun` where there is one of the same settings, else
/// `begun` itself.
pub fn take_up(begun: Train) -> anyhow::Result<Train> {
    let last = begun.out.join("last.safetensors");
    if !last.exists() {
        return Ok(begun);
    }
    let (header, _) = read_checkpoint(&last)?;
    refuse_other(&header.config, &begun.config, "this command", &last)?;
    let origin = format!("step {} of {}", header.step, begun.out.display());
    Ok(Train { origin, start: Start::Resume, ..begun })
}

/// Refuses a configuration under which the run would not be the same run.
fn refuse_other(
    trained: &RunConfig,
    asked: &RunConfig,
    place: &str,
    last: &Path,
) -> anyhow::Result<()> {
    let other = differences(trained, asked).find(|setting| !MAY_CHANGE.contains(&setting.key));
    let (trained, asked) = (serde_json::to_value(trained)?, serde_json::to_value(asked)?);
    let of = |config: &Value, setting: &Setting| config[setting.section][setting.key].clone();
    match other {
        None => Ok(()),
        Some(setting) => Err(usage!(
            "{place} asks for {key} {}, but the run was trained with {}; a run that goes on keeps its {key}, \
             and only {} may change (or start a new run from its weights with --init {})",
            of(&asked, setting),
            of(&trained, setting),
            MAY_CHANGE.join(", "),
            last.display(),
            key = setting.key,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_change_are_settings() {
        for key in MAY_CHANGE {
            Setting::find(key).expect(key);
        }
    }

    #[test]
    fn only_what_changes_nothing_learned_may_change() {
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
