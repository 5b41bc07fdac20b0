//! Names of the files in the folder of a run.

pub const CONFIG: &str = "config.toml";
pub const BEST: &str = "best.safetensors";
pub const LAST: &str = "last.safetensors";
pub const OPTIMIZER: &str = "last.optim.safetensors";
/// The optimizer that belongs to `last` while the pair is being replaced.
pub const PREVIOUS: &str = "last.optim.previous.safetensors";
pub const METRICS: &str = "metrics.jsonl";
pub const RESULTS: &str = "results.json";
