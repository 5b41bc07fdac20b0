//! `devices`: what can compute here, and what `auto` takes and why.

use serde_json::json;

use super::{print, print_json};
use crate::device::{self, Choice};

pub fn run(as_json: bool) -> anyhow::Result<()> {
    let adapters = device::adapters();
    let (number, reason) = device::decide(Choice::Auto, &adapters)?;
    let auto = number.map_or(Choice::Cpu, Choice::Gpu);
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
    print(&format!("auto takes {auto}: {reason}"))
}
