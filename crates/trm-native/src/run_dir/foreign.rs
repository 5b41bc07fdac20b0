//! Files that have the name of one of a run's own, but were not written by this program. What
//! the failed start of a run has left is replaced; these are not.

use std::path::Path;

use serde_json::Value;
use trm_spec::{RunConfig, overlay};

use super::files::read;
use super::names::{CONFIG, METRICS, RESULTS};
use crate::run_dir::own_data::{self, OwnData};
use crate::terminal::report::usage;

/// What every line of the metrics begins with.
const LINE: &[u8] = b"{\"step\":";

/// Whether this program has written the content of a file.
type IsOwn = fn(&[u8]) -> bool;

/// Refuses a folder that has such a file.
///
/// # Errors
/// If it has one, or a file cannot be read.
pub fn refuse(folder: &Path) -> anyhow::Result<()> {
    let kinds = [
        (CONFIG, is_config as IsOwn),
        (METRICS, are_metrics),
        (RESULTS, are_results),
        (own_data::FILE, OwnData::is_written_in),
    ];
    for (name, is_own) in kinds {
        let path = folder.join(name);
        if path.is_file() && !is_own(&read(&path)?) {
            return Err(usage!(
                "{} was not written by this program, and would be overwritten by the run's own {name}; choose another --out",
                path.display()
            ));
        }
    }
    Ok(())
}

/// A run states its settings in all sections. What has comments was written by a person.
fn is_config(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(settings) = toml::from_str::<Value>(text) else { return false };
    let commented = text.lines().any(|line| line.trim_start().starts_with('#'));
    let whole = ["model", "data", "train"].iter().all(|section| settings.get(section).is_some());
    whole && !commented && overlay(&RunConfig::default(), &settings).is_ok()
}

/// All lines are of a run, up to one that was cut when the program was killed.
fn are_metrics(bytes: &[u8]) -> bool {
    bytes.split_inclusive(|byte| *byte == b'\n').all(|line| match line.ends_with(b"\n") {
        true => serde_json::from_slice::<Value>(line).is_ok_and(|line| {
            let is_there = |key: &str| line.get(key).is_some();
            line["step"].is_u64() && (is_there("loss") || is_there("val_loss"))
        }),
        false => line.starts_with(LINE) || LINE.starts_with(line),
    })
}

fn are_results(bytes: &[u8]) -> bool {
    let keys = ["corpus", "parameters", "step", "config"];
    serde_json::from_slice::<Value>(bytes)
        .is_ok_and(|results| keys.iter().all(|key| results.get(key).is_some()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::run_dir::RunDir;
    use crate::run_dir::metrics_log::{LogLine, MetricsLog};
    use crate::run_dir::results::Results;
    use crate::training::run_metrics::RunMetrics;

    /// All files but the checkpoints.
    #[test]
    fn what_a_failed_start_has_left_is_replaced() {
        let place = tempfile::tempdir().expect("a folder");
        let config = RunConfig::default();
        let dir = RunDir::create(place.path(), &[]).expect("a new run");
        dir.save_config(&config).expect("written");
        let mut log = MetricsLog::create(&dir).expect("created");
        refuse(place.path()).expect("no line yet");
        let line = LogLine::Train {
            step: 1,
            loss: 2.5,
            learning_rate: 1e-3,
            depth: 2,
            tokens_per_second: 100.0,
            seconds: 0.5,
            solved: None,
            exact: None,
        };
        log.write(&line).expect("written");
        let results = Results {
            corpus: "shakespeare",
            parameters: 1,
            train_tokens: 1,
            val_tokens: 1,
            step: 1,
            finished: false,
            early_stopped: false,
            tokens_seen: 1,
            training_flops: 1.0,
            seconds: 0.5,
            metrics: &RunMetrics::default(),
            config: &config,
        };
        dir.save_results(&results).expect("written");
        fs::write(place.path().join(own_data::FILE), r#"{ "name": "mine.txt" }"#).expect("written");
        refuse(place.path()).expect("all its own");
        // A kill cuts a line anywhere.
        let whole = fs::read(dir.metrics()).expect("read");
        for end in 0..whole.len() {
            fs::write(dir.metrics(), &whole[..end]).expect("written");
            refuse(place.path()).expect("its own");
        }
        drop((dir, log));
        RunDir::create(place.path(), &[]).expect("a new run");
    }

    #[test]
    fn files_of_others_are_not_overwritten() {
        let own = toml::to_string(&RunConfig::default()).expect("TOML");
        for (name, text) in [
            (CONFIG, ""),
            (CONFIG, "[server]\nport = 80\n"),
            (CONFIG, "not toml"),
            (CONFIG, "[model]\nvariant = \"chat_trm\"\n"),
            (CONFIG, &format!("# my settings\n{own}")),
            (METRICS, "{\"epoch\": 1, \"loss\": 2.0}\n"),
            (METRICS, "{\"step\": 1, \"reward\": 2.0}\n"),
            (METRICS, "loss"),
            (RESULTS, "{\"step\": 1}"),
            (RESULTS, "[]"),
            (own_data::FILE, "{\"name\": \"site\", \"version\": 2}"),
            (own_data::FILE, "[1, 2]"),
        ] {
            let place = tempfile::tempdir().expect("a folder");
            let path = place.path().join(name);
            fs::write(&path, text).expect("written");
            let error = RunDir::create(place.path(), &[]).err().expect(text).to_string();
            assert!(error.contains(name) && error.contains("choose another --out"), "{error}");
            assert_eq!(fs::read_to_string(&path).expect("kept"), text);
            assert_eq!(fs::read_dir(place.path()).expect("a folder").count(), 1, "{name}");
        }
    }
}
