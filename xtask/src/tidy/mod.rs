//! `cargo xtask tidy`: the rules that no compiler checks. Prose is not enforcement; each rule here fails CI.
//!
//! [`layers`] reads `cargo metadata`, [`files`] and [`functions`] read every source file. A finding names the file, the
//! rule and the way out. Start with [`run`].

mod files;
mod functions;
mod layers;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::project;

/// `cargo xtask tidy`; with `shrink` the list of long functions is rewritten, which may only make it shorter.
pub(crate) fn run(shrink: bool) -> Result<()> {
    let root = project::root()?;
    let mut findings = layers::check(&root)?;
    let sources = sources(&root)?;
    for source in &sources {
        files::check(source, &mut findings);
    }
    functions::check(&root, &sources, shrink, &mut findings)?;
    files::check_links(&root, &mut findings)?;
    if findings.is_empty() {
        println!("    tidy: {} source files, nothing to say", sources.len());
        return Ok(());
    }
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    bail!("tidy: {} findings", findings.len())
}

/// One source file of the workspace.
struct Source {
    /// Path from the workspace's root, with `/`.
    path: String,
    /// Its text.
    text: String,
}

impl Source {
    /// Whether it holds tests only.
    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs") || self.path.contains("/benches/")
    }

    /// Lines that are not inside an inline `mod tests { ... }`.
    fn product_lines(&self) -> usize {
        let lines: Vec<&str> = self.text.lines().collect();
        lines.iter().position(|line| line.starts_with("mod tests {")).unwrap_or(lines.len())
    }
}

fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for folder in ["crates", "xtask"] {
        for entry in walkdir::WalkDir::new(root.join(folder)).sort_by_file_name() {
            let entry = entry.with_context(|| format!("`{folder}` cannot be listed"))?;
            let path: PathBuf = entry.into_path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            found.push(Source { text: fs_err::read_to_string(&path)?, path: relative });
        }
    }
    Ok(found)
}
