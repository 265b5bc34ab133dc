//! Windlass itself as a person starts it: `windlass up` in a data directory of its own, on a free port.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::process::{self, Background};
use crate::project;

/// How long `up` may take in a debug build on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running platform. Dropping it stops it and its apps.
pub(crate) struct Embedded {
    data: PathBuf,
    log: PathBuf,
    said: serde_json::Value,
    kubeconfig: PathBuf,
    _process: Background,
}

/// Builds the program for tests, once, and says where it is.
pub(crate) fn program() -> Result<PathBuf> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    if let Some(program) = PROGRAM.get() {
        return Ok(program.clone());
    }
    process::stage("build windlass", Command::new("cargo").args(["build", "--locked", "--quiet", "--package", "windlass"]))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| project::root().map(|root| root.join("target")), |folder| Ok(folder.into()))?;
    Ok(PROGRAM.get_or_init(|| target.join("debug/windlass")).clone())
}

impl Embedded {
    /// Starts it and waits until it says that it is ready.
    pub(crate) fn start(data: &Path) -> Result<Embedded> {
        let program = program()?;
        fs_err::create_dir_all(data)?;
        let log = data.with_extension("log");
        let mut command = Command::new(&program);
        command.args(["up", "--listen", "127.0.0.1:0", "--no-browser", "-o", "json", "--data-dir"]).arg(data);
        let mut process = Background::start("windlass up", &mut command, &log)?;
        let mut ready = None;
        process::until(START_LIMIT, || {
            process.check()?;
            ready = fs_err::read_to_string(&log)?
                .lines()
                .find(|line| line.starts_with('{') && line.contains("\"kubeconfig\""))
                .map(str::to_owned);
            Ok(ready.is_some())
        })
        .with_context(|| format!("waiting for `windlass up`: {}", process::tail(&log, 20)))?;
        let said: serde_json::Value = serde_json::from_str(&ready.unwrap_or_default())?;
        let kubeconfig: PathBuf = said["kubeconfig"].as_str().context("`up` names no kubeconfig")?.into();
        Ok(Embedded { data: data.to_path_buf(), log, said, kubeconfig, _process: process })
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// What `up` said: `portal`, `api`, `kubeconfig` or `apps`.
    pub(crate) fn said(&self, what: &str) -> Result<&str> {
        self.said[what].as_str().with_context(|| format!("`up` names no `{what}`"))
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // Apps live under supervisors of their own and would survive the platform.
        if let Ok(program) = program() {
            drop(Command::new(program).arg("down").arg("--data-dir").arg(&self.data).output());
        }
    }
}
