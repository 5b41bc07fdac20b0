//! How much memory a training step takes, and how that grows with the batch and
//! with the depth, with gradient checkpointing and without. Each figure comes
//! from a process of its own, so that none inherits another's memory.

use std::process::Command;

use anyhow::Context;
use pollster::block_on;
use serde::Serialize;
use serde_json::{Value, json};
use trm_spec::{RunConfig, overlay};

use super::fresh;
use crate::commands::print;
use crate::device;

/// Batches of 64 tokens, at depth 4.
const BATCHES: [usize; 4] = [12, 24, 48, 96];
/// Depths, at a batch of 12.
const DEPTHS: [usize; 5] = [1, 2, 4, 8, 16];

/// Peak memory of a step against one of its sizes.
#[derive(Serialize)]
pub struct Growth {
    /// Which size grows: `batch_size` or `recursion_steps`.
    along: &'static str,
    gradient_checkpointing: bool,
    /// Size and peak, in bytes.
    peaks: Vec<(usize, u64)>,
    /// Bytes that one more of the size costs, between the first and the last.
    bytes_each: f64,
}

/// All four growths.
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
                eprintln!("measuring {along} {size}, checkpointing {gradient_checkpointing} …");
                peaks.push((size, in_a_process(&settings)?));
            }
            let ((low, first), (high, last)) = (peaks[0], peaks[peaks.len() - 1]);
            let bytes_each = (last as f64 - first as f64) / (high - low) as f64;
            growths.push(Growth { along, gradient_checkpointing, peaks, bytes_each });
        }
    }
    Ok(growths)
}

pub fn show(growths: &[Growth]) -> anyhow::Result<()> {
    print("peak memory of a step, width 128, 4 heads, 2 blocks, block 64, loss at every cycle")?;
    for pair in growths.chunks(2) {
        for growth in pair {
            let peaks: Vec<String> = growth
                .peaks
                .iter()
                .map(|(size, peak)| format!("{size}: {} MB", peak / 1_000_000))
                .collect();
            print(&format!(
                "  {} {:<24} {}; {:.2} MB each",
                growth.along,
                if growth.gradient_checkpointing { "with checkpointing" } else { "plainly" },
                peaks.join(", "),
                growth.bytes_each / 1e6
            ))?;
        }
        if let [plain, checkpointed] = pair {
            let ratio = checkpointed.bytes_each / plain.bytes_each;
            print(&format!("  grows {ratio:.2} times as fast with checkpointing"))?;
        }
    }
    Ok(())
}

/// Measures one step in a new process of this program.
fn in_a_process(settings: &Value) -> anyhow::Result<u64> {
    let output = Command::new(std::env::current_exe()?)
        .args(["bench", "--peak-of", &settings.to_string()])
        .output()
        .context("the process that measures memory cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| {
        format!("no peak was measured: {}", String::from_utf8_lossy(&output.stderr).trim())
    })
}

/// Prints the peak memory of a process that trains two steps of `settings` on the CPU.
pub fn peak_of(settings: &str) -> anyhow::Result<()> {
    let config = overlay(&RunConfig::default(), &serde_json::from_str(settings)?)?;
    let mut run = fresh(&config, &device::open(device::Choice::Cpu)?)?;
    forget_peak();
    block_on(run.steps(2))?;
    print(&peak().context("this system does not tell a process's peak memory")?.to_string())
}

/// Lets the peak be measured anew from here on.
pub fn forget_peak() {
    if cfg!(target_os = "linux") {
        // Where this is not allowed the peak is that of the whole process.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }
}

/// The most memory this process has held, where the system tells it.
pub fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_is_at_least_what_is_held() {
        let held = vec![1_u8; 32 << 20];
        assert!(super::peak().expect("Linux tells") >= held.len() as u64);
    }
}
