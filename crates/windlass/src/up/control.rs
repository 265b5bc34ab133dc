//! The control socket `DIR/control.sock` (mode 0600): other `windlass` commands ask the running platform for a new login
//! link, or to stop. One JSON object a line, one answer a question.

use super::announce::Addresses;
use serde::{Deserialize, Serialize};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// Longest question.
const LONGEST: u64 = 4096;
/// Longest path that a socket address takes on Linux (108 bytes with the closing zero).
const LONGEST_PATH: usize = 100;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub(crate) enum Question {
    /// Where is everything? With a new login link.
    Where,
    /// Stop.
    #[serde(rename_all = "camelCase")]
    Stop {
        /// Whether apps go on.
        keep_apps: bool,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// Everything is here.
    Here(Addresses),
    /// It stops; these apps were stopped, or go on.
    Stopping {
        /// Names of apps.
        apps: Vec<String>,
        /// Whether they go on.
        kept: bool,
    },
    /// The question was not understood.
    Refused(String),
}

/// Who answers.
#[async_trait::async_trait]
pub(crate) trait Answers: Send + Sync + 'static {
    /// The answer to a question.
    async fn answer(&self, question: Question) -> Answer;
}

/// Listens on the socket; an old one of a process that is gone is replaced (the caller holds the data).
///
/// # Errors
/// The socket cannot be made.
pub(crate) fn listen(directory: &Path) -> anyhow::Result<UnixListener> {
    let path = directory.join("control.sock");
    match fs_err::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    let (_directory, address) = address(directory)?;
    let listener = UnixListener::bind(address)?;
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// A path that fits a socket address: a long one goes through the directory's descriptor, which must live until it was used.
fn address(directory: &Path) -> anyhow::Result<(Option<fs_err::File>, PathBuf)> {
    let path = directory.join("control.sock");
    if path.as_os_str().len() < LONGEST_PATH {
        return Ok((None, path));
    }
    use std::os::fd::AsRawFd as _;
    let opened = fs_err::File::open(directory)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}/control.sock", opened.file().as_raw_fd()));
    Ok((Some(opened), short))
}

/// Answers until the task is dropped.
pub(crate) async fn serve(listener: UnixListener, answers: Arc<dyn Answers>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let answers = answers.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, answers).await {
                        tracing::debug!(%error, "a control connection ended early");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket does not accept");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, answers: Arc<dyn Answers>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST)).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<Question>(&line) {
        Ok(question) => answers.answer(question).await,
        Err(error) => Answer::Refused(format!("the question is not understood: {error}")),
    };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    write.write_all(text.as_bytes()).await?;
    write.shutdown().await
}

/// Asks the platform that holds a data directory.
///
/// # Errors
/// Nobody listens, or the answer is not understood.
pub(crate) async fn ask(directory: &Path, question: Question) -> anyhow::Result<Answer> {
    let (_directory, address) = address(directory)?;
    let mut stream = UnixStream::connect(address).await?;
    let mut text = serde_json::to_string(&question)?;
    text.push('\n');
    stream.write_all(text.as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(stream).take(1 << 20).read_line(&mut answer).await?;
    Ok(serde_json::from_str(&answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    #[async_trait::async_trait]
    impl Answers for Echo {
        async fn answer(&self, question: Question) -> Answer {
            Answer::Refused(format!("{question:?}"))
        }
    }

    async fn check(directory: &Path) {
        let listener = listen(directory).expect("a socket");
        let mode = fs_err::metadata(directory.join("control.sock")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let serving = tokio::spawn(serve(listener, Arc::new(Echo)));
        let answer = ask(directory, Question::Stop { keep_apps: true }).await.expect("an answer");
        assert_eq!(answer, Answer::Refused("Stop { keep_apps: true }".into()));
        serving.abort();
    }

    #[tokio::test]
    async fn questions_are_answered_also_in_a_directory_with_a_long_name() {
        let directory = tempfile::tempdir().expect("a directory");
        check(directory.path()).await;
        let long = directory.path().join("d".repeat(150));
        fs_err::create_dir(&long).expect("made");
        check(&long).await;
    }
}
