//! The memory of a training step: estimated before it is needed and compared with what
//! there is. [`ending`] has what happens when an allocation fails all the same.

mod ending;

use std::fs;
use std::path::Path;

use trm_spec::{Failure, RunConfig, Vocab};
use trm_train::{StepMemory, check_buffer, check_memory, shown_bytes};

use crate::machine::device::OpenDevice;

pub use ending::{Ending, Unbegun, begins, has_begun};

/// What a training step is estimated to need, and what there is, for people to read.
pub fn described(config: &RunConfig, vocab: &Vocab, devices: &[OpenDevice]) -> String {
    let step = StepMemory::of(config, vocab.size()).rows(config.train.batch_size);
    let ranks = devices.iter().filter(|device| !device.is_gpu).count();
    if ranks == 0 {
        return format!(
            "about {} for a step; how much the GPU has is not known",
            shown_bytes(step)
        );
    }
    let available = available()
        .map_or_else(String::new, |bytes| format!(", {} available", shown_bytes(bytes as f64)));
    format!("about {} for a step{available}", shown_bytes(step * ranks as f64))
}

/// Refuses a run that cannot fit, and says which setting to lower.
///
/// # Errors
/// If more memory is needed than there is, or a larger buffer than a GPU gives.
pub fn check(config: &RunConfig, vocab: &Vocab, devices: &[OpenDevice]) -> Result<(), Failure> {
    let ranks = devices.iter().filter(|device| !device.is_gpu).count();
    let smaller = |failure| with_patch_size(failure, config);
    for buffer in devices.iter().filter_map(|device| device.largest_buffer) {
        check_buffer(config, vocab.size(), buffer).map_err(smaller)?;
    }
    match available() {
        Some(available) if ranks > 0 => {
            check_memory(config, vocab.size(), ranks, available).map_err(smaller)
        }
        _ => Ok(()),
    }
}

/// `failure` with a hint at the patches of a model of pixels, whose number grows with the square
/// of the image.
fn with_patch_size(mut failure: Failure, config: &RunConfig) -> Failure {
    if let Some(shape) = config.model.image().filter(|shape| shape.vit_depth == 0) {
        failure.hint += &format!(
            " Or give the model larger patches (patch_size, now {}; it must divide image_size {}).",
            shape.patch_size, shape.size
        );
    }
    failure
}

/// Bytes that this process may have: those that it has already, and the least of what the
/// machine has free, what its control group allows (versions 1 and 2) and what `ulimit`
/// allows.
pub fn available() -> Option<u64> {
    let free = meminfo();
    let groups = group_limits(Path::new("/sys/fs/cgroup"), &read("/proc/self/cgroup"));
    let free = [free, groups, process_limit()].into_iter().flatten().min()?;
    Some(free + kilobytes(&read("/proc/self/status"), "VmRSS:").unwrap_or(0))
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn meminfo() -> Option<u64> {
    let text = read("/proc/meminfo");
    let of = |key: &str| kilobytes(&text, key);
    Some(of("MemAvailable:")? + of("SwapFree:").unwrap_or(0))
}

/// The number of bytes in a line `KEY  123 kB`.
fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// What the control groups of `groups`, the content of `/proc/self/cgroup`, leave free.
fn group_limits(root: &Path, groups: &str) -> Option<u64> {
    let mut least = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, names) = match controllers {
            "" => (root.to_owned(), ["memory.max", "memory.current", "inactive_file"]),
            list if list.split(',').any(|one| one == "memory") => (
                root.join("memory"),
                ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"],
            ),
            _ => continue,
        };
        // Inside a container the group's own folder is the root.
        let mut folder = root.join(path.trim_start_matches('/'));
        loop {
            if let Some(free) = group_free(&folder, names) {
                least = Some(least.map_or(free, |least: u64| least.min(free)));
            }
            if folder == root || !folder.pop() {
                break;
            }
        }
    }
    least
}

fn group_free(folder: &Path, [limit, usage, cache]: [&str; 3]) -> Option<u64> {
    let number = |name: &str| read(folder.join(name)).trim().parse::<u64>().ok();
    // `max`, and numbers near the largest, mean that there is no limit.
    let limit = number(limit).filter(|limit| *limit < 1 << 60)?;
    let stat = read(folder.join("memory.stat"));
    let cached = stat.lines().find_map(|line| line.strip_prefix(cache)?.trim().parse::<u64>().ok());
    let used = number(usage).unwrap_or(0).saturating_sub(cached.unwrap_or(0));
    Some(limit.saturating_sub(used))
}

/// What `ulimit -v` and `ulimit -d` leave free.
fn process_limit() -> Option<u64> {
    let (limits, status) = (read("/proc/self/limits"), read("/proc/self/status"));
    let free = |name: &str, used: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
        let limit = line.split_whitespace().next()?.parse::<u64>().ok()?;
        Some(limit.saturating_sub(kilobytes(&status, used).unwrap_or(0)))
    };
    [free("Max address space", "VmSize:"), free("Max data size", "VmData:")]
        .into_iter()
        .flatten()
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_images_are_told_of_their_patches() {
        let base = crate::presets::config("digits").expect("a preset");
        let large = serde_json::json!({ "image_size": 224, "patch_size": 2 });
        let images = trm_spec::overlay(&base, &large).expect("settings");
        let hint = |config: &RunConfig| {
            let failure = check_memory(config, 0, 1, 1 << 20).expect_err("too much");
            with_patch_size(failure, config).hint
        };
        let said = hint(&images);
        assert!(said.contains("patch_size, now 2; it must divide image_size 224"), "{said}");
        assert!(!hint(&RunConfig::default()).contains("patch_size"));
    }

    #[test]
    fn the_least_limit_of_all_groups_counts() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        write("a/memory.max", "1000\n");
        write("a/memory.current", "300\n");
        write("a/memory.stat", "anon 1\ninactive_file 100\n");
        write("a/b/memory.max", "max\n");
        assert_eq!(group_limits(root.path(), "0::/a/b\n"), Some(800));
        assert_eq!(group_limits(root.path(), "0::/c\n"), None);
        write("memory/x/memory.limit_in_bytes", "5000\n");
        write("memory/x/memory.usage_in_bytes", "1000\n");
        assert_eq!(group_limits(root.path(), "4:cpu:/y\n5:memory:/x\n"), Some(4000));
        write("memory/x/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(group_limits(root.path(), "5:memory:/x\n"), None);
    }
}
