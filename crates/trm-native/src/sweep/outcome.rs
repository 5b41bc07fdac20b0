//! Results of a sweep: the numbers of each run, and the table of all.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Equal, SweepPlan};
use crate::run_dir;
use crate::terminal::count::thousands;

const RESULT: &str = "result.json";

/// The results of one run, stored as `result.json` in its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Loss of the best checkpoint over the whole validation split, at its depth.
    pub loss: f64,
    /// Training steps made.
    pub steps: usize,
    pub parameters: usize,
    /// Training FLOPs per token.
    pub flops_per_token: f64,
    pub training_flops: f64,
    /// Time in training steps, without validation.
    pub seconds: f64,
}

impl Outcome {
    /// The results of the run in `folder`; `None` if it is not complete.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        run_dir::read_kept(&folder.join(RESULT), "evaluate the run again")
    }

    /// Writes the results to the folder of the run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        run_dir::write(&folder.join(RESULT), serde_json::to_string(self)?.as_bytes())
    }
}

/// One depth in one comparison, over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub equal: Equal,
    pub depth: usize,
    pub seeds: Vec<u64>,
    pub losses: Vec<f64>,
    pub mean_loss: f64,
    /// Sample standard deviation over the seeds; `None` for a single seed.
    pub std_loss: Option<f64>,
    /// Mean over the seeds, as are the fields below.
    pub steps: f64,
    pub parameters: usize,
    pub flops_per_token: f64,
    pub training_flops: f64,
    pub minutes: f64,
}

/// The rows of all runs that are complete; `outcomes` has one entry per run.
pub fn rows(plan: &SweepPlan, outcomes: &[Option<Outcome>]) -> Vec<Row> {
    let comparisons = plan.comparisons.iter();
    comparisons
        .flat_map(|comparison| comparison.rows.iter().map(move |row| (comparison.equal, row)))
        .filter_map(|(equal, (depth, numbers))| row(plan, outcomes, equal, *depth, numbers))
        .collect()
}

fn row(
    plan: &SweepPlan,
    outcomes: &[Option<Outcome>],
    equal: Equal,
    depth: usize,
    numbers: &[usize],
) -> Option<Row> {
    let (seeds, there): (Vec<u64>, Vec<&Outcome>) = numbers
        .iter()
        .filter_map(|&number| Some((plan.runs[number].seed, outcomes[number].as_ref()?)))
        .unzip();
    let first = there.first()?;
    let mean = |of: fn(&Outcome) -> f64| {
        there.iter().map(|outcome| of(outcome)).sum::<f64>() / there.len() as f64
    };
    let mean_loss = mean(|outcome| outcome.loss);
    let squares: f64 = there.iter().map(|outcome| (outcome.loss - mean_loss).powi(2)).sum();
    Some(Row {
        equal,
        depth,
        losses: there.iter().map(|outcome| outcome.loss).collect(),
        mean_loss,
        std_loss: (there.len() > 1).then(|| (squares / (there.len() - 1) as f64).sqrt()),
        steps: mean(|outcome| outcome.steps as f64),
        parameters: first.parameters,
        flops_per_token: first.flops_per_token,
        training_flops: mean(|outcome| outcome.training_flops),
        minutes: mean(|outcome| outcome.seconds) / 60.0,
        seeds,
    })
}

/// Prints rows as a table.
pub struct Table<'a>(pub &'a [Row]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for equal in [Equal::Settings, Equal::Compute] {
            let rows: Vec<_> = self.0.iter().filter(|row| row.equal == equal).collect();
            if rows.is_empty() {
                continue;
            }
            writeln!(f, "{}", equal.explained())?;
            writeln!(
                f,
                "depth    steps  loss               parameters  FLOPs/token  training FLOPs  minutes"
            )?;
            for row in rows {
                let spread =
                    row.std_loss.map_or("one seed".into(), |spread| format!("± {spread:.4}"));
                writeln!(
                    f,
                    "{:5}  {:>7}  {:.4} {spread:<10}  {:>10}  {:>11.3e}  {:>14.3e}  {:>7.2}",
                    row.depth,
                    thousands(row.steps.round() as u64),
                    row.mean_loss,
                    thousands(row.parameters as u64),
                    row.flops_per_token,
                    row.training_flops,
                    row.minutes,
                )?;
            }
        }
        write!(
            f,
            "loss: best checkpoint at its trained depth, nats per token over the whole validation split; \
             ±: standard deviation over seeds"
        )
    }
}

impl Equal {
    /// A heading for the table.
    pub fn explained(self) -> &'static str {
        match self {
            Self::Settings => "equal settings: every depth makes the same number of steps",
            Self::Compute => "equal compute: every depth spends the same training FLOPs",
        }
    }
}

#[cfg(test)]
mod tests {
    use trm_spec::RunConfig;

    use super::*;

    fn outcome(loss: f64) -> Outcome {
        Outcome {
            loss,
            steps: 10,
            parameters: 1234,
            flops_per_token: 1e6,
            training_flops: 1e9,
            seconds: 90.0,
        }
    }

    #[test]
    fn rows_are_means_with_the_deviation_of_a_sample() {
        let equal = [Equal::Settings];
        let plan =
            SweepPlan::new(&RunConfig::default(), &[1, 2], &[7, 8, 9], &equal, 65).expect("a plan");
        let mut outcomes: Vec<_> = [1.0, 2.0, 3.0, 5.0].map(|loss| Some(outcome(loss))).into();
        outcomes.extend([None, None]);
        let rows = rows(&plan, &outcomes);
        assert_eq!((rows[0].mean_loss, rows[0].std_loss, rows[0].minutes), (2.0, Some(1.0), 1.5));
        assert_eq!(rows[0].seeds, [7, 8, 9]);
        // Only one run of the second depth is complete.
        assert_eq!((rows[1].mean_loss, rows[1].std_loss), (5.0, None));
        assert_eq!(rows[1].seeds, [7]);
        let table = Table(&rows).to_string();
        assert!(table.contains("2.0000 ± 1.0000") && table.contains("one seed"), "{table}");
        assert!(table.contains("1,234") && !table.contains("equal compute"), "{table}");
        // The columns are aligned.
        let ends: Vec<_> = table.lines().skip(1).take(3).map(str::len).collect();
        assert!(ends[0] == ends[2], "{table}");
    }

    #[test]
    fn an_outcome_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(Outcome::read(folder.path()).expect("nothing there"), None);
        outcome(1.5).write(folder.path()).expect("written");
        assert_eq!(Outcome::read(folder.path()).expect("readable"), Some(outcome(1.5)));
        std::fs::write(folder.path().join(RESULT), "{").expect("written");
        let error = Outcome::read(folder.path()).expect_err("broken").to_string();
        assert!(error.contains("result.json cannot be read; remove it"), "{error}");
    }
}
