//! Where a rank runs, so that other ranks on the same machine can detect that it died.

use std::fs;

use serde::{Deserialize, Serialize};

/// A process of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The machine's name, for people.
    pub host: String,
    /// The running system and its numbering of processes; empty where that is not known.
    system: String,
    process: u32,
}

impl Peer {
    /// This process.
    pub fn this(host: String) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let numbering = fs::read_link("/proc/self/ns/pid").ok();
        let system = boot.zip(numbering);
        let system = system.map_or_else(String::new, |(boot, numbering)| {
            format!("{} {}", boot.trim(), numbering.display())
        });
        Self { host, system, process: std::process::id() }
    }

    /// Whether this process is known to be dead, as seen from `here`.
    pub fn is_dead(&self, here: &Self) -> bool {
        !self.system.is_empty() && self.system == here.system && !runs(self.process)
    }
}

/// Whether there is such a process that has not ended.
fn runs(process: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { return false };
    // The state follows the name, which may hold anything, in brackets.
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    !matches!(state, Some('Z' | 'X'))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_machine_can_be_known_to_be_dead() {
        let here = Peer::this("here".into());
        assert!(!here.is_dead(&here), "this test runs");
        let mut child = std::process::Command::new("true").spawn().expect("starts");
        let dead = Peer { process: child.id(), ..here.clone() };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while !dead.is_dead(&here) {
            assert!(std::time::Instant::now() < deadline, "a process that ended is still running");
        }
        child.wait().expect("ended");
        assert!(dead.is_dead(&here), "neither after it was waited for");
        for system in ["", "another machine"] {
            let elsewhere = Peer { system: system.into(), ..dead.clone() };
            assert!(!elsewhere.is_dead(&here));
        }
    }
}
