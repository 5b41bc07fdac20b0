//! Weights that lie in several files, as an index (`*.index.json`) lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::run_dir;
use crate::terminal::report::usage;

/// Which file holds each tensor.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files that an index names, all beside it.
///
/// # Errors
/// If it is no index, or names a file elsewhere.
pub fn parts(index: &Path) -> anyhow::Result<BTreeSet<String>> {
    let bytes = run_dir::read(index)?;
    let Index { weight_map } = trm_spec::read_json_bytes(&bytes)
        .with_context(|| format!("{} is no index of weights", index.display()))?;
    let files: BTreeSet<String> = weight_map.into_values().collect();
    let plain = |name: &&String| Path::new(name.as_str()).file_name() == Some(name.as_ref());
    match files.iter().find(|name| !plain(name)) {
        Some(name) => Err(usage!("{} names `{name}`, which is not beside it", index.display())),
        None => Ok(files),
    }
}
