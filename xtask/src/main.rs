//! `cargo xtask`: what is done *to* the project rather than by it: checks, tests against real servers, releases.
//!
//! One module per command. Nothing here is part of the product, and nothing in the product may use it.
//! Start at [`ci`]: it is the whole list of what must hold before a change is taken.
#![expect(clippy::print_stdout, reason = "commands for people at a terminal: what they print is their result")]

mod acceptance;
mod bench;
mod browser;
mod ci;
mod cluster;
mod codegen;
mod components;
mod e2e;
mod embedded;
mod kubectl;
mod licences;
mod packages;
mod process;
mod project;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that must hold before a change is taken: format, lints, tidy, licences, docs, release build, tests
    Ci,
    /// The rules that no compiler checks: layers, purity, budgets, module heads, words, listed dependencies
    Tidy {
        /// Rewrite the list of functions over budget (it may only get shorter)
        #[arg(long)]
        shrink: bool,
    },
    /// Licences, sources and bans of all dependencies, against deny.toml
    Deny,
    /// Install what the tests need, then run every suite and print one closing line
    Test,
    /// Run one of the long proofs
    Acceptance {
        #[command(subcommand)]
        proof: acceptance::Proof,
    },
    /// Run the end-to-end suite against one server
    E2e(e2e::Arguments),
    /// Measure the release build, beside the real API server, and write docs/performance.md
    Bench(bench::Arguments),
    /// Walk through the portal in a real browser and keep pictures of every page
    Browser {
        /// Take the README's picture anew
        #[arg(long)]
        picture: bool,
    },
    /// Build the pinned Go programs that tests run against, or say where they are
    Components {
        /// Only these; all when left out
        names: Vec<String>,
    },
    /// Write the embedded API server's tables of built-in kinds, from the pinned Go modules
    Codegen {
        /// Only say whether they are up to date
        #[arg(long)]
        check: bool,
    },
    /// A real Kubernetes API server on loopback, for trying things by hand
    Cluster {
        #[command(subcommand)]
        command: ClusterCommand,
    },
}

#[derive(Subcommand)]
enum ClusterCommand {
    /// Start etcd, kube-apiserver and kube-controller-manager; prints the kubeconfig's path
    Up {
        /// Where state, logs and the kubeconfig go
        #[arg(long)]
        dir: PathBuf,
    },
    /// Stop what `up` started in this directory
    Down {
        /// The directory given to `up`
        #[arg(long)]
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Ci => ci::run(),
        Command::Tidy { shrink } => tidy::run(shrink),
        Command::Deny => licences::run(),
        Command::Test => test::run(),
        Command::Acceptance { proof } => acceptance::run(&proof),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Browser { picture } => browser::run(picture),
        Command::E2e(arguments) => e2e::run(&arguments),
        Command::Components { names } => components::run(&names),
        Command::Codegen { check } => codegen::run(check),
        Command::Cluster { command: ClusterCommand::Up { dir } } => cluster::up(&dir),
        Command::Cluster { command: ClusterCommand::Down { dir } } => cluster::down(&dir),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
