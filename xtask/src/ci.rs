//! `cargo xtask ci`: everything that must hold before a change is taken, cheapest first, each stage with its seconds.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::{licences, process, project, test, tidy};

pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(arguments);
        command
    };
    process::stage("format", &mut cargo(&["fmt", "--all", "--", "--check"]))?;
    println!("\n==> tidy");
    tidy::run(false)?;
    println!("\n==> licences");
    licences::run()?;
    process::stage("lints", &mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]))?;
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--locked", "--quiet", "--document-private-items"]);
    process::stage("documentation", docs.env("RUSTDOCFLAGS", "-D warnings"))?;
    // The README's first command builds this; printed, because it has a budget of 720 s from clean on two cores.
    let seconds = process::stage("release build", &mut cargo(&["build", "--release", "--locked", "--package", "windlass"]))?;
    println!("    release build: {:.0} s of at most 720 s from clean", seconds.as_secs_f64());
    let counted = test::all()?;
    println!("\n    everything together: {:.0} s{}", start.elapsed().as_secs_f64(), if project::is_ci() { "" } else { " (not in CI)" });
    counted.close()
}
