//! What a program writes: read from its pipes line by line into log files that are put aside when they are full.

use crate::local::slot::{SlotDirectory, Timings};
use fs_err as fs;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::path::{Path, PathBuf};

/// A line longer than this is broken.
const LONGEST_LINE: usize = 16 << 10;

/// One pipe.
struct Source {
    pipe: PipeReader,
    name: &'static str,
    partial: Vec<u8>,
}

/// All the pipes of a slot, and its log.
pub(super) struct Output {
    sources: Vec<Source>,
    log: Log,
    last_line: Option<String>,
}

impl Output {
    /// Writes into the logs of this slot.
    pub(super) fn open(slot: &SlotDirectory, timings: &Timings) -> io::Result<Self> {
        Ok(Self { sources: Vec::new(), log: Log::open(&slot.logs(), timings)?, last_line: None })
    }

    /// Pipes for a program's output and errors; also says how `/proc` shows them.
    pub(super) fn attach(&mut self) -> io::Result<(PipeWriter, PipeWriter, Vec<String>)> {
        let (out, out_writer) = io::pipe()?;
        let (err, err_writer) = io::pipe()?;
        let mut seen = Vec::new();
        for (pipe, name) in [(out, "out"), (err, "err")] {
            rustix::io::ioctl_fionbio(&pipe, true)?;
            let shown = fs::read_link(format!("/proc/self/fd/{}", pipe.as_raw_fd()))?;
            seen.push(shown.to_string_lossy().into_owned());
            self.sources.push(Source { pipe, name, partial: Vec::new() });
        }
        self.last_line = None;
        Ok((out_writer, err_writer, seen))
    }

    /// What has to be polled.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.sources.iter().map(|source| source.pipe.as_fd()).collect()
    }

    /// Takes what is there; a pipe that nobody writes to any more goes.
    pub(super) fn pump(&mut self) {
        let Self { sources, log, last_line } = self;
        sources.retain_mut(|source| source.read(log, last_line));
    }

    /// The last line of the program that runs, or ran.
    pub(super) fn last_line(&self) -> Option<&str> {
        self.last_line.as_deref()
    }

    /// A line of the shim's own.
    pub(super) fn note(&mut self, text: &str) {
        self.log.line("shim", text.as_bytes());
    }
}

impl Source {
    /// Whether more may come.
    fn read(&mut self, log: &mut Log, last_line: &mut Option<String>) -> bool {
        let mut buffer = [0; 8192];
        // Bounded, so that one program that never stops writing does not keep its shim from everything else.
        for _ in 0..32 {
            match self.pipe.read(&mut buffer) {
                Ok(0) => {
                    self.flush(log, last_line);
                    return false;
                }
                Ok(count) => self.take(buffer.get(..count).unwrap_or_default(), log, last_line),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }

    fn take(&mut self, bytes: &[u8], log: &mut Log, last_line: &mut Option<String>) {
        for byte in bytes {
            if *byte == b'\n' || self.partial.len() >= LONGEST_LINE {
                self.flush(log, last_line);
            }
            if *byte != b'\n' {
                self.partial.push(*byte);
            }
        }
    }

    fn flush(&mut self, log: &mut Log, last_line: &mut Option<String>) {
        if self.partial.is_empty() {
            return;
        }
        log.line(self.name, &self.partial);
        let text = String::from_utf8_lossy(&self.partial);
        if !text.trim().is_empty() {
            *last_line = Some(text.trim().chars().take(300).collect());
        }
        self.partial.clear();
    }
}

/// Log files of one slot: `output.log`, then `output.log.1` and so on, the older the higher.
struct Log {
    directory: PathBuf,
    file: fs::File,
    size: u64,
    largest: u64,
    kept: u32,
}

impl Log {
    fn open(directory: &Path, timings: &Timings) -> io::Result<Self> {
        let file = open_log(directory)?;
        let size = file.metadata()?.len();
        Ok(Self {
            directory: directory.to_owned(),
            file,
            size,
            largest: timings.log_bytes.max(1024),
            kept: timings.log_files.clamp(1, 100),
        })
    }

    /// Writes a line with its time. A full disk loses lines, never the program.
    fn line(&mut self, name: &str, text: &[u8]) {
        let mut line = format!("{:.3} {name} ", jiff::Timestamp::now()).into_bytes();
        line.extend_from_slice(text);
        line.push(b'\n');
        if self.size > 0 && self.size + line.len() as u64 > self.largest && self.rotate().is_err() {
            return;
        }
        if self.file.write_all(&line).is_ok() {
            self.size += line.len() as u64;
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        let name = |index: u32| self.directory.join(if index == 0 { "output.log".to_owned() } else { format!("output.log.{index}") });
        for index in (0..self.kept.saturating_sub(1)).rev() {
            if name(index).exists() {
                fs::rename(name(index), name(index + 1))?;
            }
        }
        if self.kept == 1 {
            fs::remove_file(name(0))?;
        }
        self.file = open_log(&self.directory)?;
        self.size = 0;
        Ok(())
    }
}

fn open_log(directory: &Path) -> io::Result<fs::File> {
    use fs_err::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(directory.join("output.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_logs_are_put_aside_and_the_oldest_goes() {
        let root = tempfile::tempdir().unwrap();
        let slot = SlotDirectory::new(root.path());
        slot.prepare().unwrap();
        let timings = Timings { log_bytes: 1024, log_files: 3, ..Timings::default() };
        let mut output = Output::open(&slot, &timings).unwrap();
        let (mut out, _err, _) = output.attach().unwrap();
        for line in 0..200 {
            writeln!(out, "line {line}").unwrap();
        }
        write!(out, "no end of line").unwrap();
        drop(out);
        output.pump();
        assert_eq!(output.last_line(), Some("no end of line"));
        let mut names: Vec<String> =
            fs::read_dir(slot.logs()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["output.log", "output.log.1", "output.log.2"]);
        assert!(fs::metadata(slot.logs().join("output.log.1")).unwrap().len() <= 1024);
    }
}
