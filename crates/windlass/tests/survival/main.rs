//! `kill -9` at any moment: Windlass ends as if it had never been killed, loses no acknowledged write, and takes each effect
//! as often as without.
//!
//! The same wishes are carried out twice by the real program: undisturbed, and with kills at seeded moments. What stands in the
//! end is compared, and everything that was done is judged by the approved plans. `cargo xtask acceptance survival` is the long
//! form. Start with [`journey`].
#![expect(clippy::print_stdout, reason = "which phase each kill hit is the result of a trial")]
#![expect(clippy::expect_used, reason = "a test's helpers fail as the test does")]

mod audit;
mod journey;
mod outcome;
mod phases;
mod platform;
mod snapshot;
mod wishes;

use journey::{Journey, Report, moments};
use phases::Phase;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::str::FromStr;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinError;

/// A number from the environment, which `cargo xtask acceptance survival` sets.
fn number<T: FromStr<Err: Debug>>(name: &str, otherwise: T) -> T {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// What differs, line by line.
fn difference(undisturbed: &BTreeSet<String>, killed: &BTreeSet<String>) -> Vec<String> {
    let gone = undisturbed.difference(killed).map(|line| format!("- {line}"));
    let new = killed.difference(undisturbed).map(|line| format!("+ {line}"));
    gone.chain(new).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_seeded_moments_it_ends_as_if_it_had_never_been_killed() {
    let seed = number("WINDLASS_SURVIVAL_SEED", 1);
    let kills: usize = number("WINDLASS_SURVIVAL_KILLS", 7);
    let instances = number("WINDLASS_SURVIVAL_INSTANCES", 8);
    let whole = number("WINDLASS_SURVIVAL_EVERY_PHASE", 0) == 1;
    println!("seed {seed}, {kills} kills, {instances} instances");
    let rounds = wishes::rounds(instances, kills.div_ceil(25).max(1));
    let moments = moments(seed, kills, rounds.len());
    let undisturbed = tokio::spawn(Journey::new(rounds.clone(), Vec::new(), false).run());
    let killed = tokio::spawn(Journey::new(rounds, moments, whole).run());
    // Told to end, it ends as a test that failed: with everything that it started.
    let mut terminate = signal(SignalKind::terminate()).expect("a signal");
    let (undisturbed, killed) = tokio::select! {
        both = async { tokio::join!(undisturbed, killed) } => both,
        _ = terminate.recv() => panic!("it was told to end"),
    };
    let came = |trial: Result<Report, JoinError>| trial.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    let (undisturbed, killed) = (came(undisturbed), came(killed));
    for phase in Phase::ALL {
        println!("{:>5} × {phase:?}", killed.hits.get(&phase).copied().unwrap_or_default());
    }
    assert_eq!(undisturbed.faults, Vec::<String>::new(), "without kills");
    assert_eq!(killed.faults, Vec::<String>::new(), "with kills");
    assert_eq!(difference(&undisturbed.standing, &killed.standing), Vec::<String>::new(), "what stands differs");
    assert_eq!(difference(&undisturbed.deletions, &killed.deletions), Vec::<String>::new(), "the record of deletions differs");
    assert_eq!(difference(&undisturbed.counted, &killed.counted), Vec::<String>::new(), "effects were taken more or less often");
    let missed: Vec<Phase> = Phase::ALL.into_iter().filter(|phase| !killed.hits.contains_key(phase)).collect();
    assert!(!whole || missed.is_empty(), "no kill hit {missed:?}");
}
