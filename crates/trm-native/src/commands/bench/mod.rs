//! `bench`: how long a training step of a language model and of a puzzle solver
//! takes here and on what the time goes, how fast text is written, and how much
//! memory a step takes.

mod generation;
mod memory;
mod subjects;

use std::time::Instant;

use pollster::block_on;
use serde::Serialize;
use serde_json::json;
use trm_data::Corpus;
use trm_kernels::profile;
use trm_spec::{Family, Lessons, RunConfig};
use trm_train::{Material, Run};

use self::subjects::Subject;
use super::{print, print_json};
use crate::args::{self, BenchPart};
use crate::device::{self, Chosen};
use crate::report::usage;

/// Steps before the first timed one.
const WARMUP: usize = 3;

#[derive(Serialize)]
struct Measured {
    name: &'static str,
    parameters: usize,
    batch_size: usize,
    block_size: usize,
    runs: usize,
    steps_per_run: usize,
    ms_per_step: Spread,
    tokens_per_second: f64,
    /// Supervision steps of a puzzle in a second: rows of the batch by the time of
    /// a step; puzzle solvers only.
    puzzle_steps_per_second: Option<f64>,
    /// Share of the time in the matrix products of linear maps; the CPU's only.
    matrix_products: Option<f64>,
    /// Share of the time in attention, its own matrix products included; the CPU's only.
    attention: Option<f64>,
    /// Most memory the process held, where the system tells.
    peak_memory_bytes: Option<u64>,
}

#[derive(Clone, Copy, Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

pub fn run(typed: &args::Bench) -> anyhow::Result<()> {
    if let Some(settings) = &typed.peak_of {
        return memory::peak_of(settings);
    }
    if typed.runs == 0 {
        return Err(usage!("--runs must be at least 1"));
    }
    if let Some(threads) = typed.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    let device = device::open(typed.device)?;
    let mut measured = Vec::new();
    let asked = |part| typed.part.is_none_or(|only| only == part);
    for subject in subjects::all().into_iter().filter(|subject| asked(subject.part)) {
        eprintln!("timing {} on {} …", subject.name, device.name);
        measured.push(measure(&subject, typed.runs, &device)?);
    }
    let generation = match asked(BenchPart::Texts) {
        true => {
            eprintln!("timing generation …");
            Some(generation::measure(typed.runs, &device)?)
        }
        false => None,
    };
    let memory = if typed.memory { Some(memory::measure()?) } else { None };
    if typed.json {
        return print_json(&json!({
            "device": device.name,
            "threads": device::threads(),
            "configurations": measured,
            "generation": generation,
            "memory": memory,
        }));
    }
    print(&format!("{}; medians of {} runs", device.name, typed.runs))?;
    measured.iter().try_for_each(|one| print(&line(one)))?;
    generation.map_or(Ok(()), |generation| generation::show(&generation))?;
    memory.map_or(Ok(()), |memory| memory::show(&memory))
}

/// A run of `config` with fresh weights, on Tiny Shakespeare or on puzzles that are
/// made here.
fn fresh(config: &RunConfig, device: &Chosen) -> anyhow::Result<Box<dyn Run>> {
    let material = if config.model.family() == Family::Puzzles {
        Material::new(&Lessons::Puzzles, config, None)?
    } else {
        let text = trm_data::shakespeare();
        Corpus::from_text("shakespeare", text, config.data.val_fraction)?.into()
    };
    Ok(trm_train::create(config, material, &device.device)?)
}

fn measure(subject: &Subject, runs: usize, device: &Chosen) -> anyhow::Result<Measured> {
    memory::forget_peak();
    let config = subject.config()?;
    let mut run = fresh(&config, device)?;
    block_on(run.steps(WARMUP))?;

    profile::take();
    let mut times = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        block_on(run.steps(subject.steps))?;
        times.push(start.elapsed().as_secs_f64() * 1e3 / subject.steps as f64);
    }
    let kernels = profile::take();

    let whole_ns = times.iter().sum::<f64>() * subject.steps as f64 * 1e6;
    let share = |ns: u64| (!device.is_gpu && ns > 0).then(|| ns as f64 / whole_ns);
    let ms_per_step = spread(times);
    let block_size = config.model.length();
    let rows = config.train.batch_size;
    let per_second = |count: usize| count as f64 * 1e3 / ms_per_step.median;
    Ok(Measured {
        name: subject.name,
        parameters: run.summary().parameters,
        batch_size: rows,
        block_size,
        runs,
        steps_per_run: subject.steps,
        tokens_per_second: per_second(config.tokens_per_step()),
        puzzle_steps_per_second: (config.model.family() == Family::Puzzles)
            .then(|| per_second(rows)),
        ms_per_step,
        matrix_products: share(kernels.linear_ns),
        attention: share(kernels.attention_ns),
        peak_memory_bytes: memory::peak(),
    })
}

fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    Spread { median: (low + high) / 2.0, min: values[0], max: values[values.len() - 1] }
}

fn line(one: &Measured) -> String {
    let percent =
        |share: Option<f64>| share.map_or("–".into(), |s| format!("{:.0} %", s * 100.0));
    let memory = one.peak_memory_bytes.map_or("–".into(), |b| format!("{} MB", b / 1_000_000));
    let speed = match one.puzzle_steps_per_second {
        Some(steps) => format!("{steps:.1} puzzles × supervision steps/s"),
        None => format!("{:.0} tokens/s", one.tokens_per_second),
    };
    format!(
        "{}\n  {:.1} ms a step ({:.1} to {:.1}), {speed}, matrix products {}, attention {}, peak memory {}",
        one.name,
        one.ms_per_step.median,
        one.ms_per_step.min,
        one.ms_per_step.max,
        percent(one.matrix_products),
        percent(one.attention),
        memory
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let odd = spread(vec![3.0, 1.0, 2.0]);
        assert_eq!((odd.median, odd.min, odd.max), (2.0, 1.0, 3.0));
        assert_eq!(spread(vec![4.0, 1.0, 3.0, 2.0]).median, 2.5);
    }
}
