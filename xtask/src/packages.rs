//! The system packages that tests need, installed with `apt-get` where that is possible.
//!
//! A developer's own machine is not changed without a word: each install is said, and on a machine without `apt-get` or
//! without the right to use it the hint says what to install by hand.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{process, project};

/// A program and the Debian packages that bring it.
struct Wanted {
    program: &'static str,
    packages: &'static [&'static str],
    why: &'static str,
}

const WANTED: [Wanted; 1] =
    [Wanted { program: "chromium", packages: &["chromium", "fonts-dejavu-core"], why: "the portal is tested in a browser" }];

/// Installs what is missing. Fails only when nobody is there to do it by hand.
pub(crate) fn install_missing() -> Result<()> {
    let missing: Vec<&Wanted> = WANTED.iter().filter(|wanted| project::on_path(wanted.program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for wanted in &missing {
        println!("    `{}` is missing: {}", wanted.program, wanted.why);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|wanted| wanted.packages.iter().copied()).collect();
    let can_install = project::on_path("apt-get").is_some() && rustix::process::geteuid().is_root();
    if !can_install {
        let hint = format!("hint: install {}", packages.join(" "));
        if project::is_ci() {
            bail!("the tests need programs that are not here and cannot be installed\n{hint}");
        }
        println!("    {hint}; the tests that need them will say so");
        return Ok(());
    }
    process::stage("apt-get update", apt().args(["update", "-qq"]))?;
    process::stage(
        &format!("apt-get install {}", packages.join(" ")),
        apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&packages),
    )?;
    Ok(())
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    // Another apt-get may be at work on a shared machine: wait for it instead of failing.
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=300"]);
    command
}
