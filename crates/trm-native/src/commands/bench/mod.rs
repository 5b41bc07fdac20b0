//! `bench`: times training steps and text generation on this machine, and measures the
//! memory of a step.

mod common;
mod configurations;
mod decoder;
mod generation;
mod images;
mod memory;

use std::num::NonZeroUsize;
use std::time::Instant;

use pollster::block_on;
use serde::Serialize;
use serde_json::json;
use trm_kernels::profile;
use trm_spec::Family;

use self::common::{Spread, fresh, fresh_on};
use self::configurations::Configuration;
use crate::args::{self, BenchPart};
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::{self, OpenDevice};
use crate::terminal::count::counted;
use crate::terminal::output::{print, print_json};
use crate::terminal::report::{say, usage};

/// Steps before the first timed one.
const WARMUP: usize = 3;

/// The timing of one configuration.
#[derive(Serialize)]
struct StepTiming {
    name: &'static str,
    parameters: usize,
    batch_size: usize,
    block_size: usize,
    runs: usize,
    steps_per_run: usize,
    ms_per_step: Spread,
    tokens_per_second: f64,
    /// Puzzles × supervision steps per second, that is the batch size divided by the
    /// time of a step; puzzle models only.
    puzzle_steps_per_second: Option<f64>,
    /// Share of the time in matrix products of linear maps; CPU only.
    matrix_products: Option<f64>,
    /// Share of the time in attention, including its matrix products; CPU only.
    attention: Option<f64>,
    /// Peak memory of the process, where the system reports it.
    peak_memory_bytes: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// If the device cannot be opened or a step fails.
pub fn run(typed: &args::Bench) -> anyhow::Result<()> {
    if let Some(settings) = &typed.peak_of {
        return memory::peak_of(settings);
    }
    if typed.runs == 0 {
        return Err(usage!("--runs must be at least 1"));
    }
    if typed.memory {
        memory::expect_reported(memory::peak())?;
    }
    if let Some(threads) = typed.threads {
        if let Some(warning) = too_many(threads, std::thread::available_parallelism().ok()) {
            say!("{warning}");
        }
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    let base = match (&typed.base, typed.part) {
        (Some(path), None | Some(BenchPart::Questions)) => Some(BaseOnDisk::read(path)?),
        (Some(_), _) => return Err(usage!("--base is for --part questions")),
        (None, Some(BenchPart::Questions)) => {
            return Err(usage!(
                "--part questions needs --base FILE, a pretrained decoder as a checkpoint or a GGUF file"
            ));
        }
        (None, _) => None,
    };
    let device = device::open(typed.device)?;
    let mut measured = Vec::new();
    let wanted = |part| match typed.part {
        Some(only) => only == part,
        None => part != BenchPart::Questions || base.is_some(),
    };
    for configuration in configurations::all().into_iter().filter(|one| wanted(one.part)) {
        say!("timing {} on {} …", configuration.name, device.name);
        measured.push(measure(&configuration, typed.runs, base.as_ref(), &device)?);
    }
    let generation = match wanted(BenchPart::Texts) {
        true => {
            say!("timing generation …");
            Some(generation::measure(typed.runs, &device)?)
        }
        false => None,
    };
    let features = match wanted(BenchPart::Images) {
        true => {
            say!("timing the features of a ViT …");
            Some(images::features(typed.runs, &device)?)
        }
        false => None,
    };
    let decoder = match &base {
        Some(base) => {
            say!("timing the decoder …");
            Some(decoder::measure(typed.runs, base, &device)?)
        }
        None => None,
    };
    let memory = if typed.memory { Some(memory::measure()?) } else { None };
    if typed.json {
        return print_json(&json!({
            "device": device.name,
            "threads": device::threads(),
            "configurations": measured,
            "generation": generation,
            "features": features,
            "decoder": decoder,
            "memory": memory,
        }));
    }
    let runs = counted(typed.runs, "runs");
    print(&format!("{}; median of {runs} (minimum to maximum)", device.name))?;
    measured.iter().try_for_each(|one| print(&line(one)))?;
    generation.map_or(Ok(()), |generation| generation::show(&generation))?;
    features.map_or(Ok(()), |features| print(&images::line(&features)))?;
    decoder.map_or(Ok(()), |decoder| decoder::show(&decoder))?;
    memory.map_or(Ok(()), |memory| memory::show(&memory))
}

/// What to say of more threads than cores, which wait for one another.
fn too_many(threads: usize, cores: Option<NonZeroUsize>) -> Option<String> {
    let cores = cores?.get();
    (threads > cores).then(|| {
        format!(
            "warning: {threads} threads on {}: they wait for each other, which makes the times longer; give --threads {cores} or fewer",
            counted(cores, "cores")
        )
    })
}

fn measure(
    configuration: &Configuration,
    runs: usize,
    base: Option<&BaseOnDisk>,
    device: &OpenDevice,
) -> anyhow::Result<StepTiming> {
    memory::reset_peak();
    let config = configuration.config()?;
    let folder = tempfile::tempdir()?;
    let mut run = match base.filter(|_| configuration.part == BenchPart::Questions) {
        Some(base) => fresh_on(base, folder.path(), &config, device)?,
        None => fresh(&config, device)?,
    };
    block_on(run.steps(WARMUP))?;

    profile::take();
    let mut times = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        block_on(run.steps(configuration.steps))?;
        times.push(start.elapsed().as_secs_f64() * 1e3 / configuration.steps as f64);
    }
    let kernels = profile::take();

    let whole_ns = times.iter().sum::<f64>() * configuration.steps as f64 * 1e6;
    let share = |ns: u64| (!device.is_gpu && ns > 0).then(|| ns as f64 / whole_ns);
    let ms_per_step = Spread::of(times);
    let block_size = config.model.length();
    let rows = config.train.batch_size;
    let per_second = |count: usize| count as f64 * 1e3 / ms_per_step.median;
    Ok(StepTiming {
        name: configuration.name,
        parameters: run.summary().parameters,
        batch_size: rows,
        block_size,
        runs,
        steps_per_run: configuration.steps,
        tokens_per_second: per_second(config.tokens_per_step()),
        puzzle_steps_per_second: match config.model.family() {
            Family::Puzzles => Some(per_second(rows)),
            Family::Language | Family::Images | Family::Questions => None,
        },
        ms_per_step,
        matrix_products: share(kernels.linear_ns),
        attention: share(kernels.attention_ns),
        peak_memory_bytes: memory::peak(),
    })
}

fn line(one: &StepTiming) -> String {
    let percent =
        |share: Option<f64>| share.map_or("–".into(), |s| format!("{:.0} %", s * 100.0));
    let memory = one.peak_memory_bytes.map_or("–".into(), |b| format!("{} MB", b / 1_000_000));
    let speed = match one.puzzle_steps_per_second {
        Some(steps) => format!("{steps:.1} puzzles × supervision steps/s"),
        None => format!("{:.0} tokens/s", one.tokens_per_second),
    };
    format!(
        "{}\n  {:.1} ms per step ({:.1} to {:.1}), {speed}; time in matrix products {}, in attention {}; peak memory {}",
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
    fn more_threads_than_cores_are_warned_of() {
        let four = NonZeroUsize::new(4);
        assert_eq!((too_many(4, four), too_many(99, None)), (None, None));
        let warning = too_many(99, four).expect("too many");
        assert!(warning.starts_with("warning: 99 threads on 4 cores: "), "{warning}");
        assert!(warning.ends_with("--threads 4 or fewer"), "{warning}");
    }
}
