//! Windlass as it is measured: the release binary, `up` in a directory, ended by the kernel like by a power cut.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::figures::megabytes;
use super::http::Server;
use crate::{kubectl, process};

/// How long a start may take.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running platform. Dropping it kills it.
pub(super) struct Platform {
    child: Child,
    said: Value,
    /// When the process was started.
    pub(super) started: Instant,
    /// From the start of the process to the line that says that it is ready.
    pub(super) ready: Duration,
}

impl Platform {
    pub(super) fn start(program: &Path, data: &Path) -> Result<Platform> {
        let mut command = Command::new(program);
        command.args(["up", "--listen", "127.0.0.1:0", "--no-browser", "-o", "json", "--data-dir"]).arg(data);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("`{}` could not be started", program.display()))?;
        let stdout = child.stdout.take().context("stdout was asked for")?;
        let (sender, receiver) = mpsc::channel();
        // Ends with the program, whose output it reads so that the program never waits for us.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Nobody listens after the first line.
                sender.send(line).ok();
            }
        });
        let mut platform = Platform { child, said: Value::Null, started, ready: Duration::ZERO };
        let line = receiver.recv_timeout(START_LIMIT).context("`windlass up` does not say that it is ready")?;
        platform.ready = started.elapsed();
        platform.said = serde_json::from_str(&line)?;
        Ok(platform)
    }

    pub(super) fn said(&self, what: &str) -> Result<&str> {
        self.said[what].as_str().with_context(|| format!("`up` names no `{what}`"))
    }

    pub(super) fn kubeconfig(&self) -> Result<PathBuf> {
        Ok(self.said("kubeconfig")?.into())
    }

    pub(super) fn api(&self) -> Result<Server> {
        server(&self.kubeconfig()?)
    }

    pub(super) fn resident(&self) -> Result<f64> {
        resident(self.child.id())
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // Gone already is what we want.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The resident memory of a process in megabytes.
pub(super) fn resident(process: u32) -> Result<f64> {
    let status = fs_err::read_to_string(format!("/proc/{process}/status"))?;
    megabytes(&status, "VmRSS").context("the kernel does not tell VmRSS")
}

/// The server of a kubeconfig.
pub(super) fn server(kubeconfig: &Path) -> Result<Server> {
    let mut command = Command::new(kubectl::newest()?.program);
    command.arg("--kubeconfig").arg(kubeconfig).args(["config", "view", "--raw", "--flatten", "-o", "json"]);
    Server::of_kubeconfig(&serde_json::from_str(&process::read(&mut command)?)?)
}
