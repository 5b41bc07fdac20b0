//! Training on several ranks: threads of one process, and processes that MPI starts.

pub mod launch;
#[cfg(feature = "mpi")]
pub mod mpi;
mod panics;
pub mod replicas;
pub mod shared_run;
