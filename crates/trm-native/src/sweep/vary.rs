//! A sweep over any settings: one run for every combination of their values.

use serde::Serialize;
use serde_json::{Map, Number, Value};
use trm_spec::{RunConfig, Setting, must_read, overlay};

/// A setting and the values that it takes in a sweep.
#[derive(Clone, Debug)]
pub struct Varied {
    /// The setting.
    pub setting: &'static Setting,
    /// Its values.
    pub values: Vec<Value>,
}

/// The published names of two settings (Tiny-Recursive-Research).
const SHORT: [(&str, &str); 2] = [("n", "inner_steps"), ("T", "outer_steps")];

impl Varied {
    /// Reads `setting=value,value`.
    ///
    /// # Errors
    /// If there is no such setting, or a value cannot be read; the error says what is
    /// expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (key, values) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` is not of the form SETTING=VALUE,VALUE"))?;
        let key = SHORT.iter().find(|(short, _)| *short == key).map_or(key, |(_, long)| long);
        let setting = Setting::find(key).map_err(|error| error.to_string())?;
        if setting.key == "seed" {
            return Err("seeds are varied by --seeds, e.g. --seeds 1,2,3".into());
        }
        // Another model starts from its own defaults, so the other flags would be lost.
        if setting.key == "variant" {
            return Err(
                "a sweep compares settings of one model; make a sweep for each model (--variant), or train each with `train --variant`"
                    .into(),
            );
        }
        let values: Vec<_> = values
            .split(',')
            .map(|value| setting.parse(value.trim()).map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?;
        Ok(Self { setting, values })
    }
}

/// One run of the sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct VariedRun {
    /// Name of the run's folder, unique within the sweep.
    pub name: String,
    /// The settings that vary, with this run's values.
    pub values: Vec<(&'static str, String)>,
    /// Its seed.
    pub seed: u64,
    /// Its whole configuration.
    pub config: RunConfig,
}

impl VariedRun {
    /// The settings that vary, as they are written to JSON.
    pub fn settings(&self) -> Map<String, Value> {
        let settings = self.values.iter().map(|(key, value)| {
            // A number as it was given: 2 steps are not 2.0.
            let number = serde_json::from_str::<Number>(value);
            let value = number.map_or_else(|_| Value::from(value.as_str()), Value::Number);
            ((*key).to_owned(), value)
        });
        settings.collect()
    }
}

/// The runs of every combination of the values of `varied`, with each of `seeds`.
///
/// # Errors
/// If a setting is given twice, or a combination cannot be used.
pub fn plan(base: &RunConfig, varied: &[Varied], seeds: &[u64]) -> anyhow::Result<Vec<VariedRun>> {
    for (number, one) in varied.iter().enumerate() {
        let key = one.setting.key;
        if varied[..number].iter().any(|other| other.setting.key == key) {
            return Err(crate::terminal::report::usage!(
                "--vary {key} is given twice; list all values once"
            ));
        }
    }
    let mut combinations: Vec<Vec<(&'static str, Value)>> = vec![Vec::new()];
    for Varied { setting, values } in varied {
        combinations = combinations
            .into_iter()
            .flat_map(|so_far| {
                values.iter().map(move |value| {
                    let mut more = so_far.clone();
                    more.push((setting.key, value.clone()));
                    more
                })
            })
            .collect();
    }
    let mut runs = Vec::new();
    for combination in &combinations {
        for &seed in seeds {
            let patch: Map<String, Value> =
                combination.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
            let mut config = overlay(base, &Value::Object(patch))?;
            must_read(&config, varied.iter().map(|one| one.setting))?;
            config.train.seed = seed;
            config.validate()?;
            let values: Vec<_> =
                combination.iter().map(|(key, value)| (*key, shown(value))).collect();
            let name: Vec<_> = values.iter().map(|(key, value)| format!("{key}-{value}")).collect();
            let name = format!("{}-seed-{seed}", name.join("-"));
            let run = VariedRun { name, values, seed, config };
            if !runs.contains(&run) {
                runs.push(run);
            }
        }
    }
    Ok(runs)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join("+"),
        other => other.to_string(),
    }
}

/// The result of a run that is complete.
#[derive(Clone, Debug, Serialize)]
pub struct VariedRow {
    /// The settings that vary, with their values.
    pub settings: Map<String, Value>,
    /// The seed of the run.
    pub seed: u64,
    /// Numbers in the model.
    pub parameters: u64,
    /// Loss of the best checkpoint on the whole validation split.
    pub val_loss: f64,
    /// Share of its puzzles solved or images right there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Step of the best validation.
    pub best_step: u64,
    /// Floating-point operations of the run.
    pub training_flops: f64,
    /// Time in training steps.
    pub seconds: f64,
}

impl VariedRow {
    /// The row of `run`, from the `results.json` of its folder; `None` if the run is not
    /// complete, or has no validation.
    pub fn of(run: &VariedRun, results: &Value) -> Option<Self> {
        let early_stopped = results["early_stopped"].as_bool().unwrap_or(false);
        if !results["finished"].as_bool()? && !early_stopped {
            return None;
        }
        Some(Self {
            settings: run.settings(),
            seed: run.seed,
            parameters: results["parameters"].as_u64()?,
            val_loss: results["best_val_loss"].as_f64()?,
            accuracy: results["best_val_exact_accuracy"].as_f64(),
            best_step: results["best_step"].as_u64()?,
            training_flops: results["training_flops"].as_f64()?,
            seconds: results["seconds"].as_f64()?,
        })
    }

    /// `inner_steps 6, outer_steps 4`.
    pub fn label(&self) -> String {
        label(&self.settings)
    }
}

/// Settings with their values, for people to read.
pub fn label(settings: &Map<String, Value>) -> String {
    let pairs = settings.iter().map(|(key, value)| format!("{key} {}", shown(value)));
    pairs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_one_run() {
        let base = crate::presets::config("digits").expect("a preset");
        let varied: Vec<_> =
            ["n=6,8", "outer_steps=3,4,5"].map(|text| Varied::parse(text).expect(text)).into();
        let runs = plan(&base, &varied, &[1, 2]).expect("a plan");
        assert_eq!(runs.len(), 2 * 3 * 2);
        assert_eq!(runs[0].name, "inner_steps-6-outer_steps-3-seed-1");
        let steps =
            |run: &VariedRun| serde_json::to_value(&run.config).expect("JSON")["model"].clone();
        assert_eq!(steps(&runs[11])["inner_steps"], 8);
        assert_eq!(steps(&runs[11])["outer_steps"], 5);
        assert_eq!(runs[11].seed, 2);
    }

    #[test]
    fn what_cannot_be_varied_is_refused() {
        for (text, word) in [
            ("outer_steps", "SETTING=VALUE"),
            ("outer_stops=3", "outer_steps"),
            ("outer_steps=three", "whole number"),
            ("seed=1,2", "--seeds"),
            ("variant=a,b", "train --variant"),
        ] {
            let error = Varied::parse(text).expect_err(text);
            assert!(error.contains(word), "{error}");
        }
        let base = crate::presets::config("digits").expect("a preset");
        let twice = ["n=6", "inner_steps=8"].map(|text| Varied::parse(text).expect(text));
        assert!(plan(&base, &twice, &[1]).is_err());
        let other = [Varied::parse("block_size=8").expect("a setting")];
        assert!(plan(&base, &other, &[1]).is_err());
    }
}
