//! Where things are: the workspace, the folder beside it that holds fixtures, the user's cache.
//!
//! Paths are found when the command runs, never baked in when it is compiled: a target folder may be shared
//! by several clones.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> Result<PathBuf> {
    let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::current_dir().context("the working directory is gone")?,
    };
    match start.ancestors().find(|folder| folder.join("Cargo.lock").is_file() && folder.join("xtask").is_dir()) {
        Some(folder) => Ok(folder.to_path_buf()),
        None => bail!("`{}` is not inside the project\nhint: run `cargo xtask` in the project's folder", start.display()),
    }
}

/// The user's cache folder for things that cost minutes to make and can always be made again.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set\nhint: set XDG_CACHE_HOME")?).join(".cache"),
    };
    Ok(base.join("windlass"))
}

/// Whether nobody is watching and nothing may be left out.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// The first executable of that name on PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| is_executable(candidate))
}

/// Whether the path names a file that may be executed.
pub(crate) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
