//! `cargo xtask test`: installs what the tests need and is missing, runs every suite, prints one closing line.
//!
//! Suites: the workspace's own tests, then the end-to-end suites against the embedded server and a real one, then
//! the walk through the portal in a browser.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{browser, e2e, packages, process};

/// What came of all suites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Counted {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Prints the closing line; fails if a test failed or none ran.
    pub(crate) fn close(self) -> Result<()> {
        println!("\n{} passed, {} failed", self.passed, self.failed);
        if self.failed > 0 || self.passed == 0 {
            bail!("the tests did not pass");
        }
        Ok(())
    }
}

/// `cargo xtask test`.
pub(crate) fn run() -> Result<()> {
    all()?.close()
}

/// Every suite.
pub(crate) fn all() -> Result<Counted> {
    println!("\n==> what the tests need");
    packages::install_missing()?;
    let mut counted = cargo_test("workspace tests", &["--workspace", "--exclude", "windlass-e2e"], &[])?;
    counted.add(e2e::all()?);
    counted.add(browser::all()?);
    Ok(counted)
}

/// Runs `cargo test` and adds up its closing lines.
pub(crate) fn cargo_test(title: &str, arguments: &[&str], environment: &[(&str, String)]) -> Result<Counted> {
    println!("\n==> {title}");
    let mut command = Command::new("cargo");
    command.args(["test", "--locked", "--quiet", "--no-fail-fast"]).args(arguments);
    command.envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
    let mut counted = Counted::default();
    let succeeded = process::follow(&mut command, |line| counted.add(closing(line)))?;
    if !succeeded && counted.failed == 0 {
        // It did not compile, or a test ended the whole process.
        counted.failed = 1;
    }
    Ok(counted)
}

/// `test result: ok. 3 passed; 0 failed; ...`
pub(crate) fn closing(line: &str) -> Counted {
    let Some(rest) = line.trim().strip_prefix("test result: ") else { return Counted::default() };
    let number = |word: &str| {
        let part = rest.split(['.', ';']).find_map(|part| part.trim().strip_suffix(word));
        part.and_then(|text| text.trim().parse().ok()).unwrap_or_default()
    };
    Counted { passed: number("passed"), failed: number("failed") }
}

#[cfg(test)]
mod tests {
    use super::{Counted, closing};

    #[test]
    fn closing_lines_are_counted() {
        let line = "test result: FAILED. 12 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(closing(line), Counted { passed: 12, failed: 2 });
        assert_eq!(closing("running 3 tests"), Counted::default());
        assert!(Counted::default().close().is_err());
        assert!(Counted { passed: 1, failed: 1 }.close().is_err());
    }
}
