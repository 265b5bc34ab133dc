//! The control socket of a shim: one line asked, one line answered.

use super::slot::SlotDirectory;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A longer line is none of ours.
const LONGEST_LINE: u64 = 64;
/// Nobody keeps a shim waiting longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a shim can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// What is so.
    Status,
    /// End the program, and yourself.
    Stop,
    /// Read the configuration again; end the program and start it anew if it changed.
    Reload,
}

impl Request {
    const ALL: [(Self, &'static str); 3] = [(Self::Status, "status"), (Self::Stop, "stop"), (Self::Reload, "reload")];

    fn parse(line: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| *word == line.trim()).map(|(request, _)| *request)
    }

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(request, _)| *request == self).map_or("status", |(_, word)| word)
    }
}

/// Asks a slot's shim. `false` where none listens.
pub(super) fn ask(slot: &SlotDirectory, request: Request) -> bool {
    let answer = || -> io::Result<String> {
        let place = slot.control()?;
        let mut stream = UnixStream::connect(place.path())?;
        stream.set_read_timeout(Some(PATIENCE * 4))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        writeln!(stream, "{}", request.word())?;
        let mut line = String::new();
        BufReader::new(stream.take(1 << 20)).read_line(&mut line)?;
        Ok(line)
    };
    answer().is_ok_and(|line| !line.is_empty())
}

/// Reads one question and gives it to `answer`, whose text is sent back.
pub(super) fn serve(stream: &UnixStream, answer: impl FnOnce(Option<Request>) -> String) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_line(&mut line)?;
    let mut writer = stream;
    writeln!(writer, "{}", answer(Request::parse(&line)))
}
