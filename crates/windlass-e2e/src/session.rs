//! Runs the commands of a case in a shell with its own home, namespace and kubectl, and says where it went otherwise.
//!
//! Every case has a namespace of its own (`$NS`) and a group name of its own for kinds it defines (`$GROUP`), so that cases
//! run side by side and again on the same server. Names keep their length from run to run: tables stay aligned.

use std::path::{Path, PathBuf};
use std::process::Command;

use similar::TextDiff;

use crate::normal::Normal;
use crate::transcript::{Output, Transcript};
use crate::{Mode, Settings};

/// How long one command may take before it is ended, in seconds. Ending one is a difference like any other.
const COMMAND_LIMIT: &str = "60";

/// Why a case did not pass.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The case's file or the session's folder.
    #[error("the session's files")]
    Files(#[from] std::io::Error),
    /// The case does not read.
    #[error("{0}")]
    Case(#[from] crate::transcript::TranscriptError),
    /// A command could not be started at all.
    #[error("`{command}` could not be started: {source}")]
    Start {
        /// What was to be started.
        command: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The server would not give the case its namespace.
    #[error("the case's namespace could not be made: {0}")]
    Namespace(String),
    /// The server behaved otherwise than expected.
    #[error("{0}")]
    Different(String),
}

/// Runs the case in that file. When recording, writes it again.
pub fn run(settings: &Settings, case: &Path, marker: &str) -> Result<(), SessionError> {
    let mut transcript = Transcript::parse(&fs_err::read_to_string(case)?)?;
    let name = case.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let session = Session::start(settings, &format!("{name}-{marker}"))?;
    let mut differences = String::new();
    for step in transcript.steps_mut() {
        let seen = session.shell(&step.command)?;
        let expected = step.expected_of(&settings.release);
        if seen == *expected {
            continue;
        }
        match settings.mode {
            Mode::Compare => {
                differences.push_str(&difference(case, step.line, &step.command, expected, &seen));
            }
            Mode::RecordBaseline => {
                step.expected = seen;
                step.variants.clear();
            }
            Mode::RecordVariant => {
                step.variants.retain(|(release, _)| *release != settings.release);
                if seen != step.expected {
                    step.variants.push((settings.release.clone(), seen));
                }
            }
        }
    }
    drop(session);
    if settings.mode != Mode::Compare {
        fs_err::write(case, transcript.render())?;
    }
    if differences.is_empty() { Ok(()) } else { Err(SessionError::Different(differences)) }
}

/// Runs the commands in that file by kubectl and by `windlass`, and compares what both print. Gives how many were compared.
///
/// # Errors
/// The file cannot be used, or something differs.
pub fn side_by_side(settings: &Settings, list: &Path, marker: &str) -> Result<usize, SessionError> {
    let mut transcript = Transcript::parse(&fs_err::read_to_string(list)?)?;
    let session = Session::start(settings, &format!("side-{marker}"))?;
    let mut differences = String::new();
    let mut compared = 0;
    for step in transcript.steps_mut() {
        if !step.command.contains("$PROGRAM") {
            let seen = session.shell(&step.command)?;
            if seen.exit != 0 {
                return Err(SessionError::Different(format!("line {}: {}", step.line, seen.lines().join("\n"))));
            }
            continue;
        }
        compared += 1;
        let expected = session.shell(&format!("PROGRAM=kubectl SIDE=kubectl; {}", step.command))?;
        let mut seen = session.shell(&format!("PROGRAM=windlass SIDE=windlas; {}", step.command))?;
        for line in seen.stdout.iter_mut().chain(&mut seen.stderr) {
            *line = line.replace("windlas", "kubectl");
        }
        if seen != expected {
            differences.push_str(&difference(list, step.line, &step.command, &expected, &seen));
        }
    }
    if differences.is_empty() { Ok(compared) } else { Err(SessionError::Different(differences)) }
}

fn difference(case: &Path, line: usize, command: &str, expected: &Output, seen: &Output) -> String {
    let (expected, seen) = (expected.lines().join("\n") + "\n", seen.lines().join("\n") + "\n");
    let diff = TextDiff::from_lines(&expected, &seen);
    format!("{}:{line}\n  $ {command}\n{}\n", case.display(), diff.unified_diff().header("expected", "seen"))
}

/// A shell with its surroundings. Dropping it removes what the case left on the server.
struct Session {
    folder: tempfile::TempDir,
    names: Vec<(String, &'static str)>,
    namespace: String,
    group: String,
    path: std::ffi::OsString,
    normal: Normal,
}

impl Session {
    fn start(settings: &Settings, namespace: &str) -> Result<Session, SessionError> {
        let folder = tempfile::tempdir()?;
        let programs = folder.path().join("programs");
        fs_err::create_dir_all(&programs)?;
        fs_err::create_dir_all(folder.path().join("work"))?;
        fs_err::os::unix::fs::symlink(resolve(&settings.kubectl), programs.join("kubectl"))?;
        if let Some(windlass) = &settings.windlass {
            fs_err::os::unix::fs::symlink(std::path::absolute(windlass)?, programs.join("windlass"))?;
        }
        fs_err::copy(&settings.kubeconfig, folder.path().join("kubeconfig"))?;
        let mut path = programs.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let group = format!("{namespace}.example.com");
        let names =
            vec![(folder.path().to_string_lossy().into_owned(), "<dir>"), (group.clone(), "<group>"), (namespace.to_owned(), "<ns>")];
        let session = Session { folder, names, namespace: namespace.to_owned(), group, path, normal: Normal::default() };
        // The default service account is part of what a namespace is: cases begin when it is there.
        let made = session.shell(
            "kubectl create namespace $NS && kubectl config set-context --current --namespace=$NS && \
             until kubectl get serviceaccount/default configmap/kube-root-ca.crt -o name; do sleep 0.1; done",
        )?;
        if made.exit != 0 {
            return Err(SessionError::Namespace(made.lines().join("\n")));
        }
        Ok(session)
    }

    fn shell(&self, text: &str) -> Result<Output, SessionError> {
        let output = Command::new("timeout")
            .args(["--kill-after=5", COMMAND_LIMIT, "bash", "-c", "set -o pipefail; eval \"$1\"", "case", text])
            .current_dir(self.folder.path().join("work"))
            .env("PATH", &self.path)
            .env("HOME", self.folder.path())
            .env("TMPDIR", "/tmp")
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .env("NS", &self.namespace)
            .env("GROUP", &self.group)
            .env("TZ", "UTC")
            .env("LC_ALL", "C")
            .stdin(std::process::Stdio::null())
            .output()
            .map_err(|source| SessionError::Start { command: "timeout bash".to_owned(), source })?;
        let lines = |bytes: &[u8]| -> Vec<String> {
            String::from_utf8_lossy(bytes)
                .lines()
                .filter(|line| !self.normal.is_about_a_neighbour(line, &self.group))
                .map(|line| self.normal.line(line, &self.names))
                .collect()
        };
        Ok(Output { stdout: lines(&output.stdout), stderr: lines(&output.stderr), exit: output.status.code().unwrap_or(-1) })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let text = "kubectl delete namespace $NS --wait=false --ignore-not-found; \
                    kubectl get customresourcedefinitions -o name | grep -F .$GROUP | xargs -r kubectl delete --wait=false";
        // What cannot be removed does no harm to other cases: names are never used twice.
        drop(self.shell(text));
    }
}

/// A bare program name stays what the shell would find; a symbolic link needs a whole path.
fn resolve(program: &Path) -> PathBuf {
    if program.components().count() > 1 {
        return program.to_path_buf();
    }
    std::env::var_os("PATH")
        .and_then(|path| std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file()))
        .unwrap_or_else(|| program.to_path_buf())
}
