//! What the end-to-end suite is made of: sessions written down as text, run again, compared.
//!
//! A *case* is a Markdown file in `cases/`: prose, and blocks with commands and what they print. It was recorded from a
//! real Kubernetes API server and is required from every server. Nothing here knows which server answers: a kubeconfig
//! and a kubectl come from the environment ([`Settings`]). Start at [`transcript`], then [`session`].

pub mod normal;
pub mod session;
pub mod transcript;

use std::path::PathBuf;

/// The kubeconfig of the server to test.
pub const KUBECONFIG: &str = "WINDLASS_E2E_KUBECONFIG";
/// The kubectl program to use; the one on PATH when not set.
pub const KUBECTL: &str = "WINDLASS_E2E_KUBECTL";
/// The release of that kubectl, such as `1.33`: picks what a case expects where releases differ.
pub const RELEASE: &str = "WINDLASS_E2E_RELEASE";
/// `baseline` to write what is seen as what is expected, `variant` to add only what another release does differently.
pub const RECORD: &str = "WINDLASS_E2E_RECORD";

/// The `windlass` program to run beside kubectl; without it that comparison is left out.
pub const WINDLASS: &str = "WINDLASS_E2E_WINDLASS";

/// Whether what is seen is compared or written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Differences are failures.
    Compare,
    /// What is seen becomes what is expected.
    RecordBaseline,
    /// What is seen is added for this release where it differs.
    RecordVariant,
}

/// What the environment says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The kubeconfig of the server to test.
    pub kubeconfig: PathBuf,
    /// The kubectl program.
    pub kubectl: PathBuf,
    /// Its release.
    pub release: String,
    /// The `windlass` program, to run beside kubectl.
    pub windlass: Option<PathBuf>,
    /// Compare or record.
    pub mode: Mode,
}

impl Settings {
    /// Reads the environment. `None` when no server is given.
    #[must_use]
    pub fn from_environment() -> Option<Settings> {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Some(Settings {
            kubeconfig: text(KUBECONFIG)?.into(),
            kubectl: text(KUBECTL).unwrap_or_else(|| "kubectl".to_owned()).into(),
            release: text(RELEASE).unwrap_or_else(|| "1.33".to_owned()),
            windlass: text(WINDLASS).map(PathBuf::from),
            mode: match text(RECORD).as_deref() {
                Some("baseline") => Mode::RecordBaseline,
                Some("variant") => Mode::RecordVariant,
                _ => Mode::Compare,
            },
        })
    }
}
