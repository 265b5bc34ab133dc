//! Which kubectl programs the suites run with: the oldest and the newest release that is supported.
//!
//! A machine may have several beside each other under one dispatching `kubectl`; the programs themselves are used then.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::{process, project};

/// The oldest and the newest release whose behaviour is promised.
pub(crate) const SUPPORTED: [&str; 2] = ["1.29", "1.33"];

/// One kubectl.
#[derive(Clone)]
pub(crate) struct Kubectl {
    /// Major and minor, such as `1.33`.
    pub(crate) release: String,
    /// The program.
    pub(crate) program: PathBuf,
}

/// Every supported kubectl on this machine, oldest first; the one on PATH when no supported one is found.
pub(crate) fn find() -> Result<Vec<Kubectl>> {
    let Some(default) = project::on_path("kubectl") else {
        bail!("kubectl is not on PATH\nhint: install kubectl {} or newer", SUPPORTED[0]);
    };
    let beside = default.canonicalize().ok().and_then(|path| path.parent().map(Path::to_path_buf));
    let mut found: Vec<Kubectl> = Vec::new();
    for release in SUPPORTED {
        let name = format!("kubectl.{release}");
        let candidate = beside.as_ref().map(|folder| folder.join(&name)).filter(|path| project::is_executable(path));
        if let Some(program) = candidate.or_else(|| project::on_path(&name)) {
            found.push(Kubectl { release: release.to_owned(), program });
        }
    }
    if found.is_empty() {
        found.push(Kubectl { release: release_of(&default)?, program: default });
    }
    Ok(found)
}

/// The newest supported kubectl on this machine.
pub(crate) fn newest() -> Result<Kubectl> {
    find()?.pop().ok_or_else(|| anyhow::anyhow!("no kubectl was found"))
}

fn release_of(program: &Path) -> Result<String> {
    let text = process::read(Command::new(program).args(["version", "--client", "-o", "json"]))?;
    let version: serde_json::Value = serde_json::from_str(&text)?;
    let part = |name: &str| version.pointer(&format!("/clientVersion/{name}")).and_then(|part| part.as_str()).unwrap_or("?").to_owned();
    Ok(format!("{}.{}", part("major"), part("minor").trim_end_matches('+')))
}
