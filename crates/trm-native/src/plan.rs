//! What a training command will do: settings, data, start and output folder, derived
//! from what was typed. A plan is printed before training starts.

mod config;
mod fresh;
mod notes;
mod resume;
mod types;

pub use self::config::config_file;
#[cfg(feature = "mpi")]
pub use self::config::with_flags;
#[cfg(feature = "mpi")]
pub use self::fresh::fresh;
pub use self::fresh::{Base, base};
pub use self::notes::of_data;
pub use self::resume::as_decided;
pub use self::types::{Shown, Start, Train};
use crate::args;
use crate::machine::device::OpenDevice;

/// Plans a training command on `device`.
///
/// # Errors
/// If the arguments do not fit together or a file cannot be read.
pub fn train(typed: &args::Train, device: &OpenDevice) -> anyhow::Result<Train> {
    match &typed.resume {
        Some(path) => resume::resume(typed, &resume::folder_of(path)?),
        None => {
            let plan = fresh::fresh(typed, device)?;
            if typed.auto_resume { resume::auto_resume(plan) } else { Ok(plan) }
        }
    }
}
