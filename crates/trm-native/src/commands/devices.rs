//! `devices`: lists the CPU and the GPUs, and which one `auto` uses.

use serde_json::json;

use crate::machine::device::{self, DeviceChoice};
use crate::terminal::output::{print, print_json};

/// Runs the command.
///
/// # Errors
/// If standard output cannot be written.
pub fn run(as_json: bool) -> anyhow::Result<()> {
    let adapters = device::adapters();
    let (number, reason) = device::select(DeviceChoice::Auto, &adapters)?;
    let auto = number.map_or(DeviceChoice::Cpu, DeviceChoice::Gpu);
    if as_json {
        return print_json(&json!({
            "cpu": { "name": device::cpu_name(), "threads": device::threads() },
            "gpus": adapters,
            "auto": auto.to_string(),
            "reason": reason,
        }));
    }
    print(&format!("cpu    {}", device::cpu_name()))?;
    for (number, adapter) in adapters.iter().enumerate() {
        let kind = format!("{:?}", adapter.kind).to_lowercase();
        print(&format!("gpu:{number}  {adapter}, {kind}"))?;
    }
    print(&format!("--device auto uses {auto}: {reason}"))
}
