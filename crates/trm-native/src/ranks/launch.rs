//! Whether a launcher such as `mpirun` started this process as one of several.

use crate::terminal::report::usage;

/// The variables in which launchers set the number of processes: Open MPI's `mpirun`, that of
/// MPICH and Intel, and Slurm's `srun` (`SLURM_NTASKS` is set in a batch script too).
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"];

/// The number of processes that were started together.
pub fn processes() -> usize {
    largest(SIZES.iter().filter_map(|name| std::env::var(name).ok()))
}

/// Whether a launcher started this process, alone or as one of several.
pub fn is_launched() -> bool {
    SIZES.iter().any(|name| std::env::var_os(name).is_some())
}

fn largest(sizes: impl Iterator<Item = String>) -> usize {
    sizes.filter_map(|size| size.parse().ok()).max().unwrap_or(1)
}

/// Refuses a command that several processes would only repeat.
///
/// # Errors
/// If a launcher started several.
pub fn expect_one_process(command: &str) -> anyhow::Result<()> {
    match processes() {
        0 | 1 => Ok(()),
        processes => Err(usage!(
            "{processes} processes were started, but `{command}` is for one; only `train` shares its work"
        )),
    }
}

/// The error of a program without MPI that was started several times.
#[cfg(not(feature = "mpi"))]
pub fn without_mpi(processes: usize) -> anyhow::Error {
    trm_spec::Failure::new(
        trm_spec::FailureKind::Config,
        format!(
            "{processes} processes were started, but this program was built without MPI: each \
             would train a run of its own in the same folder"
        ),
        "Build it with `cargo build --release --workspace --exclude trm-wasm --features \
         trm-native/mpi`; docs/scaling.md lists the packages that this needs.",
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_processes_is_the_largest_of_all_variables() {
        let largest = |sizes: &[&str]| largest(sizes.iter().map(|size| (*size).to_owned()));
        assert_eq!([largest(&[]), largest(&["1"]), largest(&["no number"])], [1, 1, 1]);
        assert_eq!(largest(&["1", "4"]), 4);
    }
}
