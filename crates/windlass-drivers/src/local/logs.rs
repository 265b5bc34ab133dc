//! What a slot's program wrote, as lines; also those that are written while one reads.

use super::part::Part;
use super::records::NodeKey;
use super::slot::SlotDirectory;
use futures::Stream;
use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

/// Between two looks at a log that is followed.
const LOOK: Duration = Duration::from_millis(200);
/// A longer line is none of ours.
const LONGEST_LINE: u64 = 64 << 10;

/// One line of a program's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Which replica wrote it.
    pub replica: u32,
    /// Which container, where a replica has several.
    pub container: Option<String>,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// `out`, `err`, or `shim` for what the shim says.
    pub source: String,
    /// The line, without its end.
    pub text: String,
}

/// The slots of a node, or of one replica of it.
pub(super) fn slots(target: &Path, key: &NodeKey, replica: Option<u32>) -> Vec<(Part, SlotDirectory)> {
    let entries = std::fs::read_dir(key.directory(target)).into_iter().flatten().flatten();
    let mut found: Vec<(Part, SlotDirectory)> = entries
        .filter_map(|entry| {
            let slot = SlotDirectory::new(entry.path());
            let part = Part::parse(&slot.read_config().ok()?.key.part)?;
            matches!(part, Part::Process(of, _) if replica.is_none_or(|wished| wished == of)).then_some((part, slot))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

struct Reading {
    part: Part,
    directory: PathBuf,
    /// Files that are still to be read, the oldest first.
    files: VecDeque<PathBuf>,
    open: Option<(BufReader<tokio::fs::File>, u64)>,
    partial: Vec<u8>,
    follow: bool,
}

/// The lines of one slot, the oldest first; if followed, it ends when the slot is gone.
pub(super) fn lines(part: Part, slot: &SlotDirectory, follow: bool) -> impl Stream<Item = LogLine> + Send + use<> {
    let directory = slot.logs();
    let mut aside: Vec<(u32, PathBuf)> = std::fs::read_dir(&directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.strip_prefix("output.log.")?.parse().ok()?, entry.path())))
        .collect();
    aside.sort_by_key(|(age, _)| std::cmp::Reverse(*age));
    let mut files: VecDeque<PathBuf> = aside.into_iter().map(|(_, path)| path).collect();
    files.push_back(directory.join("output.log"));
    let reading = Reading { part, directory, files, open: None, partial: Vec::new(), follow };
    futures::stream::unfold(reading, |mut reading| async move { reading.next().await.map(|line| (line, reading)) })
}

impl Reading {
    async fn next(&mut self) -> Option<LogLine> {
        loop {
            if self.open.is_none() {
                self.open_next().await?;
            }
            let (reader, _) = self.open.as_mut()?;
            let read = reader.take(LONGEST_LINE).read_until(b'\n', &mut self.partial).await.unwrap_or(0);
            if self.partial.ends_with(b"\n") || self.partial.len() as u64 >= LONGEST_LINE {
                let text = String::from_utf8_lossy(&self.partial).trim_end_matches('\n').to_owned();
                self.partial.clear();
                if let Some(line) = parse(&self.part, &text) {
                    return Some(line);
                }
            } else if read == 0 {
                self.at_end().await?;
            }
        }
    }

    async fn open_next(&mut self) -> Option<()> {
        loop {
            let path = self.files.pop_front()?;
            // One that was put aside meanwhile, and fell out, is passed over.
            if let Ok(file) = tokio::fs::File::open(&path).await {
                let inode = file.metadata().await.map(|found| found.ino()).unwrap_or_default();
                self.open = Some((BufReader::new(file), inode));
                return Some(());
            }
        }
    }

    /// Goes to the next file, or waits for more; `None` at the end of all.
    async fn at_end(&mut self) -> Option<()> {
        if !self.files.is_empty() {
            self.open = None;
            return Some(());
        }
        if !self.follow {
            return None;
        }
        let newest = self.directory.join("output.log");
        let inode = tokio::fs::metadata(&newest).await.map(|found| found.ino()).ok();
        match (inode, &self.open) {
            (None, _) if !self.directory.exists() => return None,
            (Some(inode), Some((_, known))) if inode != *known => {
                self.files.push_back(newest);
                self.open = None;
            }
            _ => tokio::time::sleep(LOOK).await,
        }
        Some(())
    }
}

/// `TIME SOURCE TEXT`, as the shim writes it.
fn parse(part: &Part, line: &str) -> Option<LogLine> {
    let Part::Process(replica, container) = part else { return None };
    let mut pieces = line.splitn(3, ' ');
    let (time, source, text) = (pieces.next()?, pieces.next()?, pieces.next().unwrap_or_default());
    Some(LogLine { replica: *replica, container: container.clone(), time: time.into(), source: source.into(), text: text.into() })
}
