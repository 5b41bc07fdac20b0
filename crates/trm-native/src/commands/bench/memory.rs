//! Measures the peak memory of a training step by batch size and depth, with and
//! without gradient checkpointing. Each measurement runs in its own process.

use std::process::Command;

use anyhow::Context;
use pollster::block_on;
use serde::Serialize;
use serde_json::{Value, json};
use trm_spec::{RunConfig, overlay};

use super::common::fresh;
use crate::machine::device::{self, DeviceChoice};
use crate::terminal::output::print;
use crate::terminal::report::{say, usage};

/// Batch sizes (rows of 64 tokens), at depth 4.
const BATCHES: [usize; 4] = [12, 24, 48, 96];
/// Depths, at batch size 12.
const DEPTHS: [usize; 5] = [1, 2, 4, 8, 16];

/// Peak memory of a step as one size grows.
#[derive(Serialize)]
pub struct Growth {
    /// The size that grows: `batch_size` or `recursion_steps`.
    along: &'static str,
    gradient_checkpointing: bool,
    /// Pairs of size and peak memory in bytes.
    peaks: Vec<(usize, u64)>,
    /// Bytes per unit of the size, between the first and the last.
    bytes_each: f64,
}

/// Measures both sizes, each with and without gradient checkpointing.
///
/// # Errors
/// If a process fails or the system does not report peak memory.
pub fn measure() -> anyhow::Result<Vec<Growth>> {
    let mut growths = Vec::new();
    for (along, sizes) in [("batch_size", &BATCHES[..]), ("recursion_steps", &DEPTHS[..])] {
        for gradient_checkpointing in [false, true] {
            let mut peaks = Vec::new();
            for &size in sizes {
                let mut settings = json!({
                    "hidden_size": 128, "num_heads": 4, "block_size": 64, "batch_size": 12,
                    "recursion_steps": 4, "objective": "every_cycle",
                    "gradient_checkpointing": gradient_checkpointing,
                });
                settings[along] = json!(size);
                say!("measuring {along} {size}, gradient_checkpointing {gradient_checkpointing} …");
                peaks.push((size, in_a_process(&settings)?));
            }
            let ((low, first), (high, last)) = (peaks[0], peaks[peaks.len() - 1]);
            let bytes_each = (last as f64 - first as f64) / (high - low) as f64;
            growths.push(Growth { along, gradient_checkpointing, peaks, bytes_each });
        }
    }
    Ok(growths)
}

/// Refuses `--memory` where the system does not report `peak`, before anything is timed.
///
/// # Errors
/// If there is none.
pub fn expect_reported(peak: Option<u64>) -> anyhow::Result<()> {
    match peak {
        Some(_) => Ok(()),
        None => Err(usage!(
            "this system does not report the peak memory of a process, which --memory measures; leave it out"
        )),
    }
}

/// Prints the measurements.
///
/// # Errors
/// If standard output cannot be written.
pub fn show(growths: &[Growth]) -> anyhow::Result<()> {
    print(
        "peak memory of a training step (hidden_size 128, num_heads 4, n_layers 2, block_size 64, objective every_cycle)",
    )?;
    for pair in growths.chunks(2) {
        for growth in pair {
            let peaks: Vec<String> = growth
                .peaks
                .iter()
                .map(|(size, peak)| format!("{size}: {} MB", peak / 1_000_000))
                .collect();
            print(&format!(
                "  {} {:<22} {}; {:.2} MB per unit",
                growth.along,
                if growth.gradient_checkpointing {
                    "with checkpointing"
                } else {
                    "without checkpointing"
                },
                peaks.join(", "),
                growth.bytes_each / 1e6
            ))?;
        }
        if let [plain, checkpointed] = pair {
            let ratio = checkpointed.bytes_each / plain.bytes_each;
            print(&format!("  with checkpointing it grows {ratio:.2} times as fast"))?;
        }
    }
    Ok(())
}

/// Measures one step in a new process of this program.
fn in_a_process(settings: &Value) -> anyhow::Result<u64> {
    let output = Command::new(std::env::current_exe()?)
        .args(["bench", "--peak-of", &settings.to_string()])
        .output()
        .context("the process that measures memory could not be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| {
        format!("the memory was not measured: {}", String::from_utf8_lossy(&output.stderr).trim())
    })
}

/// Trains two steps with `settings` (JSON) on the CPU and prints the peak memory in bytes.
///
/// # Errors
/// If the settings do not fit together or the system does not report peak memory.
pub fn peak_of(settings: &str) -> anyhow::Result<()> {
    let config = overlay(&RunConfig::default(), &serde_json::from_str(settings)?)?;
    let mut run = fresh(&config, &device::open(DeviceChoice::Cpu)?)?;
    reset_peak();
    block_on(run.steps(2))?;
    print(&peak().context("this system does not report the peak memory of a process")?.to_string())
}

/// Starts a new measurement of the peak.
pub fn reset_peak() {
    if cfg!(target_os = "linux") {
        // Without permission the peak is that of the whole process.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }
}

/// Peak memory of this process in bytes, where the system reports it.
pub fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_is_refused_where_it_is_not_reported() {
        let error = super::expect_reported(None).expect_err("refused");
        assert_eq!(crate::terminal::report::code(&error), 2);
        assert!(error.to_string().contains("--memory"), "{error}");
        super::expect_reported(Some(1)).expect("reported");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_is_at_least_the_allocated_memory() {
        let held = vec![1_u8; 32 << 20];
        assert!(super::peak().expect("Linux reports it") >= held.len() as u64);
    }
}
