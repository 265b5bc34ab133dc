//! `cargo xtask acceptance NAME`: the long proofs. Each has a short form with a fixed seed among the ordinary tests, so that
//! what it proves is looked at with every change; the long form is run before a release, or to look for a rare fault.

use anyhow::Result;
use clap::Subcommand;

use crate::test;

/// Which proof.
#[derive(Subcommand)]
pub(crate) enum Proof {
    /// Kill Windlass at seeded moments while instances are made, changed and deleted; compare with a run without kills
    Survival {
        /// The same seed gives the same moments
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How often it is killed
        #[arg(long, default_value_t = 50)]
        kills: usize,
        /// How many instances there are
        #[arg(long, default_value_t = 20)]
        instances: usize,
    },
}

/// `cargo xtask acceptance`.
pub(crate) fn run(proof: &Proof) -> Result<()> {
    match proof {
        Proof::Survival { seed, kills, instances } => {
            let environment = [
                ("WINDLASS_SURVIVAL_SEED", seed.to_string()),
                ("WINDLASS_SURVIVAL_KILLS", kills.to_string()),
                ("WINDLASS_SURVIVAL_INSTANCES", instances.to_string()),
                ("WINDLASS_SURVIVAL_EVERY_PHASE", "1".to_owned()),
            ];
            let arguments = ["--package", "windlass", "--test", "survival", "--", "--nocapture"];
            test::cargo_test("survival", &arguments, &environment)?.close()
        }
    }
}
