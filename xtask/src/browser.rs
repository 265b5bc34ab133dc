//! `cargo xtask browser`: the walk through the portal in a real browser, against Windlass as a person starts it.
//!
//! The walk itself is `xtask/browser/walk.mjs`. Pictures of every page are kept in `target/screenshots`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::embedded::{self, Embedded};
use crate::test::{Counted, closing};
use crate::{kubectl, process, project};

/// The picture that the README shows.
const PICTURE: &str = "docs/portal.png";

/// `cargo xtask browser`; with `picture` the README's picture is taken anew.
pub(crate) fn run(picture: bool) -> Result<()> {
    let counted = all()?;
    if picture {
        let root = project::root()?;
        fs_err::copy(pictures()?.join("instance-wide-light.png"), root.join(PICTURE))?;
    }
    counted.close()
}

/// The walk, as `cargo xtask test` takes it.
pub(crate) fn all() -> Result<Counted> {
    let missing: Vec<&str> = ["npm", "node", "chromium"].into_iter().filter(|program| project::on_path(program).is_none()).collect();
    if !missing.is_empty() {
        let message = format!("the portal cannot be tested in a browser: not on PATH: {}", missing.join(", "));
        if project::is_ci() {
            bail!("{message}");
        }
        println!("\n    not run: {message}");
        return Ok(Counted::default());
    }
    let modules = install()?;
    println!("\n==> the portal in a browser");
    let folder = tempfile::tempdir()?;
    let marker = format!("walk-{}", std::process::id());
    let source = folder.path().join(&marker);
    write_app(&source)?;
    let embedded = Embedded::start(&folder.path().join("data"))?;
    let settings = json!({
        "portal": embedded.said("portal")?,
        "apps": embedded.said("apps")?,
        "kubeconfig": embedded.kubeconfig(),
        "source": source,
        "marker": marker,
        "pictures": pictures()?,
        "windlass": embedded::program()?,
        "kubectl": kubectl::newest()?.program,
        "chromium": project::on_path("chromium"),
    });
    let mut command = Command::new("node");
    command.arg(modules.join("walk.mjs")).env("WINDLASS_WALK", settings.to_string());
    let mut counted = Counted::default();
    let succeeded = process::follow(&mut command, |line| counted.add(closing(line)))?;
    if !succeeded {
        counted.failed = counted.failed.max(1);
        println!("    the end of the server's log:\n{}", process::tail(embedded.log(), 40));
    }
    Ok(counted)
}

/// Where pictures go.
fn pictures() -> Result<PathBuf> {
    let folder = project::root()?.join("target/screenshots");
    fs_err::create_dir_all(&folder)?;
    Ok(folder)
}

/// The walk with the packages that it needs, in the user's cache under a name made of what decides them.
fn install() -> Result<PathBuf> {
    let own = project::root()?.join("xtask/browser");
    let lock = fs_err::read(own.join("package-lock.json"))?;
    let name: String = Sha256::digest(&lock).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let folder = project::cache()?.join(format!("browser-{name}"));
    fs_err::create_dir_all(&folder)?;
    for entry in fs_err::read_dir(&own)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs_err::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    if !folder.join("node_modules/playwright-core/package.json").is_file() {
        let mut command = Command::new("npm");
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
        process::stage("npm ci", &mut command)?;
    }
    Ok(folder)
}

/// A small shop: answers with its page and its process id, and starts two children that are hard to find: one in a session
/// of its own whose parent ends, and one without any environment.
fn write_app(folder: &Path) -> Result<()> {
    fs_err::create_dir_all(folder)?;
    let marker = folder.file_name().context("the app's folder has a name")?.to_string_lossy().into_owned();
    let server = r#"
import { spawn } from 'node:child_process';
import http from 'node:http';
const marker = process.argv[2];
const idle = ['-e', 'setInterval(() => {}, 1000)', marker];
const middle = spawn(process.execPath, ['-e', `require('node:child_process').spawn(process.execPath, ${JSON.stringify(idle)}, { detached: true, stdio: 'ignore' }).unref()`], { detached: true, stdio: 'ignore' });
middle.unref();
spawn(process.execPath, idle, { env: {}, detached: true, stdio: 'ignore' }).unref();
http.createServer((request, response) => {
  if (request.url === '/pid') return response.end(String(process.pid));
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end('<!doctype html><html lang="en"><title>Shop</title><h1>A small shop</h1><p>Open all day.</p></html>');
}).listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
"#;
    fs_err::write(folder.join("server.mjs"), server.trim_start())?;
    fs_err::write(folder.join("Procfile"), format!("web: node server.mjs {marker}-app\n"))?;
    Ok(())
}
