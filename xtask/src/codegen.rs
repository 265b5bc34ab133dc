//! Generated files: what the embedded API server knows about built-in kinds, taken from Kubernetes' own Go modules.
//!
//! OpenAPI documents come from `api/openapi-spec/v3` of `k8s.io/kubernetes` with the allowed values from its Go, field tables for protobuf bodies from the
//! struct tags in `k8s.io/api`; both as pinned in `xtask/components/kubernetes/go.mod`. The files are committed, so that
//! a build needs no Go. `--check` only compares. Start with [`run`].

mod enums;
mod go_types;
mod openapi;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{process, project};

/// Where the files go, from the workspace's root.
const ASSETS: &str = "crates/windlass-apiserver/assets";

/// `cargo xtask codegen`: writes the files, or with `check` fails when one is not what it would write.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = project::root()?;
    let modules = Modules { folder: root.join("xtask/components/kubernetes") };
    let kubernetes = modules.path("k8s.io/kubernetes")?;
    let allowed = enums::read(&kubernetes)?;
    let documents = openapi::generate(&kubernetes.join("api/openapi-spec/v3"), &modules.version("k8s.io/kubernetes")?, &allowed)?;
    let files = [
        ("schemas.tsv", documents.schemas),
        ("paths.tsv", documents.paths),
        (
            "protobuf.tsv",
            go_types::generate(
                &modules.path("k8s.io/api")?,
                &modules.path("k8s.io/apimachinery")?,
                &modules.path("k8s.io/apiextensions-apiserver")?,
            )?,
        ),
    ];
    for (name, content) in files {
        let path = root.join(ASSETS).join(name);
        settle(&path, &content, check)?;
    }
    Ok(())
}

fn settle(path: &Path, content: &str, check: bool) -> Result<()> {
    let current = fs_err::read_to_string(path).unwrap_or_default();
    if current == content {
        println!("    {} is up to date ({} bytes)", path.display(), content.len());
        return Ok(());
    }
    if check {
        bail!("`{}` is not what the pinned modules say\nhint: run `cargo xtask codegen` and commit", path.display());
    }
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    fs_err::write(path, content)?;
    println!("    {} written ({} bytes)", path.display(), content.len());
    Ok(())
}

/// The Go modules of one `go.mod`, in Go's own cache.
struct Modules {
    folder: PathBuf,
}

impl Modules {
    /// Where a module's files lie; downloads it when it is not there.
    fn path(&self, module: &str) -> Result<PathBuf> {
        self.read(&["mod", "download"], module)?;
        let path = self.read(&["list", "-m", "-f", "{{.Dir}}"], module)?;
        Ok(PathBuf::from(path.trim()))
    }

    fn version(&self, module: &str) -> Result<String> {
        Ok(self.read(&["list", "-m", "-f", "{{.Version}}"], module)?.trim().to_owned())
    }

    fn read(&self, arguments: &[&str], module: &str) -> Result<String> {
        process::read(Command::new("go").args(arguments).arg(module).current_dir(&self.folder).env_remove("GOFLAGS"))
            .with_context(|| format!("Go does not tell about `{module}`"))
    }
}
