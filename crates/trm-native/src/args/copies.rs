//! The flags of several copies of each puzzle, which `eval` and `solve` share.

use clap::{Arg, ArgMatches};
use trm_train::{Copies, MOST_COPIES};

use super::common::{not_negative, option, up_to};

/// Flags for several copies of each puzzle.
pub fn arguments() -> [Arg; 3] {
    [
        option(
            "augmentations",
            "K",
            "Sudokus and mazes: solve K augmented copies of each puzzle (digits permuted, rows and columns permuted, rotated or reflected) and keep one answer [default: 1, the original puzzle]",
        )
        .value_parser(up_to::<MOST_COPIES>),
        option(
            "chains",
            "C",
            "Run every copy C times with different noise, K × C at most 1024; needs --state-noise [default: 1]",
        )
        .requires("state-noise")
        .value_parser(up_to::<MOST_COPIES>),
        option(
            "state-noise",
            "SIGMA",
            "Standard deviation of the noise added to the latent state before every supervision step; with several chains, the first has no noise [default: 0]",
        )
        .value_parser(not_negative),
    ]
}

/// The copies that were asked for.
pub fn of(matches: &ArgMatches) -> Copies {
    let default = Copies::default();
    let count = |name| matches.get_one(name).copied();
    Copies {
        augmentations: count("augmentations").unwrap_or(default.augmentations),
        chains: count("chains").unwrap_or(default.chains),
        state_noise: matches.get_one("state-noise").copied().unwrap_or(default.state_noise),
        choice: matches.try_get_one("choose").ok().flatten().copied().unwrap_or(default.choice),
        seed: default.seed,
    }
}
