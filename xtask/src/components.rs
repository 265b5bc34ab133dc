//! The pinned Go programs that tests run against: a real Kubernetes API server, its store and its controllers.
//!
//! Each is a few lines of Go of our own in `xtask/components/`, with `go.mod` and `go.sum` as the pins. What is built
//! goes to the user's cache, under a name made from everything that decides its content: a stale program cannot be found.
//! Nothing here is shipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::{process, project};

/// One program.
pub(crate) struct Component {
    /// The program's name.
    pub(crate) name: &'static str,
    /// The Go module under `xtask/components`.
    module: &'static str,
    /// The package inside the module.
    package: &'static str,
    /// The required module whose version the program should report.
    versioned_by: Option<&'static str>,
}

/// The store of the real server.
pub(crate) const ETCD: Component = Component { name: "etcd", module: "etcd", package: ".", versioned_by: None };
/// The real server.
pub(crate) const APISERVER: Component =
    Component { name: "kube-apiserver", module: "kubernetes", package: "./kube-apiserver", versioned_by: Some("k8s.io/kubernetes") };
/// Namespace deletion, garbage collection, service accounts of the real server.
pub(crate) const CONTROLLER_MANAGER: Component = Component {
    name: "kube-controller-manager",
    module: "kubernetes",
    package: "./kube-controller-manager",
    versioned_by: Some("k8s.io/kubernetes"),
};

/// `cargo xtask components`.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let all = [ETCD, APISERVER, CONTROLLER_MANAGER];
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|component| component.name != name.as_str())) {
        let known: Vec<&str> = all.iter().map(|component| component.name).collect();
        bail!("unknown component `{unknown}`\nhint: known are {}", known.join(", "));
    }
    for component in all.iter().filter(|component| names.is_empty() || names.iter().any(|name| name == component.name)) {
        println!("{}", component.path()?.display());
    }
    Ok(())
}

/// Whether Go programs can be built here.
pub(crate) fn have_go() -> bool {
    project::on_path("go").is_some()
}

impl Component {
    /// The program, built first when it is not in the cache.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        let module = project::root()?.join("xtask/components").join(self.module);
        let folder = project::cache()?.join("components").join(format!("{}-{}", self.module, fingerprint(&module)?));
        let program = folder.join(self.name);
        if !project::is_executable(&program) {
            self.build(&module, &program)?;
        }
        Ok(program)
    }

    /// Builds into a file of its own name and renames it: two commands at once do no harm, a broken build leaves nothing.
    fn build(&self, module: &Path, program: &Path) -> Result<()> {
        println!("    building {} with Go (this takes minutes the first time on a machine)", self.name);
        let start = Instant::now();
        let folder = program.parent().context("a program always lies in a folder")?;
        fs_err::create_dir_all(folder)?;
        let unfinished = folder.join(format!(".{}.{}", self.name, std::process::id()));
        let mut command = Command::new("nice");
        command.args(["-n", "19", "go", "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags"]);
        command.arg(self.linker_flags(module)?).arg("-o").arg(&unfinished).arg(self.package);
        command.current_dir(module).env("CGO_ENABLED", "0").env_remove("GOFLAGS");
        process::stage(&format!("go build {}", self.name), &mut command)?;
        fs_err::rename(&unfinished, program)?;
        println!("    {} built in {:.0} s", self.name, start.elapsed().as_secs_f64());
        Ok(())
    }

    /// `-s -w`, and the version that the program reports, taken from the pin.
    fn linker_flags(&self, module: &Path) -> Result<String> {
        let mut flags = String::from("-s -w");
        if let Some(required) = self.versioned_by {
            let version = required_version(&fs_err::read_to_string(module.join("go.mod"))?, required)
                .with_context(|| format!("`{}` does not require `{required}`", module.join("go.mod").display()))?;
            let mut parts = version.trim_start_matches('v').split('.');
            let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            for (name, value) in [("gitVersion", version.as_str()), ("gitMajor", major), ("gitMinor", minor)] {
                flags.push_str(&format!(" -X k8s.io/component-base/version.{name}={value}"));
            }
            flags.push_str(&format!(" -X k8s.io/client-go/pkg/version.gitVersion={version}"));
        }
        Ok(flags)
    }
}

/// A short name for everything that decides what a build makes.
fn fingerprint(module: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in walkdir::WalkDir::new(module).sort_by_file_name() {
        let entry = entry.with_context(|| format!("`{}` cannot be listed", module.display()))?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    for file in &files {
        let content = fs_err::read(file)?;
        hash.update(file.strip_prefix(module).unwrap_or(file).to_string_lossy().as_bytes());
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(&content);
    }
    hash.update(process::read(Command::new("go").args(["env", "GOVERSION", "GOOS", "GOARCH"]))?.as_bytes());
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

/// The version that a `go.mod` requires of a module.
fn required_version(go_mod: &str, module: &str) -> Option<String> {
    go_mod.lines().find_map(|line| {
        let line = line.trim();
        let mut words = line.strip_prefix("require ").unwrap_or(line).split_whitespace();
        (words.next() == Some(module)).then(|| words.next().map(str::to_owned)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::required_version;

    #[test]
    fn a_required_version_is_found_in_both_spellings() {
        let block = "module x\n\nrequire (\n\ta.b/c v1.2.3 // indirect\n\ta.b/d v2.0.0\n)\n";
        assert_eq!(required_version(block, "a.b/c").as_deref(), Some("v1.2.3"));
        assert_eq!(required_version("require a.b/d v2.0.0", "a.b/d").as_deref(), Some("v2.0.0"));
        assert_eq!(required_version(block, "a.b/e"), None);
    }
}
