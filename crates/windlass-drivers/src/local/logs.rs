//! What programs wrote, as lines of all replicas in the order of time; also those that are written while one reads.
//!
//! The one place where log files are read: the portal and the API's `log` subresource both ask [`super::LocalTarget::logs`].
//! Files are read in short steps on threads that may block, at most a batch ahead of the reader, and nothing is held between
//! two steps but open files. Start with [`LogQuery`], then `Reading`; one slot's files are in `files`.

mod files;

use super::part::Part;
use super::records::{self, NodeKey};
use super::shim::PROGRAM_ENDED;
use super::slot::{SlotConfig, SlotDirectory};
use files::{Backwards, Forwards, Line, Place};
use futures::stream::{self, BoxStream, StreamExt as _};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between two looks at logs that are followed and have nothing new.
const LOOK: Duration = Duration::from_millis(200);
/// Between two looks for replicas that came or went.
const SCAN: Duration = Duration::from_millis(500);
/// An instance whose directory is gone so often in a row is gone; between two generations of a replica it may be gone once.
const LOOKS_WHEN_GONE: u32 = 6;
/// A batch is no longer than this, in lines and in bytes.
const BATCH_LINES: usize = 500;
const BATCH_BYTES: usize = 128 << 10;

/// Which output is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// UID of the instance.
    pub uid: String,
    /// Key of a node; absent means all.
    pub node: Option<String>,
    /// One replica; absent means all.
    pub replica: Option<u32>,
    /// Name of a container; absent means all.
    pub container: Option<String>,
    /// So many of the newest lines, all replicas together; absent means all that is kept.
    pub tail: Option<usize>,
    /// Nothing older.
    pub since: Option<Timestamp>,
    /// Of each replica what its program wrote before it was started anew last.
    pub previous: bool,
    /// Whether the stream goes on with new lines, also of replicas that come, until the instance is gone.
    pub follow: bool,
    /// Also what the shims say: that a program ended, and with which code.
    pub notes: bool,
}

impl LogQuery {
    /// Limits it to what an effect's key names, such as `app/replica-0`; other text is taken as a node's key.
    pub fn of_effect(mut self, key: &str) -> Self {
        match Part::of_key(key) {
            Some((node, Part::Process(replica, container))) => {
                self.node = Some(node.to_owned());
                self.replica = Some(replica);
                self.container = container;
            }
            Some((node, _)) => self.node = Some(node.to_owned()),
            None => self.node = Some(key.to_owned()),
        }
        self
    }
}

/// One line of a program's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Effect key of the program: `app/replica-0`, or `app/replica-0.web` where a replica has several containers.
    pub part: String,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// `out`, `err`, or `shim` for what the shim says.
    pub source: String,
    /// The line, without its end and without the secrets that its program was given.
    pub text: String,
}

/// There is no such output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// No program was started yet.
    #[error("no program of it was started on this machine yet")]
    Absent,
    /// Nothing has this name.
    #[error("it has no {what} `{name}` on this machine\n  hint: there is {}", there.join(", "))]
    Unknown {
        /// `node`, `replica` or `container`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        there: Vec<String>,
    },
    /// No program was started anew.
    #[error("no program of it was started a second time, so there is no output of one before\n  hint: leave --previous away")]
    NoPrevious,
}

/// Opens what a query asks for. Batches are never empty. Dropping the stream ends the reading.
pub(super) async fn open(target: PathBuf, query: LogQuery) -> Result<BoxStream<'static, Vec<LogLine>>, LogError> {
    let opened = tokio::task::spawn_blocking(move || Reading::open(target, query)).await;
    let reading = opened.unwrap_or(Err(LogError::Absent))?;
    Ok(stream::unfold(reading, |mut reading| async move {
        loop {
            let step = tokio::task::spawn_blocking(move || {
                let batch = reading.batch();
                (batch, reading)
            });
            // A platform that is ending gives no thread any more.
            let (batch, next) = step.await.ok()?;
            reading = next;
            if !batch.is_empty() {
                return Some((batch, reading));
            }
            if reading.is_over() {
                return None;
            }
            tokio::time::sleep(LOOK).await;
        }
    })
    .boxed())
}

/// A slot that is read.
struct Source {
    part: String,
    directory: SlotDirectory,
    config: SlotConfig,
    forwards: Forwards,
    /// The next line, looked at already.
    next: Option<Line>,
    /// Nothing more comes in this batch.
    dry: bool,
    /// Nothing more comes at all.
    done: bool,
}

/// Where the wanted part of a slot's log begins.
#[derive(Debug, Default, PartialEq, Eq)]
struct Beginning {
    /// The oldest line where none.
    place: Option<Place>,
    /// How many lines are wanted from there, where they were counted.
    count: usize,
    /// Whether a program ended before the one that runs.
    has_previous: bool,
}

/// See the module head.
struct Reading {
    target: PathBuf,
    query: LogQuery,
    sources: Vec<Source>,
    /// How many of the first lines are left out, so that the newest are as many as asked for.
    surplus: usize,
    /// What is written later is not read unless it is followed.
    opened: String,
    scanned: Instant,
    times_gone: u32,
}

impl Reading {
    fn open(target: PathBuf, query: LogQuery) -> Result<Self, LogError> {
        let mut reading =
            Self { target, query, sources: Vec::new(), surplus: 0, opened: String::new(), scanned: Instant::now(), times_gone: 0 };
        let there = slots(&reading.target, &reading.query.uid);
        let wanted = wanted(&reading.query, there)?;
        if wanted.is_empty() && !reading.query.follow {
            return Err(LogError::Absent);
        }
        let since = reading.since();
        let (mut count, mut has_previous) = (0_usize, false);
        for slot in wanted {
            let beginning = beginning(&slot.directory.logs(), &reading.query, since.as_deref());
            count = count.saturating_add(beginning.count);
            has_previous |= beginning.has_previous;
            if !reading.query.previous || beginning.has_previous {
                reading.sources.push(Source::new(slot, beginning.place));
            }
        }
        if reading.query.previous && !has_previous {
            return Err(LogError::NoPrevious);
        }
        reading.surplus = reading.query.tail.map_or(0, |tail| count.saturating_sub(tail));
        // Lines that were counted are all from before.
        reading.opened = format!("{:.3}", Timestamp::now());
        Ok(reading)
    }

    fn since(&self) -> Option<String> {
        self.query.since.map(|since| format!("{since:.3}"))
    }

    /// Whether the stream ends.
    fn is_over(&self) -> bool {
        !self.query.follow || self.query.previous || self.times_gone >= LOOKS_WHEN_GONE
    }

    /// The next lines of all slots, merged by their times; empty where nothing more is written yet.
    fn batch(&mut self) -> Vec<LogLine> {
        self.sources.iter_mut().for_each(|source| source.dry = false);
        let (mut lines, mut bytes) = (Vec::new(), 0);
        let since = self.since();
        while lines.len() < BATCH_LINES && bytes < BATCH_BYTES {
            for source in self.sources.iter_mut().filter(|source| source.next.is_none() && !source.dry && !source.done) {
                source.look(&self.query, since.as_deref(), &self.opened);
            }
            let with_time = self.sources.iter_mut().filter(|source| source.next.is_some());
            let Some(source) = with_time.min_by(|a, b| a.time().cmp(b.time())) else { break };
            let Some(line) = source.take() else { break };
            if self.surplus > 0 {
                self.surplus -= 1;
                continue;
            }
            bytes += line.text.len();
            lines.push(line);
        }
        if lines.is_empty() && self.query.follow && self.scanned.elapsed() >= SCAN {
            self.scan();
        }
        lines
    }

    /// Takes up replicas that came, and lets go of those that went.
    fn scan(&mut self) {
        self.scanned = Instant::now();
        let is_gone = !self.target.join(records::instance_directory(&self.query.uid)).exists();
        let was_there = self.times_gone > 0 || !self.sources.is_empty();
        self.times_gone = if is_gone && was_there { self.times_gone + 1 } else { 0 };
        self.sources.retain(|source| source.next.is_some() || source.directory.path().exists());
        for slot in slots(&self.target, &self.query.uid) {
            match self.sources.iter_mut().find(|source| source.directory.path() == slot.directory.path()) {
                // It may have been given other secrets.
                Some(known) => known.config = slot.config,
                None if slot.is_wanted(&self.query) => self.sources.push(Source::new(slot, None)),
                None => {}
            }
        }
    }
}

impl Source {
    fn new(slot: Slot, place: Option<Place>) -> Self {
        let forwards = Forwards::new(slot.directory.logs(), place);
        let part = slot.part.key(&slot.node);
        Self { part, directory: slot.directory, config: slot.config, forwards, next: None, dry: false, done: false }
    }

    fn time(&self) -> &str {
        self.next.as_ref().map_or("", |line| line.time.as_str())
    }

    /// Looks for the next line that is wanted.
    fn look(&mut self, query: &LogQuery, since: Option<&str>, opened: &str) {
        while self.next.is_none() {
            let Some(line) = self.forwards.next() else {
                self.dry = true;
                return;
            };
            let ends_previous = query.previous && is_end(&line);
            if ends_previous || (!query.follow && line.time.as_str() > opened) {
                self.done = true;
            }
            if is_wanted(&line, query, since) && (ends_previous || !self.done) {
                self.next = Some(line);
            }
            if self.done {
                return;
            }
        }
    }

    fn take(&mut self) -> Option<LogLine> {
        let Line { time, source, text } = self.next.take()?;
        let text = if self.config.secrets.is_empty() { text } else { self.config.redact(&text) };
        Some(LogLine { part: self.part.clone(), time, source, text })
    }
}

/// Whether the shim says here that the program ended.
fn is_end(line: &Line) -> bool {
    line.source == "shim" && line.text.starts_with(PROGRAM_ENDED)
}

fn is_wanted(line: &Line, query: &LogQuery, since: Option<&str>) -> bool {
    (query.notes || line.source != "shim") && since.is_none_or(|since| line.time.as_str() >= since)
}

/// Finds where to begin, from the newest line backwards.
fn beginning(logs: &Path, query: &LogQuery, since: Option<&str>) -> Beginning {
    if !query.previous && since.is_none() && query.tail.is_none() {
        return Beginning::default();
    }
    let mut backwards = Backwards::new(logs);
    let mut found = Beginning { place: backwards.end(), ..Beginning::default() };
    // Of the program that ended last, only what it wrote after the end of the one before.
    let mut ends = if query.previous { 0 } else { 1 };
    while let Some((place, line)) = backwards.next() {
        if query.previous && is_end(&line) {
            ends += 1;
            found.has_previous = true;
            if ends == 2 {
                break;
            }
            found.place = Some(place);
        }
        if ends == 0 {
            continue;
        }
        if since.is_some_and(|since| line.time.as_str() < since) {
            break;
        }
        if is_wanted(&line, query, since) {
            if query.tail.is_some_and(|tail| found.count >= tail) {
                break;
            }
            found.count += 1;
            found.place = Some(place);
        }
    }
    found
}

/// A slot that is there.
struct Slot {
    node: String,
    part: Part,
    directory: SlotDirectory,
    config: SlotConfig,
}

impl Slot {
    fn replica(&self) -> u32 {
        self.config.replica
    }

    fn is_wanted(&self, query: &LogQuery) -> bool {
        query.node.as_ref().is_none_or(|node| *node == self.node)
            && query.replica.is_none_or(|replica| replica == self.replica())
            && query.container.as_ref().is_none_or(|container| *container == self.config.container)
    }
}

/// The slots of an instance's programs.
fn slots(target: &Path, uid: &str) -> Vec<Slot> {
    let mut found = Vec::new();
    for key in records::nodes_of(target, uid) {
        let entries = std::fs::read_dir(key.directory(target)).into_iter().flatten().flatten();
        found.extend(entries.filter_map(|entry| slot(&key, SlotDirectory::new(entry.path()))));
    }
    found.sort_by(|a, b| (&a.node, &a.part, a.directory.path()).cmp(&(&b.node, &b.part, b.directory.path())));
    found
}

fn slot(key: &NodeKey, directory: SlotDirectory) -> Option<Slot> {
    let config = directory.read_config().ok()?;
    let part = Part::parse(&config.key.part).filter(|part| matches!(part, Part::Process(..)))?;
    Some(Slot { node: key.node.clone(), part, directory, config })
}

/// Those that a query means. What it names must be among what is there, if anything is.
fn wanted(query: &LogQuery, there: Vec<Slot>) -> Result<Vec<Slot>, LogError> {
    fn known(what: &'static str, name: Option<&str>, slots: &[Slot], of: impl Fn(&Slot) -> String) -> Result<(), LogError> {
        let Some(name) = name.filter(|_| !slots.is_empty()) else { return Ok(()) };
        let there: BTreeSet<String> = slots.iter().map(of).collect();
        if there.contains(name) {
            return Ok(());
        }
        let there = there.into_iter().map(|name| format!("`{name}`")).collect();
        Err(LogError::Unknown { what, name: name.to_owned(), there })
    }
    let mut left = there;
    known("node", query.node.as_deref(), &left, |slot| slot.node.clone())?;
    left.retain(|slot| query.node.as_ref().is_none_or(|node| *node == slot.node));
    known("container", query.container.as_deref(), &left, |slot| slot.config.container.clone())?;
    left.retain(|slot| query.container.as_ref().is_none_or(|name| *name == slot.config.container));
    known("replica", query.replica.map(|replica| replica.to_string()).as_deref(), &left, |slot| slot.replica().to_string())?;
    left.retain(|slot| slot.is_wanted(query));
    Ok(left)
}

#[cfg(test)]
mod tests;
